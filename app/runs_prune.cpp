// `sennit runs prune`: deletes old runs that have ended, and gives their space back.
#include <sennit/agent/definition/shape.hpp>
#include <sennit/app/kept_runs.hpp>
#include <sennit/app/origin.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/run_files.hpp>
#include <sennit/app/runs.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

namespace sennit::app {
namespace {

struct PruneSettings {
  std::string older_than;
  std::filesystem::path folder;  ///< where the runs are exported to first; empty: nowhere
  bool dry_run = false;
};

std::string space(std::uintmax_t bytes) {
  constexpr double kStep = 1024;
  const auto size = static_cast<double>(bytes);
  if (size < kStep) return fmt::format("{} bytes", bytes);
  if (size < kStep * kStep) return fmt::format("{:.1f} KiB", size / kStep);
  return fmt::format("{:.1f} MiB", size / kStep / kStep);
}

std::uintmax_t size_of(const RecordedRun& run) {
  std::uintmax_t bytes = run.record.input.size();
  for (const JournalEntry& entry : run.journal) bytes += entry.effect.size() + entry.kind.size() + entry.data.size();
  return bytes;
}

std::uintmax_t size_on_disk(const std::filesystem::path& state) {
  std::uintmax_t bytes = 0;
  for (const char* name : {"sennit.db", "sennit.db-wal"}) {
    std::error_code missing;
    const std::uintmax_t size = std::filesystem::file_size(state / name, missing);
    if (!missing) bytes += size;
  }
  return bytes;
}

/// One that is there already was exported by a prune that was interrupted.
void export_into(const std::filesystem::path& folder, RecordedRun run) {
  const std::filesystem::path file = folder / run_file_name(run.record);
  if (std::filesystem::exists(file) && read_run_file(file).record.id == run.record.id) return;
  make_movable(run.record, file);
  write_run_file(run, file);
}

class Prune {
 public:
  Prune(const PruneSettings& settings, KeptRuns& runs, WallTime before)
      : settings_(settings), runs_(runs), before_(before) {}

  /// Newest first, a page at a time. Each run is exported before it is deleted.
  void work() {
    if (!settings_.folder.empty() && !settings_.dry_run) std::filesystem::create_directories(settings_.folder);
    while (true) {
      const std::vector<RunRecord> page = runs_.list({.ended = true, .before = before_});
      std::size_t removed = 0;
      for (const RunRecord& record : page) removed += take(record) ? 1 : 0;
      // What stays would be found again.
      if (settings_.dry_run || removed == 0 || page.size() < RunFilter{}.limit) return;
    }
  }

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::uintmax_t bytes() const { return bytes_; }

 private:
  bool take(const RunRecord& record) {
    RecordedRun run = runs_.recorded(record.id);
    const std::uintmax_t bytes = size_of(run);
    if (!settings_.dry_run) {
      if (!settings_.folder.empty()) export_into(settings_.folder, std::move(run));
      if (!await(runs_.loop(), runs_.store().remove(record.id))) return false;
    }
    ++count_;
    bytes_ += bytes;
    return true;
  }

  const PruneSettings& settings_;
  KeptRuns& runs_;
  WallTime before_;
  std::size_t count_ = 0;
  std::uintmax_t bytes_ = 0;
};

/// The size of the file before and after, or why it stays.
std::string give_back(KeptRuns& runs) {
  const std::uintmax_t before = size_on_disk(runs.runtime().state());
  try {
    await(runs.loop(), runs.store().compact());
  } catch (const Error& error) {
    if (error.code() != errc::storage && error.code() != errc::busy) throw;
    return "the space is not given back yet: " + error.describe() + "\n";
  }
  return fmt::format("sennit.db: {} → {}\n", space(before), space(size_on_disk(runs.runtime().state())));
}

int prune(const PruneSettings& settings, const CommonOptions& common) {
  // A number alone would be seconds, which nobody means here, and what is deleted is gone.
  const bool has_unit = settings.older_than.find_first_of("smhd") != std::string::npos;
  const auto age = has_unit ? format::parse_duration(settings.older_than) : std::nullopt;
  if (!age) {
    throw Error(errc::invalid_argument, "--older-than " + settings.older_than + ": a duration is wanted, such as 30d");
  }
  KeptRuns runs(common);
  const WallTime before = std::chrono::system_clock::now() - *age;
  Prune prune(settings, runs, std::chrono::time_point_cast<WallTime::duration>(before));
  prune.work();
  const std::string what =
      fmt::format("{} run{}, {}", prune.count(), prune.count() == 1 ? "" : "s", space(prune.bytes()));
  if (settings.dry_run) return print("would delete " + what + "\n");
  if (prune.count() == 0) return print("deleted nothing: no run has ended that is older\n");
  const std::string returned = give_back(runs);
  return print("deleted " + what + "\n" + returned);
}

}  // namespace

void add_runs_prune(CLI::App& runs, CommonOptions& common, int& exit_code) {
  const auto settings = std::make_shared<PruneSettings>();
  CLI::App* command = runs.add_subcommand("prune", "Delete old runs that have ended; conversations stay");
  command->add_option("--older-than", settings->older_than, "Those that began before, such as 30d")
      ->required()
      ->type_name("DURATION");
  command->add_option("--export", settings->folder, "Write each to a file in this folder first")->type_name("DIR");
  command->add_flag("--dry-run", settings->dry_run, "Say what would be deleted, and delete nothing");
  add_state_options(*command, common);
  command->callback([settings, &common, &exit_code] { exit_code = prune(*settings, common); });
}

}  // namespace sennit::app
