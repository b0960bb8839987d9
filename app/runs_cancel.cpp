// `sennit runs cancel`: ends a run that no program works on.
#include <sennit/app/kept_runs.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/runs.hpp>

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace sennit::app {
namespace {

struct CancelSettings {
  std::string id;
  std::string reason;
};

int cancel(const CancelSettings& settings, const CommonOptions& common) {
  KeptRuns runs(common);
  const std::string id = runs.recorded(settings.id).record.id;
  const std::string reason = settings.reason.empty() ? "cancelled by a person" : settings.reason;
  await(runs.loop(), runs.store().abandon(id, reason));
  return print("cancelled " + id + "\n");
}

}  // namespace

void add_runs_cancel(CLI::App& runs, CommonOptions& common, int& exit_code) {
  const auto settings = std::make_shared<CancelSettings>();
  CLI::App* command =
      runs.add_subcommand("cancel", "End a run that waits or was interrupted, without going on with it");
  command->add_option("ID", settings->id, "The run")->required()->type_name("");
  command->add_option("REASON", settings->reason, "Why, for the record")->type_name("");
  add_state_options(*command, common);
  command->callback([settings, &common, &exit_code] { exit_code = cancel(*settings, common); });
}

}  // namespace sennit::app
