// Private: what an agent must not change of itself, whatever its tools may write: the files that decide what it may do,
// and what runs outside of its sandbox.
#pragma once

#include <sennit/agent/registry.hpp>

#include <filesystem>
#include <vector>

namespace sennit {

struct Guards {
  std::vector<std::filesystem::path> files;    ///< also where they do not exist yet
  std::vector<std::filesystem::path> folders;  ///< with all that is in them
};

/// What an agent and those below it are made of: their files, the programs and documents that these name (hooks,
/// guardrails, MCP servers, OpenAPI) with the programs' folders, and the secrets that are files or are printed by
/// programs. Reads the files of all agents below it; of one that cannot be read it knows the file only.
[[nodiscard]] std::vector<std::filesystem::path> parts_of_tree(const Definition& top);

/// What all agents of the tree are made of (PartContext::guarded), the state
/// folder, and where policies of a deployment stand.
[[nodiscard]] Guards guards_of(const PartContext& context);

}  // namespace sennit
