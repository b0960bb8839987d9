// May this call be made? Decided by the run, never by a tool or a prompt: from the agent's policy, the deployment's,
// what the tool declares it touches, and where what stands in the conversation came from.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/labels.hpp>
#include <sennit/agent/policy_settings.hpp>
#include <sennit/agent/tool.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sennit {

struct Decision {
  Verdict verdict = Verdict::allow;
  std::string rule;  ///< which rule decided, for people: "policy.ask: http_*", "it changes data"
};

/// Whose settings they are, and how far they reach.
struct PolicyLayer {
  enum class Kind {
    own,         ///< of the agent that calls: also says what holds where nothing matches
    above,       ///< of an agent that delegated to it: its denials, and what it says of labels, hold here too
    deployment,  ///< of all agents: nothing in an agent file relaxes it
  };
  Kind kind = Kind::own;
  std::string name;  ///< of the agent
  const PolicySettings* settings = nullptr;
};

/// A call, and what it comes from.
struct PolicyQuestion {
  const ToolSpec& tool;
  const json::object& arguments;
  const std::vector<Facet>& facets;
  const Labels& labels;  ///< of the conversation
};

/// Every rule that has something to say of the call, in the order in which they are looked at. Never empty where there
/// is an own layer.
[[nodiscard]] std::vector<Decision> consider(const std::vector<PolicyLayer>& layers, const PolicyQuestion& question);

/// The strictest of them: of those that deny or allow the first, of those that ask all, with all their reasons.
[[nodiscard]] Decision decide(const std::vector<PolicyLayer>& layers, const PolicyQuestion& question);

/// What an agent's policy says of a tool whatever its arguments: rules with conditions, and labels, are left out.
[[nodiscard]] Decision decide(const PolicySettings& policy, const ToolSpec& tool);

/// Whether no call of the tool can ever be made, so that a model need not hear of it.
[[nodiscard]] bool is_hidden(const PolicySettings& policy, const ToolSpec& tool);

/// The labels of a call's result: `given` by the tool, changed by what the policies trust and call confidential.
[[nodiscard]] Labels labels_of_result(const std::vector<PolicyLayer>& layers, const PolicyQuestion& question,
                                      Labels given);

/// "http_get {host: *.example.com}"
[[nodiscard]] std::string describe(const PolicyRule& rule);

/// `*` matches any run of characters, everything else itself.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view name) noexcept;

}  // namespace sennit
