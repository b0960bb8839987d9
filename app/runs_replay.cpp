// `sennit runs replay`: tells a run again with the agent as it is now, and shows where it would go another way.
#include <sennit/agent/agent.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/foreground.hpp>
#include <sennit/app/kept_runs.hpp>
#include <sennit/app/origin.hpp>
#include <sennit/app/runs.hpp>
#include <sennit/plugins/builtin.hpp>

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace sennit::app {
namespace {

struct ReplaySettings {
  std::string run;
  std::filesystem::path agent;
  ForegroundSettings foreground;
};

constexpr char kNotes[] =
    "Nothing is done: model, tools and people answer from the record. Where the agent asks\n"
    "something else than it did, the place and the difference go to standard error; status 1.\n";

/// All that is to be known of a run is in hand: the state folder is left alone.
CommonOptions without_store(const CommonOptions& common) {
  CommonOptions options = common;
  options.no_store = true;
  return options;
}

int replay(const ReplaySettings& settings, const CommonOptions& common) {
  FoundRun found = find_run(settings.run, common);
  asio::io_context loop(1);
  const auto work = asio::make_work_guard(loop);
  Signals signals(loop);
  Runtime runtime(builtin(), runtime_options(without_store(common), loop));
  const Agent agent(runtime, read_agent(source_of(found.run.record, settings.agent, found.file)));
  Foreground foreground(loop, signals, settings.foreground);
  foreground.ask_nobody();
  const Outcome outcome = foreground.follow(agent.replay(std::move(found.run)));
  finish(loop, runtime);
  const bool diverged = outcome.error && outcome.error->code() == errc::diverged;
  if (diverged && settings.foreground.json) return report(*outcome.error);
  return foreground.status(outcome);
}

}  // namespace

void add_runs_replay(CLI::App& runs, CommonOptions& common, int& exit_code) {
  const auto settings = std::make_shared<ReplaySettings>();
  CLI::App* command = runs.add_subcommand("replay", "Tell a run again with the agent as it is now, doing nothing");
  command->add_option("RUN", settings->run, "Its id, or the file it was exported to")->required()->type_name("");
  command->add_option("--agent", settings->agent, "Another agent file than the run began with")->type_name("FILE");
  add_output_options(*command, settings->foreground);
  add_state_options(*command, common);
  command->footer(std::string(kNotes) + "\n" + kExitCodeTable);
  command->callback([settings, &common, &exit_code] { exit_code = replay(*settings, common); });
}

}  // namespace sennit::app
