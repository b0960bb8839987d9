// What is suspicious about an agent's rules: they match nothing, ask for what no call has, or never decide anything.
#include <sennit/agent/policy.hpp>
#include <sennit/app/check_parts.hpp>
#include <sennit/app/policy_names.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <set>

namespace sennit::app {
namespace {

using Rules = std::vector<PolicyRule>;

/// What a condition on a call of the tool can name.
std::set<std::string, std::less<>> nameable(const Tool& tool) {
  std::set<std::string, std::less<>> names;
  const ToolSpec& spec = tool.spec();
  json::object sample;
  if (const auto* properties = spec.description.parameters.if_contains("properties");
      properties != nullptr && properties->is_object()) {
    for (const auto& [name, schema] : properties->get_object()) {
      names.insert(std::string(name));
      if (name == "url") names.insert("host");
      sample[name] = "x";
    }
  }
  for (const auto& [argument, facet] : spec.facets) {
    names.insert(facet);
    if (facet == "url") names.insert("host");
  }
  for (const json::object& arguments : {json::object{}, sample}) {
    try {
      for (const Facet& facet : tool.facets(arguments)) names.insert(facet.name);
    } catch (const std::exception&) {
      // It wants other arguments than a sample: what it declares has to do.
    }
  }
  return names;
}

class PolicyCheck {
 public:
  PolicyCheck(const Definition& definition, const ToolNames& tools, const PolicySettings& deployment,
              Findings& findings)
      : definition_(definition), tools_(tools), deployment_(deployment), findings_(findings) {}

  void run() {
    const PolicySettings& policy = definition_.policy;
    look("policy.allow", policy.allow, {{"policy.deny", &policy.deny}, {"policy.ask", &policy.ask}});
    look("policy.ask", policy.ask, {{"policy.deny", &policy.deny}});
    look("policy.deny", policy.deny, {});
    look("policy.trust", policy.trust, {});
    look("policy.confidential", policy.confidential, {});
    look("policy.flow.steerable", policy.flow.steerable, {});
    overridden("policy.allow", policy.allow, {{"denies", &deployment_.deny}, {"asks for", &deployment_.ask}});
    overridden("policy.ask", policy.ask, {{"denies", &deployment_.deny}});
  }

 private:
  struct Named {
    std::string_view name;
    const Rules* rules;
  };

  [[nodiscard]] std::vector<std::string> matched(const PolicyRule& rule) const {
    std::vector<std::string> names;
    for (const std::string& name : tools_.names) {
      if (matches_pattern(rule.tool, name)) names.push_back(name);
    }
    return names;
  }

  /// An MCP server's tools are not known before it is asked.
  [[nodiscard]] bool may_be_of_a_server(const PolicyRule& rule) const {
    return std::ranges::any_of(tools_.servers,
                               [&](const std::string& beginning) { return may_fit(rule.tool, beginning); });
  }

  void look(std::string_view key, const Rules& rules, const std::vector<Named>& stricter) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const std::string path = fmt::format("{}[{}]", key, i);
      if (may_be_of_a_server(rules[i])) continue;
      const std::vector<std::string> names = matched(rules[i]);
      if (names.empty()) {
        findings_.warning(path, fmt::format("`{}` matches none of this agent's tools", rules[i].tool) +
                                    (tools_.names.empty() ? std::string("; it has none")
                                                          : fmt::format(": {}", fmt::join(tools_.names, ", "))));
        continue;
      }
      check_conditions(path, rules[i], names);
      check_reach(path, key, rules, i, names, stricter);
    }
  }

  void check_conditions(const std::string& path, const PolicyRule& rule, const std::vector<std::string>& names) {
    std::set<std::string, std::less<>> known;
    for (const auto& tool : tools_.tools) {
      if (std::ranges::count(names, tool->spec().description.name) > 0) known.merge(nameable(*tool));
    }
    if (known.empty()) return;
    for (const auto& [condition, patterns] : rule.when) {
      const std::string_view first = std::string_view(condition).substr(0, condition.find('.'));
      if (known.contains(condition) || known.contains(first)) continue;
      const std::vector<std::string> all(known.begin(), known.end());
      const std::string_view near = nearest(condition, all);
      findings_.warning(path, fmt::format("no call of `{}` has `{}`; {}", rule.tool, condition,
                                          near.empty() ? fmt::format("it has: {}", fmt::join(all, ", "))
                                                       : fmt::format("did you mean `{}`?", near)));
    }
  }

  /// A rule without conditions that speaks of the tool; null: none.
  static const PolicyRule* covering(const Rules& rules, const std::string& tool) {
    const auto found = std::ranges::find_if(
        rules, [&](const PolicyRule& rule) { return rule.when.empty() && matches_pattern(rule.tool, tool); });
    return found == rules.end() ? nullptr : &*found;
  }

  /// Where each tool that a rule speaks of is decided by others, the rule never decides.
  void check_reach(const std::string& path, std::string_view key, const Rules& rules, std::size_t index,
                   const std::vector<std::string>& names, const std::vector<Named>& stricter) {
    std::string why;
    for (const std::string& name : names) {
      const auto by =
          std::ranges::find_if(stricter, [&](const Named& list) { return covering(*list.rules, name) != nullptr; });
      const PolicyRule* const same = covering(rules, name);
      if (by != stricter.end()) {
        why = fmt::format("`{}: {}` is stricter", by->name, covering(*by->rules, name)->tool);
      } else if (same != nullptr && same != &rules[index] && (same < &rules[index] || !rules[index].when.empty())) {
        why = fmt::format("`{}: {}` says so already", key, same->tool);
      } else {
        return;
      }
    }
    findings_.warning(path, fmt::format("`{}` never decides anything: {}", describe(rules[index]), why));
  }

  void overridden(std::string_view key, const Rules& rules, const std::vector<Named>& above) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const std::vector<std::string> names = matched(rules[i]);
      for (const Named& list : above) {
        const auto covered = [&](const std::string& name) { return covering(*list.rules, name) != nullptr; };
        if (names.empty() || !std::ranges::all_of(names, covered)) continue;
        findings_.warning(fmt::format("{}[{}]", key, i),
                          fmt::format("`{}` is overridden: the deployment policy {} `{}`", describe(rules[i]),
                                      list.name, covering(*list.rules, names.front())->tool));
        break;
      }
    }
  }

  const Definition& definition_;
  const ToolNames& tools_;
  const PolicySettings& deployment_;
  Findings& findings_;
};

}  // namespace

void check_policy(const Definition& definition, const ToolNames& tools, const PolicySettings& deployment,
                  Findings& findings) {
  if (tools.complete) PolicyCheck(definition, tools, deployment, findings).run();
}

}  // namespace sennit::app
