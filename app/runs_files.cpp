// `sennit runs export` and `import`: a run as a file, which can be moved, kept, tested (`sennit test`) and taken in.
#include <sennit/app/kept_runs.hpp>
#include <sennit/app/origin.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/run_files.hpp>
#include <sennit/app/runs.hpp>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace sennit::app {
namespace {

struct ExportSettings {
  std::string id;
  std::filesystem::path file;
};

/// A fresh folder of our own, removed with the object.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "sennit-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw Error(errc::io, std::string("no folder can be made: ") + std::strerror(errno)).at(name);
    }
    path = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::filesystem::path path;
};

int export_to_output(const RecordedRun& run) {
  const Scratch scratch;
  const std::filesystem::path file = scratch.path / "run.jsonl";
  write_run_file(run, file);
  std::ifstream stream(file, std::ios::binary);
  return print(std::string{std::istreambuf_iterator<char>(stream), {}});
}

int export_run(const ExportSettings& settings, const CommonOptions& common) {
  RecordedRun run = KeptRuns(common).recorded(settings.id);
  if (settings.file == "-") return export_to_output(run);
  const std::filesystem::path file = settings.file.empty() ? run_file_name(run.record) : settings.file;
  make_movable(run.record, file);
  write_run_file(run, file);
  return print(file.string() + "\n");
}

int import_run(const std::filesystem::path& file, const CommonOptions& common) {
  RecordedRun run = read_run_file(file);
  settle_here(run.record, file);
  const std::string id = run.record.id;
  KeptRuns runs(common);
  await(runs.loop(), runs.store().import(std::move(run)));
  return print("imported " + id + "\n");
}

}  // namespace

std::filesystem::path run_file_name(const RunRecord& record) {
  // Of a run that was imported the id may be anything.
  std::string name = record.id;
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (!plain) c = '_';
  }
  return name + ".run.jsonl";
}

void add_runs_export(CLI::App& runs, CommonOptions& common, int& exit_code) {
  const auto settings = std::make_shared<ExportSettings>();
  CLI::App* command = runs.add_subcommand("export", "Write a run with its journal to a file");
  command->add_option("ID", settings->id, "The run")->required()->type_name("");
  command->add_option("FILE", settings->file, "A new file (ID.run.jsonl); - : standard output")->type_name("");
  add_state_options(*command, common);
  command->callback([settings, &common, &exit_code] { exit_code = export_run(*settings, common); });
}

void add_runs_import(CLI::App& runs, CommonOptions& common, int& exit_code) {
  const auto file = std::make_shared<std::filesystem::path>();
  CLI::App* command = runs.add_subcommand("import", "Take in a run that was exported; it belongs to no session here");
  command->add_option("FILE", *file, "The file")->required()->type_name("");
  add_state_options(*command, common);
  command->callback([file, &common, &exit_code] { exit_code = import_run(*file, common); });
}

}  // namespace sennit::app
