#include <sennit/agent/policy.hpp>

#include <vector>

namespace sennit {
namespace {

const std::string* first_match(const std::vector<std::string>& patterns, std::string_view name) {
  for (const std::string& pattern : patterns) {
    if (matches_pattern(pattern, name)) return &pattern;
  }
  return nullptr;
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view name) noexcept {
  // Greedy with one point of return: linear in practice, never worse than |pattern| * |name|.
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

const std::string* denying(const PolicySettings& policy, std::string_view tool) noexcept {
  return first_match(policy.deny, tool);
}

Decision decide(const PolicySettings& policy, const ToolSpec& tool) {
  const std::string& name = tool.description.name;
  if (const auto* pattern = denying(policy, name)) return {Verdict::deny, "policy.deny: " + *pattern};
  if (const auto* pattern = first_match(policy.ask, name)) return {Verdict::ask, "policy.ask: " + *pattern};
  if (const auto* pattern = first_match(policy.allow, name)) return {Verdict::allow, "policy.allow: " + *pattern};
  const Touches& touches = tool.touches;
  if (touches.money) return {Verdict::ask, "it spends money"};
  if (touches.process) return {Verdict::ask, "it starts programs"};
  if (touches.write) return {Verdict::ask, "it changes data"};
  if (touches.network) return {Verdict::ask, "it uses the network"};
  return {Verdict::allow, "it only reads"};
}

}  // namespace sennit
