// Private: An answer from the web as text that a model reads.
#pragma once

#include <sennit/tools/http_exchange.hpp>
#include <sennit/tools/pdf_text.hpp>

#include <cstddef>
#include <string>

namespace sennit::web {

struct View {
  std::size_t start = 0;
  bool whole = false;   ///< with navigation and the like
  std::string pages{};  ///< of a PDF
};

/// HTML as Markdown, PDFs as their text, other text as it is; what is none of these in one line. At most kMaxWebOutput
/// bytes, from view.start on. An HTTP error is_error.
[[nodiscard]] asio::awaitable<ToolOutput> show_page(http::Answer answer, View view, pdf::Setup pdf,
                                                    Environment& environment);

}  // namespace sennit::web
