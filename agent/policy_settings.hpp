// What an agent, or all agents of a deployment, may do, as data: the `policy:` of an agent file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sennit {

enum class Verdict { allow, ask, deny };

/// Which calls a rule speaks of: a tool's name or pattern (`files_*`), and what must hold of its arguments.
///
/// A condition names a facet of the call ("path", "host", "url", "method", "command", "amount", "destination": what a
/// tool says that its arguments mean, see Tool::facets) or an argument by its own name ("to", "options.force"), and
/// gives patterns: a glob (`*` is any characters; in a path `*` stays within a folder and `**` does not, and a pattern
/// without
/// `/` is one of the last name), a comparison of numbers ("<= 50"), or either of them after a `!`. A value fits if it
/// matches one of the plain patterns (where there are any) and none of those after a `!`. Where a call has several
/// values, a rule that allows wants all of them to fit, one that asks or denies any; a missing number fits the latter.
struct PolicyRule {
  std::string tool;
  std::map<std::string, std::vector<std::string>> when{};

  PolicyRule() = default;
  PolicyRule(std::string pattern)
      : tool(std::move(pattern)) {}                   // NOLINT(google-explicit-constructor): a bare name is a rule
  PolicyRule(const char* pattern) : tool(pattern) {}  // NOLINT(google-explicit-constructor)
  PolicyRule(std::string pattern, std::map<std::string, std::vector<std::string>> conditions)
      : tool(std::move(pattern)), when(std::move(conditions)) {}
  friend bool operator==(const PolicyRule&, const PolicyRule&) = default;
};

/// Private data that may go somewhere.
struct FlowPermit {
  std::string from = "*";  ///< pattern of confidential origins: "file:*", "memory:assistant"
  std::string to;          ///< pattern of a host or another destination: "api.example.com", "mcp:mail", "tool:files_*"
  friend bool operator==(const FlowPermit&, const FlowPermit&) = default;
};

/// What holds, whatever the tool rules say, once the conversation carries labels (labels.hpp). A verdict here makes a
/// call stricter, never laxer. One that is not given is `ask` for an agent, and no opinion of a deployment.
struct FlowSettings {
  std::optional<Verdict> untrusted{};     ///< untrusted text is there, and the call writes, starts programs or pays
  std::optional<Verdict> confidential{};  ///< private data is there, and the call leads to a place not permitted for it
  std::optional<Verdict> both{};          ///< both are there, and the call leads out, or stores without labels
  std::vector<PolicyRule> steerable{};    ///< calls that untrusted text may cause without asking
  std::vector<FlowPermit> permit{};
  friend bool operator==(const FlowSettings&, const FlowSettings&) = default;
};

/// The strictest match wins: deny, then ask, then allow. What matches nothing is judged by `fallback`, without one by
/// what the tool touches: allowed if it only reads, asked for otherwise.
struct PolicySettings {
  std::vector<PolicyRule> allow{};
  std::vector<PolicyRule> ask{};
  std::vector<PolicyRule> deny{};
  std::optional<Verdict> fallback{};
  FlowSettings flow{};
  std::vector<PolicyRule> trust{};         ///< calls whose results count as trusted
  std::vector<PolicyRule> confidential{};  ///< calls whose results are private
  /// Whether children may run without a sandbox where none is possible. A deployment's word counts before an agent's.
  std::optional<bool> unsandboxed{};
  friend bool operator==(const PolicySettings&, const PolicySettings&) = default;
};

}  // namespace sennit
