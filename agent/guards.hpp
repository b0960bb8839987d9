// Private: what an agent must not change of itself, whatever its tools may write: the files that decide what it may do.
#pragma once

#include <sennit/agent/registry.hpp>

#include <filesystem>
#include <vector>

namespace sennit {

struct Guards {
  std::vector<std::filesystem::path> files;    ///< also where they do not exist yet
  std::vector<std::filesystem::path> folders;  ///< with all that is in them
};

/// The agent's file, those of the agents above and below it, the programs and documents that they name (hooks,
/// guardrails, MCP servers, OpenAPI), secrets kept in files, the state folder, and where policies of a deployment
/// stand.
[[nodiscard]] Guards guards_of(const PartContext& context);

}  // namespace sennit
