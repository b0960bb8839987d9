#include <sennit/app/check.hpp>
#include <sennit/app/check_parts.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/policy_files.hpp>
#include <sennit/app/policy_names.hpp>
#include <sennit/plugins/builtin.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

namespace sennit::app {
namespace {

constexpr std::size_t kMaxFiles = 1'000;  ///< agent files that one file may lead to

/// One walk through a file and the agents below it. Each file is checked once, however often it is named.
class Checker {
 public:
  Checker(const Registry& registry, const PolicySettings& deployment, std::vector<FileDiagnostic>& found,
          KnownTools& known)
      : registry_(registry), deployment_(deployment), found_(found), known_(known) {}

  void check(const std::filesystem::path& file) {
    const std::filesystem::path place = std::filesystem::weakly_canonical(file);
    if (checked_.size() >= kMaxFiles || !checked_.insert(place).second) return;
    ParsedDefinition parsed;
    try {
      parsed = parse_definition_file(file);
    } catch (const Error& error) {
      found_.push_back({file, {Diagnostic::Severity::error, 0, 0, error.message()}});
      return;
    }
    Findings findings(parsed);
    ToolNames tools = check_parts(parsed.definition, registry_, findings);
    above_.push_back(place);
    std::vector<std::filesystem::path> below;
    check_agents(parsed.definition, tools, findings, below);
    check_programs(parsed.definition, findings);
    check_policy(parsed.definition, tools, deployment_, findings);
    check_intents(parsed.definition, tools, findings);
    known_.names.insert(known_.names.end(), tools.names.begin(), tools.names.end());
    known_.beginnings.insert(known_.beginnings.end(), tools.servers.begin(), tools.servers.end());
    add(file, std::move(parsed.diagnostics), findings.list());
    for (const std::filesystem::path& agent : below) check(agent);
    above_.pop_back();
  }

 private:
  void check_agents(const Definition& definition, ToolNames& tools, Findings& findings,
                    std::vector<std::filesystem::path>& below) {
    for (std::size_t i = 0; i < definition.agents.size(); ++i) {
      const SubAgent& agent = definition.agents[i];
      if (agent.file.empty()) {  // reported by the reader
        tools.complete = false;
        continue;
      }
      const std::string path = fmt::format("agents[{}].file", i);
      const std::filesystem::path file = definition.directory() / agent.file;
      if (!std::filesystem::is_regular_file(file)) {
        findings.error(path, fmt::format("there is no agent file `{}`", agent.file.string()));
        tools.complete = tools.complete && !agent.name.empty();
        if (!agent.name.empty()) tools.names.push_back(agent.name);
        continue;
      }
      if (std::ranges::count(above_, std::filesystem::weakly_canonical(file)) > 0) {
        findings.error(path, fmt::format("`{}` reaches itself through its sub-agents", agent.file.string()));
        continue;
      }
      below.push_back(file.lexically_normal());
      const Definition sub = definition_of(file);
      for (const InputSpec& input : sub.inputs) {
        if (!input.required || !input.fallback.is_null()) continue;
        findings.error(path, fmt::format("`{}` requires the input `{}`, and a sub-agent is given a task and no inputs: "
                                         "give it a `default` there",
                                         agent.file.string(), input.name));
      }
      const std::string name = agent.name.empty() ? sub.name : agent.name;
      if (std::ranges::count(tools.names, name) > 0) {
        findings.error(fmt::format("agents[{}]", i), fmt::format("two tools of this agent are named `{}`", name));
      }
      tools.names.push_back(name);
    }
  }

  /// A sub-agent, as far as it can be read; what else is wrong with it is found when its turn comes.
  static Definition definition_of(const std::filesystem::path& file) {
    try {
      return parse_definition_file(file).definition;
    } catch (const Error&) {
      Definition unreadable;
      unreadable.name = file.stem().string();
      return unreadable;
    }
  }

  void add(const std::filesystem::path& file, std::vector<Diagnostic> own, const std::vector<Diagnostic>& more) {
    own.insert(own.end(), more.begin(), more.end());
    std::ranges::sort(own, {}, [](const Diagnostic& d) { return std::tie(d.line, d.column, d.message); });
    for (Diagnostic& diagnostic : own) found_.push_back({file, std::move(diagnostic)});
  }

  const Registry& registry_;
  const PolicySettings& deployment_;
  std::vector<FileDiagnostic>& found_;
  KnownTools& known_;  ///< grows by the tools of each agent
  std::set<std::filesystem::path> checked_;
  std::vector<std::filesystem::path> above_;  ///< the files that lead here
};

std::string show(const FileDiagnostic& found) {
  if (found.diagnostic.line == 0) {
    const bool error = found.diagnostic.severity == Diagnostic::Severity::error;
    return fmt::format("{}: {}: {}", found.file.string(), error ? "error" : "warning", found.diagnostic.message);
  }
  return format_diagnostic(found.file, found.diagnostic);
}

int run(const std::vector<std::string>& files) {
  const Registry registry = builtin();
  const PolicyPlaces places = policy_places();
  const PolicySettings deployment = deployment_policy(places);
  KnownTools known;
  bool failed = false;
  std::string text;
  std::set<std::string> shown;  // a sub-agent of two agents is reported once
  for (const std::string& file : files) {
    std::vector<FileDiagnostic> found;
    Checker(registry, deployment, found, known).check(file);
    for (const FileDiagnostic& one : found) {
      const std::string line = show(one);
      if (shown.insert(line).second) text += line + "\n";
      failed = failed || one.diagnostic.severity == Diagnostic::Severity::error;
    }
    if (found.empty()) text += file + ": ok\n";
  }
  for (const UnknownName& name : unknown_names(places, registry, std::move(known))) {
    text += show({name.file, {Diagnostic::Severity::warning, 0, 0, name.message}}) + "\n";
  }
  const int printed = print(text);
  return printed == kExitCompleted && failed ? kExitFailed : printed;
}

}  // namespace

std::vector<FileDiagnostic> check_file(const std::filesystem::path& file, const Registry& registry,
                                       const PolicySettings& deployment) {
  std::vector<FileDiagnostic> found;
  KnownTools known;
  Checker(registry, deployment, found, known).check(file);
  return found;
}

void add_check(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("check", "Report everything that is wrong in agent files");
  auto files = std::make_shared<std::vector<std::string>>();
  command->add_option("FILE", *files, "Agent files; the sub-agents that they name are checked too")->required();
  command->footer(
      "Exit status: 0 where nothing is wrong (warnings count as nothing), 1 where something is, 2 where the command "
      "was\n"
      "used wrongly.\n");
  command->callback([files, &exit_code] { exit_code = run(*files); });
}

}  // namespace sennit::app
