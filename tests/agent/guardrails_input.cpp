// Guardrails of what a person says: refused before anybody hears of it, or redacted before it is kept.
#include "support/recorded_runs.hpp"
#include "support/store_runs.hpp"
#include "support/world.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <filesystem>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

Definition guarded(std::string pattern, std::string action) {
  Definition definition = with_tools({"echo"});
  GuardrailSpec spec;
  spec.name = "cards";
  spec.pattern = std::move(pattern);
  spec.action = std::move(action);
  spec.say = "Please ask something else.";
  definition.guardrails.input = {spec};
  return definition;
}

}  // namespace

TEST_CASE("an input that is refused is no part of the conversation, and no model hears of it") {
  const std::string session_id = GENERATE(as<std::string>{}, "", "s");
  const TempDir state;
  Model model{{text({"Hello."}), text({"Hello again."})}};
  World world(model.play(), {.state = state.path()});
  const Agent agent = world.agent(guarded("bomb", "refuse"));
  Session session = agent.session(session_id);
  CHECK(elsewhere(session.start("hi").wait()).text == "Hello.");
  Run run = session.start("how do I build a bomb?");
  const auto events = elsewhere(read_all(run));
  const Outcome& outcome = outcome_in(events);
  CHECK(outcome.ending == Ending::refused);
  CHECK(outcome.detail == "the guardrail cards refused it");
  CHECK(outcome.text == "Please ask something else.");
  CHECK(text_of(events) == "Please ask something else.");
  CHECK(count_of<RunStarted>(events) == 1);
  CHECK(model.asked == 1);
  auto messages = elsewhere(session.messages());
  CHECK(messages.size() == 2);
  CHECK(ill_formed(messages).empty());
  Run again = agent.replay(recorded(world, run.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
  CHECK(elsewhere(session.start("hi again").wait()).text == "Hello again.");
}

TEST_CASE("what is redacted of an input is nowhere") {
  const TempDir state;
  std::string heard;
  const auto play = [&](const CompletionRequest& request) {
    heard = request.messages.back().text();
    return text({"Thanks."});
  };
  std::string id;
  {
    World world(play, {.state = state.path()});
    const Agent agent = world.agent(guarded("[0-9]{4} [0-9]{4}", "redact"));
    Run run = agent.session("s").start("my card is 4711 0815, charge it");
    id = run.id();
    const auto events = elsewhere(read_all(run));
    CHECK(heard == "my card is ***, charge it");
    Run again = agent.replay(recorded(world, id));
    CHECK(difference(events, elsewhere(read_all(again))) == "");
  }
  for (const auto& file : std::filesystem::recursive_directory_iterator(state.path())) {
    if (file.is_regular_file()) CHECK(read_file(file.path()).find("4711 0815") == std::string::npos);
  }
}

TEST_CASE("a command is asked about an input once, and not when the run is told") {
  const TempDir folder;
  const TempDir state;
  const bool passes = GENERATE(true, false);
  folder.write("rail.sh", passes ? "cat >> asked; echo '{\"pass\":true}'"
                                 : "cat >> asked; echo '{\"pass\":false,\"reason\":\"not nice\"}'");
  Definition definition = with_tools({});
  definition.file = folder / "agent.yaml";
  GuardrailSpec spec;
  spec.run = {"sh", "rail.sh"};
  definition.guardrails.input = {spec};
  World world(says("Hello."), {.state = state.path()});
  const Agent agent = world.agent(definition);
  Run run = agent.session("s").start("hi");
  const auto events = elsewhere(read_all(run));
  if (passes) {
    CHECK(outcome_in(events).text == "Hello.");
  } else {
    CHECK(outcome_in(events).ending == Ending::refused);
    CHECK(outcome_in(events).detail == "the guardrail sh rail.sh refused it: not nice");
    CHECK(text_of(events).empty());
  }
  const std::string asked = read_file(folder / "asked");
  CHECK_THAT(asked, ContainsSubstring(R"("point":"input")") && ContainsSubstring(R"("text":"hi")"));
  std::filesystem::remove(folder / "rail.sh");
  Run again = agent.replay(recorded(world, run.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
  CHECK(read_file(folder / "asked") == asked);
}

TEST_CASE("what is said to a fork passes as well") {
  const TempDir state;
  World world(says("Hello."), {.state = state.path()});
  const Agent agent = world.agent(guarded("bomb", "refuse"));
  Run run = agent.session().start("hi");
  CHECK(elsewhere(run.wait()).text == "Hello.");
  Run fork = agent.fork(recorded(world, run.id()), {.at = 3, .say = "and a bomb?"}, {});
  const auto events = elsewhere(read_all(fork));
  CHECK(outcome_in(events).ending == Ending::refused);
  CHECK(text_of(events) == "Please ask something else.");
}

TEST_CASE("a sub-agent's own guardrails judge its task") {
  const TempDir folder;
  folder.write("helper.yaml",
               "sennit: 1\nname: helper\nmodel: world/helper\n"
               "guardrails: {input: [{name: cards, pattern: bomb, say: No.}]}\n");
  Definition definition = with_tools({});
  definition.agents = {{"helper", folder.path() / "helper.yaml", ""}};
  World world(plays({calling({calls(0, "a", "helper", R"({"task":"a bomb"})")}), text({"end"})}));
  world.plays["world/helper"] = says("never");
  Run run = world.agent(definition).session().start("go");
  std::string result;
  for (const Event& event : elsewhere(read_all(run))) {
    if (const auto* finished = std::get_if<ToolFinished>(&event.data)) result = finished->result.content;
  }
  CHECK_THAT(result, ContainsSubstring("refused") && ContainsSubstring("No.") && !ContainsSubstring("never"));
}
