// `sennit runs resume`: goes on with a run that was suspended, or whose program ended before it did.
#include <sennit/agent/agent.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/foreground.hpp>
#include <sennit/app/origin.hpp>
#include <sennit/app/requests.hpp>
#include <sennit/app/resume.hpp>
#include <sennit/app/runs.hpp>
#include <sennit/app/unicode.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

namespace sennit::app {
namespace {

constexpr char kNotes[] =
    "What was done is told from the journal; what was not is done now. Where nobody is there to\n"
    "be asked the run is suspended again, unless --yes or --no says what to do.\n"
    "Without ID all interrupted runs go on, one after the other.\n";

/// The requests that the run tells again, and to which the answer is known.
std::set<std::string> settled_in(const RecordedRun& run, const std::vector<Request>& open) {
  std::set<std::string> settled;
  for (const Request& request : requests_of(run.journal)) settled.insert(request.id);
  for (const Request& request : open) settled.erase(request.id);
  return settled;
}

/// What keeps the run from going on: nobody is there to say what it waits for.
std::vector<Request> unanswerable(const std::vector<Request>& open, const ResumeSettings& settings, bool can_ask) {
  if (can_ask) return {};
  std::vector<Request> left = open;
  const bool standing = settings.foreground.yes || settings.foreground.no;
  std::erase_if(left, [&](const Request& request) { return standing && request.kind == Request::Kind::approval; });
  return left;
}

class Resuming {
 public:
  Resuming(KeptRuns& runs, Signals& signals, const ResumeSettings& settings)
      : runs_(runs), settings_(settings), foreground_(runs.loop(), signals, parking(settings.foreground)) {}

  void resume(const RecordedRun& run) {
    const Requests requests = runs_.requests(run);
    const std::vector<Request>& open = requests.open;
    if (settings_.migrate && requests.answered) {
      say("An answer to another agent does not count for this one: what asks is asked again.\n");
    }
    const auto left = unanswerable(open, settings_, foreground_.can_ask());
    if (run.record.phase == RunPhase::waiting && !left.empty()) {
      say("The run " + run.record.id + " waits for a person.\n" + how_to_answer(run.record.id, left));
      return note(kExitSuspended);
    }
    ResumeOptions options;
    options.run = foreground_.options();
    options.force = settings_.force;
    options.migrate = settings_.migrate;
    const Agent agent(runs_.runtime(), read_agent(source_of(run.record, settings_.agent)));
    const Outcome outcome = foreground_.follow(agent.resume(run.record.id, options), settled_in(run, open));
    note(foreground_.status(outcome));
  }

  void resume_all() {
    std::vector<RunRecord> open = runs_.list({.ended = false});
    std::reverse(open.begin(), open.end());  // the oldest first
    std::size_t resumed = 0;
    for (const RunRecord& record : open) {
      if (record.phase != RunPhase::interrupted || foreground_.stopped()) continue;
      ++resumed;
      if (!settings_.foreground.quiet && !settings_.foreground.json) {
        say(fmt::format("resuming {} · {} · {}\n", record.id, one_line(record.agent),
                        clip(one_line(record.input), 60)));
      }
      try {
        resume(runs_.recorded(record.id));
      } catch (...) {  // the others go on
        note(report(current_error()));
      }
    }
    if (resumed == 0) say("No run was interrupted.\n");
    std::size_t waiting = 0;
    for (const RunRecord& record : runs_.list({.ended = false})) waiting += record.phase == RunPhase::waiting ? 1 : 0;
    if (waiting > 0) {
      say(fmt::format("{} run{} for a person: see `sennit runs list --waiting`\n", waiting,
                      waiting == 1 ? " waits" : "s wait"));
    }
  }

  [[nodiscard]] int status() {
    foreground_.leave();
    return status_;
  }

 private:
  static ForegroundSettings parking(ForegroundSettings settings) {
    settings.park = true;
    return settings;
  }
  static void say(const std::string& text) {
    std::fflush(stdout);
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
  void note(int status) {
    if (status != kExitCompleted) status_ = status;
  }

  KeptRuns& runs_;
  const ResumeSettings& settings_;
  Foreground foreground_;
  int status_ = kExitCompleted;
};

}  // namespace

int resume_runs(const ResumeSettings& settings, KeptRuns& runs) {
  Signals signals(runs.loop());
  Resuming resuming(runs, signals, settings);
  if (settings.id.empty()) {
    resuming.resume_all();
  } else {
    resuming.resume(runs.recorded(settings.id));
  }
  return resuming.status();
}

void add_runs_resume(CLI::App& runs, CommonOptions& common, int& exit_code) {
  const auto settings = std::make_shared<ResumeSettings>();
  CLI::App* command = runs.add_subcommand("resume", "Go on with a run that was interrupted or waited for an answer");
  CLI::Option* id =
      command->add_option("ID", settings->id, "The run; without it: all that were interrupted")->type_name("");
  command->add_flag("--force", settings->force, "Although it took its program down several times");
  command->add_flag("--migrate", settings->migrate,
                    "Although the agent has changed: what was done stays, what comes is done by the new one");
  command->add_option("--agent", settings->agent, "Another agent file than the run began with")->type_name("FILE");
  add_approval_options(*command, settings->foreground);
  add_output_options(*command, settings->foreground);
  add_state_options(*command, common);
  command->footer(std::string(kNotes) + "\n" + kExitCodeTable);
  command->callback([settings, id, &common, &exit_code] {
    // An empty variable of a script must not mean all of them.
    if (id->count() > 0 && settings->id.empty()) throw Error(errc::invalid_argument, "the run's id is empty");
    KeptRuns kept(common);
    exit_code = resume_runs(*settings, kept);
  });
}

}  // namespace sennit::app
