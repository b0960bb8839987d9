#include <sennit/agent/definition.hpp>
#include <sennit/agent/policy.hpp>
#include <sennit/app/policy_names.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit::app {
namespace {

bool is_known(const std::string& rule, const KnownTools& known) {
  return std::ranges::any_of(known.names, [&](const std::string& name) { return matches_pattern(rule, name); }) ||
         std::ranges::any_of(known.beginnings, [&](const std::string& beginning) { return may_fit(rule, beginning); });
}

void look(const std::filesystem::path& file, std::string_view key, const std::vector<PolicyRule>& rules,
          const KnownTools& known, std::vector<UnknownName>& found) {
  for (const PolicyRule& rule : rules) {
    if (is_known(rule.tool, known)) continue;
    const std::string_view near = nearest(rule.tool, known.names);
    found.push_back({file, fmt::format("`{}: {}` fits no tool of Sennit or of the agents looked at, nor of their MCP "
                                       "servers; {}",
                                       key, rule.tool,
                                       near.empty() ? "if no other agent has it, correct the name"
                                                    : fmt::format("did you mean `{}`?", near))});
  }
}

/// The tools of the program.
void add_known(const Registry& registry, KnownTools& known) {
  const Definition nobody;
  const PartContext context{nobody, registry, {}};
  // Some tools are there only with an option.
  const std::vector<json::object> tried{
      {}, {{"write", true}}, {{"search", {{"kind", "searxng"}, {"url", "http://127.0.0.1/search"}}}}};
  for (const std::string& kind : registry.tool_names()) {
    bool made = false;
    for (const json::object& options : tried) {
      try {
        for (const auto& tool : registry.tools({kind, options}, context)) {
          known.names.push_back(tool->spec().description.name);
        }
        made = true;
      } catch (const std::exception&) {
        continue;  // it has no such option, or needs others
      }
    }
    if (made) continue;
    known.names.push_back(kind);
    known.beginnings.push_back(kind + "_");
  }
  std::ranges::sort(known.names);
  const auto repeated = std::ranges::unique(known.names);
  known.names.erase(repeated.begin(), repeated.end());
}

}  // namespace

bool may_fit(std::string_view pattern, std::string_view beginning) {
  const std::string_view fixed = pattern.substr(0, pattern.find('*'));
  return fixed.starts_with(beginning) || (fixed.size() < pattern.size() && beginning.starts_with(fixed));
}

std::vector<UnknownName> unknown_names(const PolicyPlaces& places, const Registry& registry, KnownTools agents) {
  std::vector<UnknownName> found;
  KnownTools known = std::move(agents);
  bool is_complete = false;
  for (const std::filesystem::path& file : {places.machine, places.person}) {
    if (file.empty() || !is_there(file)) continue;
    const PolicySettings policy = read_policy(file);
    if (!std::exchange(is_complete, true)) add_known(registry, known);
    look(file, "deny", policy.deny, known, found);
    look(file, "ask", policy.ask, known, found);
    look(file, "allow", policy.allow, known, found);
  }
  return found;
}

}  // namespace sennit::app
