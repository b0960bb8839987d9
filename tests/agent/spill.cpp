// Outputs that are too long for a model: cut, set aside, and to be read on.
#include "support/world.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <filesystem>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string& last_result(const CompletionRequest& request) {
  return std::get<ToolResult>(request.messages.back().parts.front()).content;
}

/// The file that the cut output names.
std::string file_of(const std::string& result) {
  const std::string mark = "the whole output is in ";
  const std::size_t begin = result.find(mark) + mark.size();
  return result.substr(begin, result.find(']', begin) - begin);
}

EventData read(const std::string& path) {
  return calls(0, "r", "files_read", json::serialize(json::value{{"path", path}}));
}

Definition with_files(const TempDir& folder) {
  Definition definition;
  definition.file = folder.write("agent.yaml", "sennit: 1\n");
  definition.tools = {{"big", {}}, {"files", {}}};
  return definition;
}

}  // namespace

TEST_CASE("a model reads on in an output that was cut for it") {
  const TempDir folder;
  const TempDir state;
  std::string file;
  World world(
      [&file](const CompletionRequest& request) -> Turn {
        if (request.messages.back().role == Role::user) return {{calls(0, "b", "big", R"({"bytes":5000})")}};
        const std::string& result = last_result(request);
        if (!file.empty()) return {{TextDelta{std::to_string(std::count(result.begin(), result.end(), 'x'))}}};
        file = file_of(result);
        return {{read(file)}};
      },
      {.state = state.path()});
  Run run = world.agent(with_files(folder)).session().start("go");
  CHECK(elsewhere(run.wait()).text == "5000");
  const auto others = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
  CHECK((std::filesystem::status(state / "outputs").permissions() & others) == std::filesystem::perms::none);
  // Another run's are none of its business.
  World stranger(
      [&file](const CompletionRequest& request) -> Turn {
        if (request.messages.back().role == Role::user) return {{read(file)}};
        return {{TextDelta{last_result(request)}}};
      },
      {.state = state.path()});
  Run other = stranger.agent(with_files(folder)).session().start("go");
  CHECK_THAT(elsewhere(other.wait()).text, ContainsSubstring("outside"));
}

TEST_CASE("beside an output that was cut is what stands in it, for another agent of the run") {
  const TempDir folder;
  const TempDir state;
  std::string file;
  World world(
      [&file](const CompletionRequest& request) -> Turn {
        if (request.messages.back().role == Role::user) return {{calls(0, "b", "big", R"({"bytes":5000})")}};
        file = file_of(last_result(request));
        return {{TextDelta{"done"}}};
      },
      {.state = state.path()});
  Run run = world.agent(with_files(folder)).session().start("go", {.labels = {{"mail"}, {"crm"}}});
  CHECK(elsewhere(run.wait()).text == "done");
  CHECK(labels_from_json(json::parse(read_file(file + ".labels"))) == Labels{{"mail"}, {"crm"}});
}
