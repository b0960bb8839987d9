// Hooks that are commands: what they get, what they may say, and how they go wrong.
#include "support/recorded_runs.hpp"
#include "support/test_hooks.hpp"
#include "support/world.hpp"
#include <sennit/agent/io/secrets.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <thread>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The result of one call of echo under a hook, and what the person was told.
struct Echoed {
  ToolResult result;
  std::string notices;
  Outcome outcome;
};

Echoed echo_under(const Definition& definition) {
  World world(plays({calling({calls(0, "a", "echo", R"({"text":"hi"})")}), text({"end"})}));
  Run run = world.agent(definition).session().start("go");
  Echoed echoed;
  for (const Event& event : elsewhere(read_all(run))) {
    if (const auto* finished = std::get_if<ToolFinished>(&event.data)) echoed.result = finished->result;
    if (const auto* notice = std::get_if<Notice>(&event.data)) echoed.notices += notice->message + "\n";
    if (const auto* finished = std::get_if<RunFinished>(&event.data)) echoed.outcome = finished->outcome;
  }
  return echoed;
}

bool is_alive(int process) {
  return ::kill(process, 0) == 0;
}

}  // namespace

TEST_CASE("a command gets the question as one JSON object, and its answer counts") {
  const TempDir folder;
  Definition definition = with_tools({"echo"});
  add_script(definition, folder, {"before_tool"}, R"(cat > seen.json; echo '{"arguments":{"text":"ho"},"note":"ok"}')");
  const Echoed echoed = echo_under(definition);
  CHECK(echoed.result.content == "ho");
  CHECK_THAT(echoed.notices, ContainsSubstring("sh hook0.sh: ok"));
  const auto seen = parse_json(read_file(folder / "seen.json"));
  REQUIRE(seen);
  CHECK(seen->at("point") == "before_tool");
  CHECK(seen->at("call") == json::value{{"id", "a"}, {"name", "echo"}, {"arguments", {{"text", "hi"}}}});
  CHECK(seen->at("agent") == "main");
}

TEST_CASE("a command that says nothing and ends well has nothing against it") {
  const TempDir folder;
  Definition definition = with_tools({"echo"});
  add_script(definition, folder, {"before_tool", "after_tool", "before_model", "after_model"}, "exit 0");
  CHECK(echo_under(definition).result.content == "hi");
}

TEST_CASE("a command is asked where it wants to be") {
  const TempDir folder;
  Definition definition = with_tools({"echo"});
  add_script(definition, folder, {"before_tool"}, "echo x >> asked; exit 0").tools = "files_*";
  CHECK(echo_under(definition).result.content == "hi");
  CHECK_FALSE(std::filesystem::exists(folder / "asked"));
}

TEST_CASE("exit status 2 blocks, with what the command says on its standard error") {
  const TempDir folder;
  Definition definition = with_tools({"echo"});
  add_script(definition, folder, {"before_tool"}, "echo 'not this one' >&2; exit 2").required = GENERATE(true, false);
  const Echoed echoed = echo_under(definition);
  CHECK(echoed.result.is_error);
  CHECK(echoed.result.content == "not allowed (hook sh hook0.sh: not this one)");
}

TEST_CASE("what a command may not say is a failure: it blocks where it is required, otherwise the person is told") {
  struct Wrong {
    std::string script;
    std::string why;
  };
  const Wrong wrong = GENERATE(values<Wrong>({
      {"echo nonsense", "not valid JSON"},
      {"echo '[]'", "no JSON object"},
      {"echo '{\"action\":\"perhaps\"}'", "none of allow, block, ask"},
      {"echo '{\"action\":5}'", "no text"},
      {"echo '{\"acton\":\"block\"}'", "`acton`"},
      {"echo '{\"result\":\"x\"}'", "`result`, which means nothing before_tool"},
      {"echo '{\"arguments\":\"x\"}'", "no object"},
      {"echo '{\"arguments\":{\"text\":5,\"x\":1}}'", "arguments are wrong"},
      {"echo '{}' ; echo oops >&2; exit 1", "it exited with 1: oops"},
      {"kill -9 $$", "killed by signal 9"},
      {"head -c 2000000 /dev/zero", "more than 1024 KiB"},
      {"printf '{\"note\":\"caf\\303\"}'", "not valid JSON"},
  }));
  INFO(wrong.script);
  const bool required = GENERATE(true, false);
  const TempDir folder;
  Definition definition = with_tools({"echo"});
  add_script(definition, folder, {"before_tool"}, wrong.script).required = required;
  const Echoed echoed = echo_under(definition);
  CHECK(echoed.result.is_error == required);
  CHECK_THAT(required ? echoed.result.content : echoed.notices, ContainsSubstring(wrong.why));
  CHECK(echoed.outcome.text == "end");
}

TEST_CASE("a command that is not there fails when it is asked, not when the agent is made") {
  Definition definition = with_tools({"echo"});
  HookSpec spec;
  spec.run = {"no-such-program-here"};
  spec.on = {"before_tool"};
  definition.hooks = {spec};
  CHECK_THAT(echo_under(definition).result.content, ContainsSubstring("no-such-program-here"));
}

