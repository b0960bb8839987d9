// What the command line says of itself, and of what was typed wrongly.
#include "app/program.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

Ended run(const std::vector<std::string>& arguments, std::map<std::string, std::string> environment = {}) {
  const TempDir folder;
  folder.write("agent.yaml", "sennit: 1\nmodel: scripted\nintents: [{match: hi, say: Hello!}]\n");
  folder.write("answer.json", R"({"choices":[{"message":{"content":"x"}}]})");
  return run_program(arguments, {.folder = folder.path(), .input = {}, .environment = std::move(environment)});
}

/// The error of a command that was used wrongly.
std::string wrong(const std::vector<std::string>& arguments, std::map<std::string, std::string> environment = {}) {
  const Ended ended = run(arguments, std::move(environment));
  CHECK(ended.status == 2);
  CHECK(ended.out.empty());
  return ended.err.substr(0, ended.err.find('\n'));
}

}  // namespace

TEST_CASE("help and version go to standard output") {
  const Ended version = run({"--version"});
  CHECK(version.status == 0);
  CHECK_THAT(version.out, StartsWith("sennit "));
  const Ended help = run({"--help"});
  CHECK(help.status == 0);
  CHECK_THAT(help.out, ContainsSubstring("130  cancelled by Ctrl-C"));
  const Ended piped = run({});
  CHECK(piped.status == 2);
  CHECK_THAT(piped.err, ContainsSubstring("needs a terminal"));
}

TEST_CASE("help is written for people") {
  for (const std::string command : {"", "run", "check", "schema", "decode"}) {
    const std::string help =
        run(command.empty() ? std::vector<std::string>{"--help"} : std::vector<std::string>{command, "--help"}).out;
    INFO(help);
    for (const char* jargon : {"{debug", "INT", "TEXT", "REQUIRED", "Excludes", "Env:", "SUBCOMMAND"})
      CHECK_THAT(help, !ContainsSubstring(jargon));
    CHECK_THAT(help, ContainsSubstring("Exit status:"));
    CHECK((command.empty() || help.find("starts a conversation") == std::string::npos));
    const bool runs = command.empty() || command == "run";
    for (const char* option : {"--state DIR", "--no-store", "--log LEVEL"})
      CHECK((help.find(option) != std::string::npos) == runs);
  }
}

TEST_CASE("a mistyped command or option is told from what it may have been") {
  CHECK_THAT(wrong({"rnu"}), ContainsSubstring("did you mean `sennit run`?"));
  CHECK(wrong({"runn", "agent.yaml", "hi"}) == "sennit: error: there is no command 'runn'; did you mean `sennit run`?");
  CHECK(wrong({"agent.yaml", "hello", "there"}) ==
        "sennit: error: 'hello' was not expected: a conversation begins without words; `sennit run agent.yaml …` takes "
        "them");
  CHECK(wrong({"run", "--sesion=x", "agent.yaml", "hi"}) ==
        "sennit: error: there is no option --sesion=x; did you mean --session?");
}

TEST_CASE("what a command has no use for is refused") {
  CHECK(wrong({"schema", "extra"}) == "sennit: error: 'extra' was not expected");
  CHECK(wrong({"decode", "answer.json", "extra"}) == "sennit: error: 'extra' was not expected");
  CHECK(wrong({"schema", "--session", "x"}) == "sennit: error: there is no option --session");
}

TEST_CASE("options that contradict each other are refused") {
  CHECK_THAT(wrong({"run", "--json", "--quiet", "agent.yaml", "hi"}), ContainsSubstring("excludes"));
  const std::string both = wrong({"run", "--yes", "--no", "agent.yaml", "hi"});
  CHECK_THAT(both, ContainsSubstring("excludes") && !ContainsSubstring("did you mean"));
  CHECK_THAT(wrong({"--no-store", "run", "-s", "x", "agent.yaml", "hi"}), ContainsSubstring("nothing is"));
}

TEST_CASE("an empty name is no name") {
  for (const char* option : {"-s", "--session", "-m", "--model"}) {
    CHECK_THAT(wrong({"run", option, "", "agent.yaml", "hi"}), ContainsSubstring("a name is wanted, not ''"));
    CHECK_THAT(wrong({option, "", "agent.yaml"}), ContainsSubstring("a name is wanted, not ''"));
  }
}

TEST_CASE("a wrong log level names its origin") {
  CHECK_THAT(wrong({"run", "agent.yaml", "hi"}, {{"SENNIT_LOG", "bogus"}}),
             ContainsSubstring("SENNIT_LOG is 'bogus'; known: debug, info, warning, error"));
  CHECK_THAT(wrong({"run", "--log", "bogus", "agent.yaml", "hi"}), ContainsSubstring("--log"));
  CHECK(run({"run", "--log", "info", "agent.yaml", "hi"}, {{"SENNIT_LOG", "bogus"}}).status == 0);
  CHECK(run({"--log", "info", "run", "agent.yaml", "hi"}, {{"SENNIT_LOG", "bogus"}}).status == 0);
}
