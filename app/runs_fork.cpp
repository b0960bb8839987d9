// `sennit runs fork`: a new run that goes the way of another up to one of its effects, and its own from there.
#include <sennit/agent/agent.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/foreground.hpp>
#include <sennit/app/kept_runs.hpp>
#include <sennit/app/origin.hpp>
#include <sennit/app/requests.hpp>
#include <sennit/app/runs.hpp>

#include <CLI/CLI.hpp>

#include <charconv>
#include <memory>
#include <string>
#include <vector>

namespace sennit::app {
namespace {

struct ForkSettings {
  std::string run;
  std::filesystem::path agent;
  std::uint32_t at = 0;
  std::vector<std::string> set;
  std::string input;
  ForegroundSettings foreground;
};

constexpr char kNotes[] =
    "`sennit runs show` numbers the effects. --set takes the keys of agent files, with dots:\n"
    "--set limits.steps=5 --set \"instructions=Answer in French.\"\n"
    "--input is said to the model before it goes on; of a fork at 1, instead of what was said.\n";

/// Requests before the fork: their answers are taken over.
std::set<std::string> settled_before(const RecordedRun& run, std::uint32_t at) {
  std::set<std::string> settled;
  for (const Request& request : requests_of(run.journal)) {
    std::uint32_t number = 0;
    std::from_chars(request.id.data(), request.id.data() + request.id.size(), number);
    if (request.settled && number < at) settled.insert(request.id);
  }
  return settled;
}

int fork(const ForkSettings& settings, const CommonOptions& common) {
  FoundRun found = find_run(settings.run, common);
  AgentSource source = source_of(found.run.record, settings.agent, found.file);
  source.settings.insert(source.settings.end(), settings.set.begin(), settings.set.end());
  KeptRuns runs(common);
  Signals signals(runs.loop());
  const Agent agent(runs.runtime(), read_agent(source));
  Foreground foreground(runs.loop(), signals, settings.foreground);
  RunOptions options = foreground.options();
  options.origin = origin_of(source);
  std::set<std::string> settled = settled_before(found.run, settings.at);
  Run run = agent.fork(std::move(found.run), {.at = settings.at, .say = settings.input}, std::move(options));
  const Outcome outcome = foreground.follow(std::move(run), std::move(settled));
  foreground.leave();
  return foreground.status(outcome);
}

}  // namespace

void add_runs_fork(CLI::App& runs, CommonOptions& common, int& exit_code) {
  const auto settings = std::make_shared<ForkSettings>();
  CLI::App* command = runs.add_subcommand("fork", "Begin a new run that takes over another up to one of its effects");
  command->add_option("RUN", settings->run, "Its id, or the file it was exported to")->required()->type_name("");
  command->add_option("--at", settings->at, "The first effect that is done anew, from 1")
      ->required()
      ->check(CLI::Range(1U, 1'000'000'000U))
      ->type_name("N");
  command->add_option("--set", settings->set, "Another setting than the agent file has")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--input", settings->input, "Said to the model before it goes on")->type_name("TEXT");
  command->add_option("--agent", settings->agent, "Another agent file than the run began with")->type_name("FILE");
  add_approval_options(*command, settings->foreground);
  add_output_options(*command, settings->foreground);
  add_state_options(*command, common);
  command->footer(std::string(kNotes) + "\n" + kExitCodeTable);
  command->callback([settings, &common, &exit_code] { exit_code = fork(*settings, common); });
}

}  // namespace sennit::app
