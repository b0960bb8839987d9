#include <sennit/tools/files_hidden.hpp>

#include <map>
#include <system_error>
#include <utility>

namespace sennit::files {
namespace {

bool is_of_paths_alone(const PolicyRule& rule) {
  return rule.when.size() == 1 && rule.when.begin()->first == "path";
}

}  // namespace

Hidden::Hidden(const std::vector<PolicySettings>& policies, std::string tool) {
  tool_.description.name = std::move(tool);
  for (const PolicySettings& policy : policies) add(policy);
}

void Hidden::add(const PolicySettings& policy) {
  const auto speaks = [&](const PolicyRule& rule) { return matches_pattern(rule.tool, tool_.description.name); };
  for (const std::vector<PolicyRule>* rules : {&policy.deny, &policy.ask}) {
    for (const PolicyRule& rule : *rules) {
      if (speaks(rule) && is_of_paths_alone(rule)) restricting_.push_back(rule);
    }
  }
  for (const PolicyRule& rule : policy.allow) {
    if (speaks(rule) && (rule.when.empty() || is_of_paths_alone(rule))) add_allowed(rule);
  }
}

void Hidden::add_allowed(const PolicyRule& rule) {
  allowing_.push_back(rule);
  if (rule.when.empty()) return;
  std::vector<std::string> excepted;
  for (const std::string& pattern : rule.when.begin()->second) {
    if (pattern.starts_with('!')) excepted.push_back(pattern.substr(1));
  }
  if (!excepted.empty()) excepted_.emplace_back(rule.tool, std::map{std::pair{std::string("path"), excepted}});
}

bool Hidden::hides(const std::vector<Facet>& facets) const {
  static const json::object kNoArguments;
  static const Labels kNoLabels;
  const PolicyQuestion question{tool_, kNoArguments, facets, kNoLabels};
  if (first_applying(restricting_, question, Reading::restricting) != nullptr) return true;
  return first_applying(excepted_, question, Reading::restricting) != nullptr &&
         first_applying(allowing_, question, Reading::relaxing) == nullptr;
}

std::vector<PolicySettings> policies_of(const PartContext& context) {
  std::vector<PolicySettings> policies{context.definition.policy};
  if (context.deployment != nullptr) policies.push_back(*context.deployment);
  for (const std::filesystem::path& file : context.above) {
    std::error_code failed;
    if (!std::filesystem::exists(file, failed)) continue;  // of a program, made without one
    PolicySettings denied;
    denied.deny = read_definition(file).policy.deny;
    policies.push_back(std::move(denied));
  }
  return policies;
}

Omit omit_from(const Access& access, const Place& start, const Hidden& hidden) {
  if (hidden.empty()) return {};
  return [&hidden, from = access.spellings(start)](std::string_view path) {
    return hidden.hides(from.below(path).facets());
  };
}

}  // namespace sennit::files
