// The tool `files`: files_list, files_read and files_search, and with `write: true` files_write and files_edit.
//
//   tools:
//     - files: { roots: [., ../shared], write: true }
//     - files: { trusted: true, private: false }    # nobody else writes here, and anybody may read it
//
// `roots` are relative to the agent file; the default is its folder. Nothing outside of them can be reached.
#pragma once

#include <sennit/agent/registry.hpp>
#include <sennit/tools/files_root.hpp>

#include <filesystem>
#include <memory>
#include <vector>

namespace sennit {

struct FilesSettings {
  std::vector<std::filesystem::path> roots;
  bool write = false;
  files::Protected forbidden;
  /// Where the run puts tools' outputs that are too long for the model: it may read its own there. Empty: nowhere.
  std::filesystem::path outputs{};
  std::filesystem::path home{};  ///< the agent's folder: facets name files from there. Empty: the first root
  bool trusted = false;          ///< what is read is no untrusted text
  bool confidential = true;      ///< what is read is private
  /// Of the agent, its deployment and the agents above: files_list and files_search leave out what these keep from them
  /// by rules on paths alone.
  std::vector<PolicySettings> policies{};
};

/// Throws Error(errc::config) if a root cannot be used or the kernel lacks openat2.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_files(FilesSettings settings);

/// The factory. The agent's file, those of its sub-agents and the state folder cannot be written.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_files_tools(const json::object& options,
                                                                  const PartContext& context);

}  // namespace sennit
