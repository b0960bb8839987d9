// `sennit runs`: the runs that were kept: listed, shown, gone on with, answered, told again, forked, put into files.
#pragma once

namespace CLI {
class App;
}

namespace sennit::app {

struct CommonOptions;

/// Adds the command and its subcommands to `app`; without a subcommand it lists.
void add_runs(CLI::App& app, CommonOptions& common, int& exit_code);

// ---- its subcommands, one a file ----
void add_runs_list(CLI::App& runs, CommonOptions& common, int& exit_code);
void add_runs_show(CLI::App& runs, CommonOptions& common, int& exit_code);
void add_runs_resume(CLI::App& runs, CommonOptions& common, int& exit_code);
void add_runs_answer(CLI::App& runs, CommonOptions& common, int& exit_code);
void add_runs_cancel(CLI::App& runs, CommonOptions& common, int& exit_code);
void add_runs_replay(CLI::App& runs, CommonOptions& common, int& exit_code);
void add_runs_fork(CLI::App& runs, CommonOptions& common, int& exit_code);
void add_runs_export(CLI::App& runs, CommonOptions& common, int& exit_code);
void add_runs_import(CLI::App& runs, CommonOptions& common, int& exit_code);
void add_runs_cost(CLI::App& runs, CommonOptions& common, int& exit_code);
void add_runs_prune(CLI::App& runs, CommonOptions& common, int& exit_code);

/// `sennit runs` alone: the newest runs.
[[nodiscard]] int list_runs(const CommonOptions& common);

}  // namespace sennit::app
