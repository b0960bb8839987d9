// The tools of an agent, for asking what its policy says of them: no model is chosen, no server started, no secret
// read.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/policy.hpp>
#include <sennit/agent/registry.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {

/// An agent and those above it, outermost first, with the tools of the last.
struct PolicySubject {
  std::vector<Definition> agents;
  std::vector<std::shared_ptr<Tool>> tools;
  PolicySettings deployment;

  /// As a run of the first has them when the last works. They point into this object.
  [[nodiscard]] std::vector<PolicyLayer> layers() const;
};

/// The agent of `file`, or, of its sub-agents' names in `below`, the one that they lead to. Throws Error(errc::config,
/// errc::not_found, errc::io).
[[nodiscard]] PolicySubject policy_subject(const std::filesystem::path& file, const std::vector<std::string>& below,
                                           const Registry& registry, PolicySettings deployment);

/// A tool of an MCP server, which is not asked, by what is assumed of its tools; null if no server's name begins it.
[[nodiscard]] std::shared_ptr<Tool> assumed_tool(const Definition& definition, const std::string& name);

[[nodiscard]] std::vector<std::string> names_of(const std::vector<std::shared_ptr<Tool>>& tools);

/// "read, network"; "nothing".
[[nodiscard]] std::vector<std::string_view> words_of(const Touches& touches);

}  // namespace sennit::app
