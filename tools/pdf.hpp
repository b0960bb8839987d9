// The tool `pdf`: pdf_text gives the text of PDFs in the agent's folders.
//
//   tools:
//     - pdf: { roots: [papers] }
//
// Needs the program pdftotext (Debian: poppler-utils), which runs in a sandbox.
#pragma once

#include <sennit/agent/registry.hpp>
#include <sennit/tools/files_access.hpp>
#include <sennit/tools/pdf_text.hpp>

#include <memory>
#include <vector>

namespace sennit {

[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_pdf(files::Access access, pdf::Setup setup = {});

/// The factory. Options: roots, trusted, private, timeout.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_pdf_tools(const json::object& options,
                                                                const PartContext& context);

}  // namespace sennit
