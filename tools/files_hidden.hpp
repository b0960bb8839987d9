// Private: What a policy keeps from calls that look at many files: of those only the folder was judged.
#pragma once

#include <sennit/agent/policy_match.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/tools/files_access.hpp>
#include <sennit/tools/files_walk.hpp>

#include <string>
#include <vector>

namespace sennit::files {

/// The rules of policies that speak of one tool's paths, and of nothing else. Immutable. [thread-safe]
class Hidden {
 public:
  Hidden(const std::vector<PolicySettings>& policies, std::string tool);

  /// Whether such a rule denies the file, asks for it, or leaves it out (`!`) where it allows others.
  [[nodiscard]] bool hides(const std::vector<Facet>& facets) const;
  [[nodiscard]] bool empty() const { return restricting_.empty() && excepted_.empty(); }

 private:
  void add(const PolicySettings& policy);
  void add_allowed(const PolicyRule& rule);

  ToolSpec tool_{};
  std::vector<PolicyRule> restricting_;
  std::vector<PolicyRule> allowing_;
  std::vector<PolicyRule> excepted_;  ///< what stands after a `!` in those that allow
};

/// Of the agent, of its deployment, and what the agents above deny. Throws what read_definition() does.
[[nodiscard]] std::vector<PolicySettings> policies_of(const PartContext& context);

/// Empty where nothing is hidden. `hidden` must outlive it.
[[nodiscard]] Omit omit_from(const Access& access, const Place& start, const Hidden& hidden);

}  // namespace sennit::files
