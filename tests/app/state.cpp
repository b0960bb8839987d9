// Where `sennit` keeps what it keeps.
#include "app/model_server.hpp"
#include "app/program.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
using std::filesystem::perms;

namespace {

struct Bench {
  HttpServer server{
      [](const HttpRequest& request) { return Answer().text(last_message(request).second + ", message 1").reply(); }};
  TempDir folder;
  Bench() { folder.write("agent.yaml", agent_for(server)); }
  Ended run(std::vector<std::string> arguments, bool nobody = false) {
    arguments.insert(arguments.begin(), "run");
    return run_program(arguments,
                       {.folder = folder.path(), .input = {}, .environment = {}, .merged = false, .nobody = nobody});
  }
  [[nodiscard]] perms mode(std::string_view name) const { return std::filesystem::status(folder / name).permissions(); }
};

}  // namespace

TEST_CASE("nothing is kept with --no-store") {
  Bench bench;
  CHECK(bench.run({"--no-store", "agent.yaml", "one"}).out == "one, message 1\n");
  CHECK_FALSE(std::filesystem::exists(bench.folder / "state"));
  const Ended contradiction = bench.run({"--no-store", "--session", "s", "agent.yaml", "one"});
  CHECK(contradiction.status == 2);
  CHECK_THAT(contradiction.err, ContainsSubstring("with --no-store nothing is"));
}

TEST_CASE("a state folder that Sennit makes is its owner's alone, and one that was there keeps its mode") {
  Bench bench;
  CHECK(bench.run({"--state", "fresh/below", "agent.yaml", "x"}).status == 0);
  CHECK(bench.mode("fresh/below") == perms::owner_all);
  const perms open = perms::owner_all | perms::group_all | perms::others_all | perms::sticky_bit;
  std::filesystem::create_directory(bench.folder / "shared");
  std::filesystem::permissions(bench.folder / "shared", open);
  CHECK(bench.run({"--state", "shared", "agent.yaml", "x"}).status == 0);
  CHECK(bench.mode("shared") == open);
}

TEST_CASE("a state folder that cannot be written is an error that says so") {
  Bench bench;
  std::filesystem::create_directory(bench.folder / "state");
  std::filesystem::permissions(bench.folder / "state", perms::owner_read | perms::owner_exec);
  std::filesystem::permissions(bench.folder.path(), perms::others_exec | perms::others_read,
                               std::filesystem::perm_options::add);
  const Ended ended = bench.run({"agent.yaml", "x"}, true);
  CHECK(ended.status == 1);
  CHECK_THAT(ended.err,
             ContainsSubstring("/state: the state folder cannot be written: Permission denied (see --state"));
}

TEST_CASE("a state folder that cannot be made is an error that names it") {
  Bench bench;
  bench.folder.write("file", "");
  const Ended ended = bench.run({"--state", (bench.folder / "file/below").string(), "agent.yaml", "x"});
  CHECK(ended.status == 1);
  CHECK_THAT(ended.err, ContainsSubstring("file/below") && ContainsSubstring("--no-store"));
}
