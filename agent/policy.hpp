// May this tool be called? Decided by the run, from the agent's policy and what the tool declares it touches.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/tool.hpp>

#include <string>
#include <string_view>

namespace sennit {

enum class Verdict { allow, ask, deny };

struct Decision {
  Verdict verdict = Verdict::allow;
  std::string rule;  ///< which rule decided, for people: "policy.ask: http_*", "it writes files"
};

/// The strictest match wins: deny, then ask, then allow. What matches nothing is allowed if it at most reads, and
/// asked for otherwise.
[[nodiscard]] Decision decide(const PolicySettings& policy, const ToolSpec& tool);

/// The pattern of `policy.deny` that forbids the tool; null: none does.
[[nodiscard]] const std::string* denying(const PolicySettings& policy, std::string_view tool) noexcept;

/// `*` matches any run of characters, everything else itself.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view name) noexcept;

}  // namespace sennit
