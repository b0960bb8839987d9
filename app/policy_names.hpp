// Tools that a deployment's policy names and nobody knows: a rule with a misspelt name forbids nothing, silently.
#pragma once

#include <sennit/agent/registry.hpp>
#include <sennit/app/policy_files.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {

/// What rules can be about.
struct KnownTools {
  std::vector<std::string> names;
  std::vector<std::string> beginnings;  ///< of names that only a run knows: "github_" of an MCP server
};

/// Whether a rule's pattern may fit a name of which only the beginning is known.
[[nodiscard]] bool may_fit(std::string_view pattern, std::string_view beginning);

struct UnknownName {
  std::filesystem::path file;
  std::string message;
};

/// The rules under `deny`, `ask` and `allow` of the deployment's files that fit no tool of the registry or of the
/// `agents` looked at. The deployment holds for other agents as well, so this is to be a warning. Throws as
/// deployment_policy().
[[nodiscard]] std::vector<UnknownName> unknown_names(const PolicyPlaces& places, const Registry& registry,
                                                     KnownTools agents);

}  // namespace sennit::app
