#include <sennit/agent/agent.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/origin.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/test_runs.hpp>
#include <sennit/app/unicode.hpp>
#include <sennit/plugins/builtin.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sennit::app {
namespace {

struct TestSettings {
  std::vector<std::filesystem::path> paths;
  std::filesystem::path agent;
};

/// The run files in a folder and below, in a fixed order; a file is taken as it is.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path, options)) {
    if (entry.path().filename().string().ends_with(".run.jsonl") && entry.is_regular_file()) {
      files.push_back(entry.path().lexically_normal());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// What went another way than it was recorded; nothing: all went the same.
std::optional<Error> try_run(asio::io_context& loop, Runtime& runtime, const std::filesystem::path& file,
                             const std::filesystem::path& agent_file) {
  try {
    RecordedRun recorded = read_run_file(file);
    if (!recorded.record.ended) {
      throw Error(errc::invalid_argument,
                  "the run had not ended when it was exported; let it end, and export it again");
    }
    const Agent agent(runtime, read_agent(source_of(recorded.record, agent_file, file)));
    Run run = agent.replay(std::move(recorded));
    const Outcome outcome = await(loop, run.wait());
    // A recorded failure is a failure again, and as it should be.
    if (outcome.error && outcome.error->code() == errc::diverged) return outcome.error;
  } catch (...) {
    return current_error();
  }
  return std::nullopt;
}

std::string indented(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += "  " + harmless_line(std::string_view(text).substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return out;
}

int test(const TestSettings& settings) {
  std::vector<std::filesystem::path> files;
  for (const auto& path : settings.paths) {
    const auto found = files_in(path);
    files.insert(files.end(), found.begin(), found.end());
  }
  if (files.empty()) throw Error(errc::not_found, "there is no run file (*.run.jsonl) in what was named");
  asio::io_context loop(1);
  const auto work = asio::make_work_guard(loop);
  Runtime runtime(builtin(), runtime_options({.state = {}, .no_store = true, .log = {}}, loop));
  std::size_t failed = 0;
  int printed = kExitCompleted;
  for (const auto& file : files) {
    const std::optional<Error> failure = try_run(loop, runtime, file, settings.agent);
    failed += failure ? 1 : 0;
    const std::string name = one_line(file.string());
    printed = print(failure ? "FAILED " + name + "\n" + indented(failure->describe()) : "ok " + name + "\n");
    if (printed != kExitCompleted) break;
  }
  finish(loop, runtime);
  if (printed != kExitCompleted) return printed;
  printed = print(fmt::format("{} run{}: {} ok, {} failed\n", files.size(), files.size() == 1 ? "" : "s",
                              files.size() - failed, failed));
  return printed != kExitCompleted ? printed : failed > 0 ? kExitFailed : kExitCompleted;
}

}  // namespace

void add_test(CLI::App& app, int& exit_code) {
  const auto settings = std::make_shared<TestSettings>();
  CLI::App* command = app.add_subcommand("test", "Tell recorded runs again, and fail where the agent goes another way");
  command->add_option("PATH", settings->paths, "Run files (`sennit runs export`), or folders with *.run.jsonl")
      ->required()
      ->type_name("");
  command->add_option("--agent", settings->agent, "The agent file for all of them")->type_name("FILE");
  command->footer("Exit status: 0 where all went the same way, 1 where one did not, 2 where there is none.\n");
  command->callback([settings, &exit_code] { exit_code = test(*settings); });
}

}  // namespace sennit::app
