#include <sennit/agent/agent.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/inputs.hpp>
#include <sennit/app/run.hpp>
#include <sennit/app/usage.hpp>
#include <sennit/app/watch.hpp>
#include <sennit/plugins/builtin.hpp>

#include <CLI/CLI.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sennit::app {
namespace {

struct RunSettings {
  std::string agent;
  std::vector<std::string> input;
  std::vector<std::string> values;
  std::string session;
  std::string model;
  bool json = false;
  bool quiet = false;
  bool yes = false;
  bool no = false;
};

constexpr char kRunNotes[] =
    "On a terminal everything is shown as it happens. Into a pipe or a file go the agent's\n"
    "words as they come, and nothing else; tools, notices and the footer go to standard\n"
    "error. --quiet prints the final answer alone. --json prints one event a line.\n"
    "Calls that need approval are asked for where a terminal is there, and declined\n"
    "elsewhere, unless --yes or --no says so beforehand.\n";

/// Whether what is written to both is read as one text (`2>&1`).
bool same_place(int one, int other) {
  struct stat first{};
  struct stat second{};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

/// Asks at the terminal, if there is one to ask at.
struct Desk {
  Desk(asio::io_context& loop, Output& screen, bool colour)
      : terminal(loop), editor(terminal, {}, colour), person(terminal, editor, screen, colour) {}
  Terminal terminal;
  Editor editor;
  Person person;
};

int run_agent(const RunSettings& settings, const CommonOptions& common) {
  refuse_unkept(common, settings.session);
  asio::io_context loop(1);
  const auto work = asio::make_work_guard(loop);
  Signals signals(loop);
  Runtime runtime(builtin(), runtime_options(common, loop));
  Definition definition = read_definition(settings.agent);
  if (!settings.model.empty()) definition.model.name = settings.model;
  RunOptions options;
  options.inputs = read_inputs(definition, settings.values);
  std::string input = read_input(settings.input);

  Output out(loop.get_executor(), STDOUT_FILENO);
  Output err(loop.get_executor(), STDERR_FILENO);
  const bool together = out.is_terminal() || same_place(STDOUT_FILENO, STDERR_FILENO);
  Output& screen = together ? out : err;
  const bool colour = wants_colour(out.is_terminal() ? STDOUT_FILENO : STDERR_FILENO);
  Page page(screen.buffer(),
            {.width = screen.is_terminal() ? Terminal::width(out.is_terminal() ? 1 : 2) : 0, .colour = colour});
  const bool can_ask = !settings.json && Terminal::interactive(out.is_terminal() ? STDOUT_FILENO : STDERR_FILENO);
  if (settings.yes || settings.no || !can_ask) options.approvals = settings.yes ? Approvals::allow : Approvals::deny;
  options.questions = can_ask;
  View view(page, {.answer = together && !settings.quiet ? nullptr : &out.buffer(),
                   .beside = err.is_terminal(),
                   .quiet = settings.quiet,
                   .hint_approvals = !settings.yes && !settings.no && !can_ask});
  std::optional<Desk> desk;
  if (can_ask && options.approvals != Approvals::deny) {
    desk.emplace(loop, screen, colour);
    desk->terminal.original();
  }

  Agent agent(runtime, std::move(definition));
  Session session = agent.session(settings.session);
  Watch watch(loop, signals, {out, err, settings.json ? nullptr : &view, desk ? &desk->person : nullptr});
  const Outcome outcome = watch.follow(session.start(std::move(input), std::move(options)));
  desk.reset();
  finish(loop, runtime);
  if (watch.unwritable()) return report(*watch.unwritable());
  return watch.signal() != 0 ? 128 + watch.signal() : exit_code_of(outcome);
}

}  // namespace

void add_run(CLI::App& app, CommonOptions& common, int& exit_code) {
  const auto settings = std::make_shared<RunSettings>();
  CLI::App* run = app.add_subcommand("run", "Run an agent once");
  run->add_option("AGENT", settings->agent, "Agent file")->required()->type_name("");
  run->add_option("INPUT", settings->input, "What to say to it; - or nothing: standard input")->type_name("");
  run->add_option("-s,--session", settings->session, "Continue this conversation, or begin it")->type_name("NAME");
  run->add_option("-m,--model", settings->model, "Another model than the file names")->type_name("NAME");
  run->add_option("-i,--input", settings->values, "A value for one of the agent's inputs")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  CLI::Option* json = run->add_flag("--json", settings->json, "Print events as JSON, one a line; not with --quiet");
  run->add_flag("-q,--quiet", settings->quiet, "Print the final answer only")->excludes(json);
  CLI::Option* yes = run->add_flag("-y,--yes", settings->yes, "Approve every call that asks");
  run->add_flag("-n,--no", settings->no, "Decline every call that asks; not with --yes")->excludes(yes);
  add_common_options(*run, common);
  for (const char* name : {"--session", "--model"}) refuse_empty(*run, name);
  run->footer(std::string(kRunNotes) + "\n" + kExitCodeTable);
  run->callback([settings, &common, &exit_code] { exit_code = run_agent(*settings, common); });
}

}  // namespace sennit::app
