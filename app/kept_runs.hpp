// The runs that the state folder has, opened for one command.
#pragma once

#include <sennit/agent/run_record.hpp>
#include <sennit/agent/runtime.hpp>
#include <sennit/agent/store.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/requests.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace sennit::app {

class KeptRuns {
 public:
  /// Throws Error(errc::storage), and errc::invalid_argument where nothing is kept (--no-store).
  explicit KeptRuns(const CommonOptions& common);
  ~KeptRuns();
  KeptRuns(const KeptRuns&) = delete;
  KeptRuns& operator=(const KeptRuns&) = delete;

  [[nodiscard]] asio::io_context& loop() { return loop_; }
  [[nodiscard]] Runtime& runtime() { return runtime_; }
  [[nodiscard]] Store& store() { return *runtime_.store(); }

  /// The run that a person means: by its id, an unmistakable beginning of it, or as `last`. Throws
  /// Error(errc::not_found).
  [[nodiscard]] RecordedRun recorded(const std::string& name);
  [[nodiscard]] std::vector<RunRecord> list(RunFilter filter);
  [[nodiscard]] std::vector<Answer> answers(const std::string& run);
  /// What the run waits for.
  [[nodiscard]] Requests requests(const RecordedRun& run);

 private:
  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{loop_.get_executor()};
  Runtime runtime_;
};

/// A run that is named by its id, or by the file that it was exported to.
struct FoundRun {
  RecordedRun run;
  std::filesystem::path file;  ///< empty: from the store
};

/// Throws like KeptRuns and read_run_file().
[[nodiscard]] FoundRun find_run(const std::string& name, const CommonOptions& common);

}  // namespace sennit::app
