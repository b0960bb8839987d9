#include <sennit/agent/journal.hpp>
#include <sennit/agent/pin.hpp>

#include <algorithm>
#include <array>

namespace sennit {
namespace {

bool is_beside_the_prompt(std::string_view place) {
  static constexpr std::array<std::string_view, 20> kBeside{"agents",
                                                            "settings.agents",
                                                            "settings.description",
                                                            "settings.file",
                                                            "settings.guardrails",
                                                            "settings.hooks",
                                                            "settings.intents",
                                                            "settings.limits",
                                                            "settings.name",
                                                            "settings.policy",
                                                            "settings.tools",
                                                            "settings.model.url",
                                                            "settings.model.proxy",
                                                            "settings.model.ca_file",
                                                            "settings.sennit",
                                                            "settings.model.base_url",
                                                            "settings.model.api_key",
                                                            "settings.model.headers",
                                                            "settings.model.rate",
                                                            "settings.model.retry"};
  return std::find(kBeside.begin(), kBeside.end(), place) != kBeside.end() || place == "settings.model.timeouts" ||
         place == "settings.model.prices" || place == "settings.memory";
}

}  // namespace

json::value make_pin(const Agent::Parts& parts, json::object agents) {
  json::object tools;
  for (const ToolDescription& tool : parts.descriptions) {
    tools[tool.name] = {{"description", tool.description}, {"parameters", tool.parameters}};
  }
  return {{"name", parts.definition.name},
          {"settings", describe(parts.definition)},
          {"tools", std::move(tools)},
          {"planner", {{"name", parts.definition.planner}, {"version", parts.planner->version()}}},
          {"agents", std::move(agents)}};
}

std::string pin_difference(const json::value& was, const json::value& is) {
  return json_difference(was, is);
}

std::string prompt_difference(const json::value& was, const json::value& is) {
  return json_difference(was, is, &is_beside_the_prompt);
}

}  // namespace sennit