TEST_CASE("a program is looked for beside the agent file") {
  const TempDir folder;
  Definition definition = with_tools({"echo"});
  add_script(definition, folder, {"before_tool"}, "#!/bin/sh\necho '{\"action\":\"block\",\"reason\":\"mine\"}'\n");
  std::filesystem::permissions(folder / "hook0.sh", std::filesystem::perms::owner_all);
  definition.hooks[0].run = {"./hook0.sh"};
  CHECK_THAT(echo_under(definition).result.content, ContainsSubstring("hook hook0.sh: mine"));
}

TEST_CASE("a command has a closed environment, with secrets by handle") {
  ::setenv("HOOK_TEST_SECRET", "~hook-secret-11aa22bb", 1);
  ::setenv("HOOK_TEST_OTHER", "not for you", 1);
  const TempDir folder;
  Definition definition = with_tools({"echo"});
  add_script(definition, folder, {"before_tool"}, "env > seen; echo '{\"note\":\"'$TOKEN'\"}'").env = {
      {"TOKEN", "${env:HOOK_TEST_SECRET}"}};
  const Echoed echoed = echo_under(definition);
  std::set<std::string> names;
  std::istringstream lines(read_file(folder / "seen"));
  for (std::string line; std::getline(lines, line);) names.insert(line.substr(0, line.find('=')));
  for (const char* own : {"PWD", "OLDPWD", "SHLVL", "_"}) names.erase(own);  // the shell's
  for (const char* given : {"PATH", "HOME", "LANG"}) names.erase(given);
  CHECK(names == std::set<std::string>{"PYTHONSAFEPATH", "TOKEN"});
  CHECK_THAT(read_file(folder / "seen"), ContainsSubstring("TOKEN=~hook-secret-11aa22bb"));
  CHECK_THAT(echoed.notices, ContainsSubstring("sh hook0.sh: ***"));
}

TEST_CASE("a module that stands beside a Python hook is the hook's only where it says so") {
  const TempDir folder;
  Definition definition = with_tools({"echo"});
  HookSpec& hook = add_script(definition, folder, {"before_tool"}, "test -z \"$PYTHONSAFEPATH\" || exit 2");
  CHECK(echo_under(definition).result.is_error);
  hook.env["PYTHONSAFEPATH"] = "";
  CHECK_FALSE(echo_under(definition).result.is_error);
}

TEST_CASE("a command need not read what it is asked") {
  const TempDir folder;
  Definition definition = with_tools({"big"});
  add_script(definition, folder, {"after_tool"}, "exec <&-; echo '{\"result\":\"short\"}'");
  World world(plays({calling({calls(0, "a", "big", R"({"bytes":100000})")}), text({"end"})}));
  Run run = world.agent(definition).session().start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).text == "end");
  for (const Event& event : events) {
    if (const auto* finished = std::get_if<ToolFinished>(&event.data)) CHECK(finished->result.content == "short");
  }
}

TEST_CASE("a command that hangs is killed with all that it started") {
  const bool cancelled = GENERATE(false, true);
  INFO(cancelled);
  const TempDir folder;
  Definition definition = with_tools({"echo"});
  HookSpec& spec =
      add_script(definition, folder, {"before_tool"}, "sleep 1000 & echo $! > child.tmp; mv child.tmp child; wait");
  spec.timeout = cancelled ? milliseconds(60'000) : milliseconds(1'000);
  World world(plays({calling({calls(0, "a", "echo", R"({"text":"hi"})")}), text({"end"})}));
  Run run = world.agent(definition).session().start("go");
  if (cancelled) {
    (void)elsewhere(read_until<ToolStarted>(run));
    for (int i = 0; i < 600 && !std::filesystem::exists(folder / "child"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    run.cancel("enough");
  }
  const Outcome outcome = elsewhere(run.wait());
  CHECK(outcome.ending == (cancelled ? Ending::cancelled : Ending::completed));
  REQUIRE(std::filesystem::exists(folder / "child"));
  const int child = std::stoi(read_file(folder / "child"));
  for (int i = 0; i < 600 && is_alive(child); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK_FALSE(is_alive(child));
}

TEST_CASE("the agent file of the documentation is read as it stands") {
  const std::string text = read_file(std::string(SENNIT_SOURCE_DIR) + "/docs/hooks.md");
  const std::size_t begin = text.find("```yaml\n") + 8;
  const ParsedDefinition parsed = parse_definition(text.substr(begin, text.find("```", begin) - begin));
  for (const Diagnostic& diagnostic : parsed.diagnostics) UNSCOPED_INFO(diagnostic.message);
  CHECK(parsed.diagnostics.empty());
  CHECK(parsed.definition.hooks.size() == 2);
  CHECK(parsed.definition.guardrails.output.size() == 2);
  World world(says("hi"));
  Definition definition = parsed.definition;
  definition.model.name = "world/model";
  definition.tools.clear();
  CHECK(world.agent(definition).definition().hooks[0].timeout == milliseconds(2'000));
}
