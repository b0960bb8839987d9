#include <sennit/agent/io/error.hpp>
#include <sennit/app/kept_runs.hpp>
#include <sennit/plugins/builtin.hpp>

#include <utility>

namespace sennit::app {
namespace {

RuntimeOptions options_for(const CommonOptions& common, asio::io_context& loop) {
  if (common.no_store) throw Error(errc::invalid_argument, "with --no-store there are no runs that were kept");
  return runtime_options(common, loop);
}

}  // namespace

KeptRuns::KeptRuns(const CommonOptions& common) : runtime_(builtin(), options_for(common, loop_)) {}

KeptRuns::~KeptRuns() {
  finish(loop_, runtime_);
}

RecordedRun KeptRuns::recorded(const std::string& name) {
  if (name != "last") return await(loop_, store().recorded(name));
  const std::vector<RunRecord> newest = list({.limit = 1});
  if (newest.empty()) throw Error(errc::not_found, "there is no run yet");
  return await(loop_, store().recorded(newest.front().id));
}

std::vector<RunRecord> KeptRuns::list(RunFilter filter) {
  return await(loop_, store().runs(std::move(filter)));
}

std::vector<Answer> KeptRuns::answers(const std::string& run) {
  return await(loop_, store().answers(run));
}

Requests KeptRuns::requests(const RecordedRun& run) {
  Requests found;
  if (run.record.ended) return found;
  found.open = requests_of(run.journal);
  std::erase_if(found.open, [](const Request& request) { return request.settled; });
  if (found.open.empty()) return found;
  const std::vector<Answer> given = answers(run.record.id);
  std::erase_if(found.open, [&](const Request& request) { return answer_to(request, given) != nullptr; });
  found.answered = found.open.empty();
  return found;
}

FoundRun find_run(const std::string& name, const CommonOptions& common) {
  std::error_code ignored;
  const bool is_file = name.find('/') != std::string::npos || name.ends_with(".jsonl") ||
                       std::filesystem::is_regular_file(name, ignored);
  if (is_file) return {read_run_file(name), name};
  return {KeptRuns(common).recorded(name), {}};
}

}  // namespace sennit::app
