#include <sennit/app/runs.hpp>

#include <CLI/CLI.hpp>

namespace sennit::app {
namespace {

constexpr char kNotes[] =
    "ID may be the beginning of an id that is unmistakable; `last` is the newest run.\n"
    "Without a command the newest runs are listed.\n";

}  // namespace

void add_runs(CLI::App& app, CommonOptions& common, int& exit_code) {
  CLI::App* runs = app.add_subcommand("runs", "Runs that were kept: list, show, resume, answer, replay, fork …");
  runs->require_subcommand(0, 1);
  runs->footer(kNotes);  // the commands inherit it
  add_runs_list(*runs, common, exit_code);
  add_runs_show(*runs, common, exit_code);
  add_runs_resume(*runs, common, exit_code);
  add_runs_answer(*runs, common, exit_code);
  add_runs_cancel(*runs, common, exit_code);
  add_runs_replay(*runs, common, exit_code);
  add_runs_fork(*runs, common, exit_code);
  add_runs_export(*runs, common, exit_code);
  add_runs_import(*runs, common, exit_code);
  add_runs_cost(*runs, common, exit_code);
  add_runs_prune(*runs, common, exit_code);
  for (CLI::App* command : runs->get_subcommands(nullptr)) command->group("Commands");
  runs->final_callback([runs, &common, &exit_code] {
    if (runs->get_subcommands().empty()) exit_code = list_runs(common);
  });
}

}  // namespace sennit::app
