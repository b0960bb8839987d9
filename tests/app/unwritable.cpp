// Standard output that cannot be written: a full disk is a failure, a reader that has gone is not.
#include "app/model_server.hpp"
#include "app/program.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Bench {
  TempDir folder;
  Bench() {
    folder.write("agent.yaml", "sennit: 1\nmodel: scripted\nintents: [{match: hi, say: Hello!}]\n");
    folder.write("answer.json", R"({"choices":[{"message":{"content":"x"}}]})");
  }
  /// With standard streams as a shell would arrange them.
  [[nodiscard]] Ended run(const std::string& arguments, const std::string& redirection) const {
    return run_shell("exec " SENNIT_PROGRAM " " + arguments + " " + redirection,
                     {.folder = folder.path(), .input = {}, .environment = {}});
  }
};

}  // namespace

TEST_CASE("a full disk is a failure that is told") {
  const std::string command = GENERATE(as<std::string>(), "run agent.yaml hi", "run --json agent.yaml hi",
                                       "run -q agent.yaml hi", "check agent.yaml", "schema", "schema --markdown",
                                       "decode answer.json", "--help", "--version", "run --help");
  INFO(command);
  const Bench bench;
  const Ended full = bench.run(command, ">/dev/full");
  CHECK(full.status == 1);
  CHECK_THAT(full.err, ContainsSubstring("sennit: error: the output cannot be written: No space left on device\n"));
  const Ended closed = bench.run(command, ">&-");
  CHECK(closed.status == 1);
  CHECK_THAT(closed.err, ContainsSubstring("sennit: error: the output cannot be written: Bad file descriptor\n"));
}

TEST_CASE("a closed standard input or error harms nothing") {
  const Bench bench;
  const Ended ended = bench.run("run agent.yaml hi", "2>&- <&-");
  CHECK(ended.status == 0);
  CHECK(ended.out == "Hello!\n");
  CHECK(bench.run("run agent.yaml", "<&-").status == 2);
}
