// `sennit policy show`: all tools of an agent, and what its policy says of each whatever its arguments.
#include <sennit/agent/schema/validate.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/policy.hpp>
#include <sennit/app/policy_files.hpp>
#include <sennit/app/policy_names.hpp>
#include <sennit/app/policy_tools.hpp>
#include <sennit/app/unicode.hpp>
#include <sennit/plugins/builtin.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sennit::app {
namespace {

struct ShowSettings {
  std::string agent;
  bool json = false;
};

/// What one tool may do.
struct Row {
  std::string tool;
  Decision decision;
  std::vector<std::string_view> touches;
  std::vector<std::string> conditions;  ///< rules that speak of some of its calls
};

bool speaks_of(const PolicyRule& rule, const std::string& tool) {
  return matches_pattern(rule.tool, tool);
}

/// Without the rules that depend on arguments.
PolicySettings unconditional(PolicySettings policy) {
  for (auto* rules : {&policy.allow, &policy.ask, &policy.deny}) {
    std::erase_if(*rules, [](const PolicyRule& rule) { return !rule.when.empty(); });
  }
  return policy;
}

void add_conditions(const PolicySettings& policy, std::string_view whose, Row& row) {
  const auto add = [&](std::string_view key, const std::vector<PolicyRule>& rules) {
    for (const PolicyRule& rule : rules) {
      if (!rule.when.empty() && speaks_of(rule, row.tool)) {
        row.conditions.push_back(fmt::format("{}.{}: {}", whose, key, describe(rule)));
      }
    }
  };
  add("deny", policy.deny);
  add("ask", policy.ask);
  add("allow", policy.allow);
}

std::vector<Row> rows_of(const PolicySubject& subject) {
  const Definition& agent = subject.agents.back();
  const PolicySettings own = unconditional(agent.policy);
  const PolicySettings deployment = unconditional(subject.deployment);
  const std::vector<PolicyLayer> layers{{PolicyLayer::Kind::deployment, {}, &deployment},
                                        {PolicyLayer::Kind::own, agent.name, &own}};
  const json::object no_arguments;
  const std::vector<Facet> no_facets;
  const Labels no_labels;
  std::vector<Row> rows;
  for (const auto& tool : subject.tools) {
    const ToolSpec& spec = tool->spec();
    Row row{.tool = spec.description.name,
            .decision = decide(layers, {spec, no_arguments, no_facets, no_labels}),
            .touches = words_of(spec.touches),
            .conditions = {}};
    add_conditions(subject.deployment, "deployment policy", row);
    add_conditions(agent.policy, "policy", row);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string touches_of(const Row& row) {
  return row.touches.empty() ? "nothing" : fmt::format("{}", fmt::join(row.touches, ", "));
}

std::string to_text(const PolicySubject& subject, const std::vector<Row>& rows) {
  std::size_t name = 4;
  std::size_t touches = 7;
  for (const Row& row : rows) {
    name = std::max(name, row.tool.size());
    touches = std::max(touches, touches_of(row).size());
  }
  std::string text = fmt::format("{:<{}}  verdict  {:<{}}  because\n", "tool", name, "touches", touches);
  for (const Row& row : rows) {
    text += fmt::format("{:<{}}  {:<7}  {:<{}}  {}\n", row.tool, name, to_string(row.decision.verdict), touches_of(row),
                        touches, one_line(row.decision.rule));
    for (const std::string& condition : row.conditions) {
      text += fmt::format("{:<{}}  some     {:<{}}  {}\n", "", name, "", touches, one_line(condition));
    }
  }
  for (const McpServer& server : subject.agents.back().mcp) {
    text += fmt::format("{}_…: the MCP server was not asked; `policy test` says what is assumed of its tools\n",
                        server.name);
  }
  return text;
}

std::string to_json_text(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) {
    json::array touches;
    for (const std::string_view word : row.touches) touches.emplace_back(word);
    json::array conditions;
    for (const std::string& condition : row.conditions) conditions.emplace_back(condition);
    text += json_text(json::object{{"tool", row.tool},
                                   {"verdict", to_string(row.decision.verdict)},
                                   {"rule", row.decision.rule},
                                   {"touches", std::move(touches)},
                                   {"conditions", std::move(conditions)}}) +
            "\n";
  }
  return text;
}

/// Of the deployment's rules that concern no tool, on standard error.
void warn(const PolicyPlaces& places, const Registry& registry, const PolicySubject& subject) {
  KnownTools known{names_of(subject.tools), {}};
  for (const McpServer& server : subject.agents.back().mcp) known.beginnings.push_back(server.name + "_");
  for (const UnknownName& name : unknown_names(places, registry, std::move(known))) {
    const std::string line = fmt::format("sennit: warning: {}: {}\n", name.file.string(), one_line(name.message));
    std::fwrite(line.data(), 1, line.size(), stderr);
  }
}

int show(const ShowSettings& settings) {
  const Registry registry = builtin();
  const PolicyPlaces places = policy_places();
  const PolicySubject subject = policy_subject(settings.agent, {}, registry, deployment_policy(places));
  warn(places, registry, subject);
  const std::vector<Row> rows = rows_of(subject);
  return print(settings.json ? to_json_text(rows) : to_text(subject, rows));
}

}  // namespace

void add_policy_show(CLI::App& policy, int& exit_code) {
  const auto settings = std::make_shared<ShowSettings>();
  CLI::App* command = policy.add_subcommand("show", "List an agent's tools with what may be done with each");
  command->add_option("AGENT", settings->agent, "Agent file")->required()->type_name("");
  command->add_flag("--json", settings->json, "Print a JSON object a line");
  command->footer(
      "A line `some` is a rule that speaks of some of the tool's calls, by their arguments. What labels add is not\n"
      "shown: see `sennit policy test`.\n");
  command->callback([settings, &exit_code] { exit_code = show(*settings); });
}

}  // namespace sennit::app
