// `sennit policy test`: what becomes of one call, and every rule that has something to say of it.
#include <sennit/agent/schema/validate.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/policy.hpp>
#include <sennit/app/policy_files.hpp>
#include <sennit/app/policy_tools.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/style.hpp>
#include <sennit/app/unicode.hpp>
#include <sennit/plugins/builtin.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace sennit::app {
namespace {

struct TestSettings {
  std::string agent;
  std::string tool;
  std::string arguments;
  std::vector<std::string> untrusted;
  std::vector<std::string> confidential;
  bool json = false;
};

/// "researcher/http_get": the sub-agents that lead to a tool, and the tool.
std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash + 1);
  }
  parts.emplace_back(path);
  return parts;
}

std::shared_ptr<Tool> find_tool(const PolicySubject& subject, const std::string& name) {
  for (const auto& tool : subject.tools) {
    if (tool->spec().description.name == name) return tool;
  }
  const Definition& agent = subject.agents.back();
  if (auto assumed = assumed_tool(agent, name)) return assumed;
  const std::vector<std::string> known = names_of(subject.tools);
  const std::string_view near = nearest(name, known);
  std::string message = fmt::format("`{}` has no tool `{}`", agent.name, name);
  if (!near.empty()) throw Error(errc::not_found, fmt::format("{}; did you mean `{}`?", message, near));
  std::vector<std::string> offered = known;
  for (const McpServer& server : agent.mcp) offered.push_back(server.name + "_…");
  message += offered.empty() ? "; it has none" : fmt::format("; it has: {}", fmt::join(offered, ", "));
  throw Error(errc::not_found, message);
}

/// As a run reads what a model gave.
json::object read_arguments(const Tool& tool, const std::string& given) {
  std::string why;
  std::optional<json::value> value = given.empty() ? json::value(json::object{}) : parse_json(given, &why);
  if (!value) throw Error(errc::invalid_argument, "the arguments are no JSON: " + why);
  const Validator schema(tool.spec().description.parameters);
  schema.coerce(*value);
  if (const auto violations = schema.check(*value); !violations.empty()) {
    throw Error(errc::invalid_argument, "wrong arguments: " + describe(violations));
  }
  if (!value->is_object()) throw Error(errc::invalid_argument, "the arguments are one JSON object");
  return value->get_object();
}

/// A call that was judged.
struct Judged {
  std::string agent;
  std::string tool;
  Touches touches;
  std::vector<Facet> facets;
  Labels labels;
  Labels gives;
  std::vector<Decision> considered;
  Decision decision;
  bool assumed = false;
};

json::value to_json(const Judged& judged) {
  json::array facets;
  for (const Facet& facet : judged.facets) facets.push_back({{"name", facet.name}, {"value", facet.value}});
  json::array considered;
  for (const Decision& one : judged.considered) {
    considered.push_back({{"verdict", to_string(one.verdict)}, {"rule", one.rule}});
  }
  json::array touches;
  for (const std::string_view word : words_of(judged.touches)) touches.emplace_back(word);
  return json::object{{"agent", judged.agent},
                      {"tool", judged.tool},
                      {"verdict", to_string(judged.decision.verdict)},
                      {"rule", judged.decision.rule},
                      {"touches", std::move(touches)},
                      {"facets", std::move(facets)},
                      {"labels", sennit::to_json(judged.labels)},
                      {"considered", std::move(considered)},
                      {"assumed", judged.assumed}};
}

class Rows {
 public:
  explicit Rows(bool colour) : colour_(colour) {}
  void title(std::string_view words, const Style& style) {
    text_ += (colour_ ? sgr(style) : "") + one_line(words) + (colour_ ? sgr(kPlain) : "") + "\n";
  }
  void row(std::string_view name, std::string_view value) {
    const std::string label = fmt::format("{:<12}", name);
    text_ += "  " + (colour_ ? sgr(kDim) + label + sgr(kPlain) : label) + harmless_line(value) + "\n";
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  bool colour_;
  std::string text_;
};

std::string describe(const Labels& labels) {
  std::string text;
  if (!labels.untrusted.empty()) text = "untrusted " + describe_origins(labels.untrusted);
  if (!labels.confidential.empty()) {
    text += (text.empty() ? "private " : " · private ") + describe_origins(labels.confidential);
  }
  return text;
}

std::string to_text(const Judged& judged) {
  const Verdict verdict = judged.decision.verdict;
  const Colour colour = verdict == Verdict::allow ? Colour::green
                        : verdict == Verdict::ask ? Colour::yellow
                                                  : Colour::red;
  Rows rows(wants_colour(STDOUT_FILENO));
  rows.title(fmt::format("{}: {} of {}", to_string(verdict), judged.tool, judged.agent),
             {.bold = true, .colour = colour});
  rows.row("because", judged.decision.rule);
  const std::vector<std::string_view> touches = words_of(judged.touches);
  rows.row("touches", touches.empty() ? "nothing" : fmt::format("{}", fmt::join(touches, ", ")));
  for (const Facet& facet : judged.facets) {
    if (facet.name == "absolute") continue;  // the path once more
    rows.row(&facet == judged.facets.data() ? "reaches" : "", facet.name + " " + facet.value);
  }
  if (!judged.labels.empty()) rows.row("it has read", describe(judged.labels));
  for (const Decision& one : judged.considered) {
    rows.row(&one == judged.considered.data() ? "considered" : "",
             fmt::format("{:<6}{}", to_string(one.verdict), one.rule));
  }
  if (!judged.gives.empty()) rows.row("its result", describe(judged.gives));
  if (judged.assumed) {
    rows.row("assumed",
             "the server was not asked: its arguments are not checked, and it may do what an unknown tool may");
  }
  return rows.take();
}

Judged judge(const TestSettings& settings) {
  std::vector<std::string> path = split_path(settings.tool);
  const std::string name = std::move(path.back());
  path.pop_back();
  const PolicySubject subject = policy_subject(settings.agent, path, builtin(), deployment_policy(policy_places()));
  const std::shared_ptr<Tool> tool = find_tool(subject, name);
  const json::object arguments = read_arguments(*tool, settings.arguments);
  Judged judged;
  judged.agent = subject.agents.back().name;
  judged.tool = name;
  judged.touches = tool->spec().touches;
  judged.facets = tool->facets(arguments);
  for (const std::string& origin : settings.untrusted) judged.labels.add_untrusted(origin);
  for (const std::string& origin : settings.confidential) judged.labels.add_confidential(origin);
  const PolicyQuestion question{tool->spec(), arguments, judged.facets, judged.labels};
  judged.considered = consider(subject.layers(), question);
  judged.decision = decide(subject.layers(), question);
  judged.gives = labels_of_result(subject.layers(), question, tool->spec().gives);
  const std::vector<std::string> known = names_of(subject.tools);
  judged.assumed = std::ranges::count(known, name) == 0;
  return judged;
}

int test(const TestSettings& settings) {
  const Judged judged = judge(settings);
  const int printed = print(settings.json ? json_text(to_json(judged)) + "\n" : to_text(judged));
  if (printed != kExitCompleted) return printed;
  switch (judged.decision.verdict) {
    case Verdict::ask:
      return kExitSuspended;
    case Verdict::deny:
      return kExitRefused;
    case Verdict::allow:
      break;
  }
  return kExitCompleted;
}

}  // namespace

void add_policy_test(CLI::App& policy, int& exit_code) {
  const auto settings = std::make_shared<TestSettings>();
  CLI::App* command = policy.add_subcommand("test", "Tell what would become of a call, and by which rule");
  command->add_option("AGENT", settings->agent, "Agent file")->required()->type_name("");
  command->add_option("TOOL", settings->tool, "Its tool, or SUBAGENT/TOOL")->required()->type_name("");
  command->add_option("ARGUMENTS", settings->arguments, "A JSON object; nothing: no arguments")->type_name("");
  command->add_option("--untrusted", settings->untrusted, "Text from there is in the conversation: web:example.com")
      ->type_name("ORIGIN")
      ->allow_extra_args(false);
  command->add_option("--private", settings->confidential, "Private data from there is: file:salaries.csv")
      ->type_name("ORIGIN")
      ->allow_extra_args(false);
  command->add_flag("--json", settings->json, "Print a JSON object");
  command->footer(
      "Nothing is run: no model is asked, no MCP server started, no secret read.\n"
      "Exit status: 0 allowed, 5 a person would be asked, 3 denied; 1 where it could not be told, 2 where the command\n"
      "was used wrongly.\n");
  command->callback([settings, &exit_code] { exit_code = test(*settings); });
}

}  // namespace sennit::app
