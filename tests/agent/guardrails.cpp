// Guardrails in a run: nothing is shown first and refused later, whatever else happens to the answer.
#include "support/recorded_runs.hpp"
#include "support/test_hooks.hpp"
#include "support/world.hpp"
#include <sennit/agent/io/secrets.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <filesystem>
#include <thread>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

GuardrailSpec rail(std::string pattern, std::string action = "refuse") {
  GuardrailSpec spec;
  spec.name = "names";
  spec.pattern = std::move(pattern);
  spec.action = std::move(action);
  spec.say = "I cannot say that.";
  return spec;
}

Definition guarded(GuardrailSpec output, std::size_t window = 16) {
  Definition definition = with_tools({"echo"});
  definition.guardrails.output = {std::move(output)};
  definition.guardrails.window = window;
  return definition;
}

Definition with_command(const TempDir& folder, const std::string& script, std::size_t window = 16) {
  folder.write("rail.sh", script);
  GuardrailSpec spec;
  spec.run = {"sh", "rail.sh"};
  spec.say = "I cannot say that.";
  Definition definition = guarded(std::move(spec), window);
  definition.file = folder / "agent.yaml";
  return definition;
}

const std::string kBad = "Rumpelstilz";
const std::string kBefore = "The name that you are looking for, my queen, is ";

/// Everything that was shown, and all that the store has.
std::string all_of(const std::vector<Event>& events, World& world, const std::string& run, const std::string& session) {
  std::string all;
  for (const Event& event : events) all += json::serialize(to_json(event)) + "\n";
  if (world.runtime.store() == nullptr) return all;
  for (const JournalEntry& entry : recorded(world, run).journal) all += entry.data + "\n";
  for (const Message& message : elsewhere(world.runtime.store()->messages(session))) {
    all += json::serialize(to_json(message)) + "\n";
  }
  all += json::serialize(recorded(world, run).record.outcome);
  return all;
}

}  // namespace

TEST_CASE("nothing of what is refused is shown, kept, or told, wherever the answer is cut") {
  const std::size_t window = GENERATE(0U, 16U, 60U);
  for (std::size_t cut = 0; cut <= kBad.size(); ++cut) {
    const TempDir state;
    World world(
        plays({text({kBefore + kBad.substr(0, cut), kBad.substr(cut) + ". Now you know it, and more follows."})}),
        {.state = state.path()});
    const Agent agent = world.agent(guarded(rail(kBad), window));
    Run run = agent.session("s").start("go");
    const auto events = elsewhere(read_all(run));
    const Outcome& outcome = outcome_in(events);
    CHECK(outcome.ending == Ending::refused);
    CHECK(outcome.detail == "the guardrail names held the answer back");
    const std::string shown = text_of(events);
    CHECK(shown == outcome.text);
    CHECK(shown.ends_with("I cannot say that."));
    CHECK(all_of(events, world, run.id(), "s").find("Rum") == std::string::npos);
    const auto messages = elsewhere(world.runtime.store()->messages("s"));
    CHECK(messages.back().text() == shown);
    CHECK(ill_formed(messages).empty());
    Run again = agent.replay(recorded(world, run.id()));
    CHECK(difference(events, elsewhere(read_all(again))) == "");
  }
}

TEST_CASE("text that passes is shown while more of it comes") {
  World world([](const CompletionRequest&) {
    Turn turn = text({"One two three four five six seven eight. ", "Nine ten eleven twelve thirteen."});
    turn.stalls = true;
    return turn;
  });
  Run run = world.agent(guarded(rail(kBad))).session().start("go");
  CHECK(elsewhere(read_until<TextDelta>(run)).text == "One two three four five ");
  world.wait_for_stall();
  run.cancel("enough");
  const Outcome outcome = elsewhere(run.wait());
  CHECK(outcome.ending == Ending::cancelled);
  CHECK(outcome.text.starts_with("One two three four five six seven eight."));
  CHECK_FALSE(outcome.text.ends_with("thirteen."));  // what had not passed is not shown
}

TEST_CASE("what is redacted is replaced everywhere, and the run is told again as it was") {
  const TempDir state;
  World world(plays({text({kBefore + "Rumpel", "stilz.", " Call him."})}), {.state = state.path()});
  const Agent agent = world.agent(guarded(rail(kBad, "redact")));
  Run run = agent.session("s").start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).ending == Ending::completed);
  CHECK(outcome_in(events).text == kBefore + "***. Call him.");
  CHECK(text_of(events) == kBefore + "***. Call him.");
  CHECK(all_of(events, world, run.id(), "s").find("Rum") == std::string::npos);
  Run again = agent.replay(recorded(world, run.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("reasoning and refusals pass the same guardrails") {
  const auto bad_turn = GENERATE(values<Turn>({
      {{ReasoningDelta{"I think it is Rumpel", nullptr}, ReasoningDelta{"stilz", nullptr}, TextDelta{"Hello."}}, false},
      {{RefusalDelta{"I shall not say Rumpel"}, RefusalDelta{"stilz"}}, false},
  }));
  SECTION("refused") {
    World world(plays({bad_turn}));
    Run run = world.agent(guarded(rail(kBad))).session().start("go");
    const auto events = elsewhere(read_all(run));
    CHECK(outcome_in(events).ending == Ending::refused);
    CHECK(text_of(events) == "I cannot say that.");
    CHECK(all_of(events, world, "", "").find("Rum") == std::string::npos);
  }
  SECTION("redacted") {
    World world(plays({bad_turn}));
    Run run = world.agent(guarded(rail(kBad, "redact"))).session().start("go");
    const auto events = elsewhere(read_all(run));
    CHECK(all_of(events, world, "", "").find("Rum") == std::string::npos);
    CHECK_THAT(all_of(events, world, "", ""), ContainsSubstring("***"));
  }
}

TEST_CASE("reasoning whose words were redacted loses its signature, other reasoning keeps it") {
  std::vector<Message> heard;
  const auto play = [&](const CompletionRequest& request) {
    heard.assign(request.messages.begin(), request.messages.end());
    if (request.messages.size() > 1) return text({"end"});
    return Turn{{ReasoningDelta{"It is Rumpelstilz.", nullptr}, ReasoningDelta{"", "signed-1"},
                 ReasoningDelta{"Something else.", nullptr}, ReasoningDelta{"", "signed-2"},
                 calls(0, "a", "echo", R"({"text":"hi"})")}};
  };
  World world(play);
  Run run = world.agent(guarded(rail(kBad, "redact"))).session().start("go");
  CHECK(elsewhere(run.wait()).text == "end");
  REQUIRE(heard.size() == 3);
  REQUIRE(heard[1].parts.size() >= 2);
  const auto* first = std::get_if<Reasoning>(&heard[1].parts[0]);
  REQUIRE(first != nullptr);
  CHECK(first->text.starts_with("It is ***."));
  const std::string all = json::serialize(to_json(heard[1]));
  CHECK(all.find("signed-1") == std::string::npos);
  CHECK(all.find("signed-2") != std::string::npos);
}

TEST_CASE("text around a call is one text, and the call waits behind it") {
  World world(plays({Turn{{TextDelta{"It is Rumpel"}, calls(0, "a", "echo", R"({"text":"hi"})"), TextDelta{"stilz."}}},
                     text({"end"})}));
  Run run = world.agent(guarded(rail(kBad))).session().start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).ending == Ending::refused);
  CHECK(count_of<ToolStarted>(events) == 0);
  CHECK(count_of<ToolCallDelta>(events) == 0);
}

TEST_CASE("parts of an answer keep their order") {
  const Turn turn{{ReasoningDelta{"Let me see.", nullptr}, TextDelta{"I call it."},
                   calls(0, "a", "echo", R"({"text":"hi"})"), TextDelta{" Done."}}};
  World world(plays({turn, text({"end"})}));
  Run run = world.agent(guarded(rail(kBad))).session().start("go");
  std::string order;
  for (const Event& event : elsewhere(read_all(run))) {
    if (const auto* delta = std::get_if<ReasoningDelta>(&event.data)) order += "[" + delta->text + "]";
    if (const auto* delta = std::get_if<TextDelta>(&event.data)) order += delta->text;
    if (std::holds_alternative<ToolCallDelta>(event.data)) order += "(call)";
    if (std::holds_alternative<ToolStarted>(event.data)) order += "(made)";
  }
  CHECK(order == "[Let me see.]I call it.(call) Done.(made)end");
}

TEST_CASE("an attempt that broke before anything was let out is tried again") {
  int asked = 0;
  const auto play = [&](const CompletionRequest&) {
    if (++asked == 1) {
      Turn turn = text({"Half an ans"});
      turn.events.emplace_back(Failed{Error(errc::truncated, "the line broke").retry()});
      return turn;
    }
    return text({"A whole answer."});
  };
  Definition definition = guarded(rail(kBad), 100);
  definition.model.retry.delay = milliseconds(1);
  World world(play);
  Run run = world.agent(definition).session().start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(count_of<Retried>(events) == 1);
  CHECK(text_of(events) == "A whole answer.");
  CHECK(outcome_in(events).text == "A whole answer.");
}

TEST_CASE("what is refused is not asked of another model") {
  Definition definition = guarded(rail(kBad), 0);
  definition.model.name = "world/first";
  ModelSpec other;
  other.name = "world/second";
  definition.model.fallback = {other};
  World world(says("never"));
  int asked = 0;
  world.plays["world/first"] = says("It is Rumpelstilz.");
  world.plays["world/second"] = [&](const CompletionRequest&) {
    ++asked;
    return text({"It is Tom."});
  };
  Run run = world.agent(definition).session().start("go");
  CHECK(elsewhere(run.wait()).text == "I cannot say that.");
  CHECK(asked == 0);
}

TEST_CASE("a cheap model's answer that is kept back for doubt passes, or is refused, like any other") {
  Definition definition = guarded(rail(kBad), 16);
  definition.model.name = "world/cheap";
  definition.model.route.escalate.to = "world/dear";
  definition.model.route.escalate.on_doubt = true;
  World world(says("never"));
  world.plays["world/cheap"] = says(kBefore + "Rumpelstilz.");
  world.plays["world/dear"] = says("never");
  Run run = world.agent(definition).session().start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).ending == Ending::refused);
  CHECK(text_of(events) == "I cannot say that.");
}

TEST_CASE("secrets are gone before a guardrail looks, and both find what is cut over several deltas") {
  secrets::add("~guardrail-canary-77");
  const TempDir folder;
  Definition definition = with_command(folder, "cat >> seen; echo '{\"pass\":true}'", 0);
  definition.guardrails.output.push_back(rail(kBad, "redact"));
  World world(plays({text({"The key is ~guardrail-", "canary-77, and he is Rumpel", "stilz."})}));
  Run run = world.agent(definition).session().start("go");
  CHECK(elsewhere(run.wait()).text == "The key is ***, and he is ***.");
  CHECK(read_file(folder / "seen").find("canary") == std::string::npos);
}

TEST_CASE("structured output passes as well") {
  Definition definition = guarded(rail(kBad, "redact"), 0);
  definition.output = json::object{{"type", "object"}};
  World world(plays({text({R"({"name":"Rumpel)", R"(stilz"})"})}));
  Run run = world.agent(definition).session().start("go");
  CHECK(elsewhere(run.wait()).output == json::value{{"name", "***"}});
}

TEST_CASE("what a refused answer cost is counted") {
  Definition definition = guarded(rail(kBad), 0);
  Usage usage;
  usage.input = 10;
  usage.output = 5;
  World world(plays({Turn{{TextDelta{"Rumpelstilz"}, UsageUpdate{usage}}}}));
  Run run = world.agent(definition).session().start("go");
  const Outcome outcome = elsewhere(run.wait());
  CHECK(outcome.ending == Ending::refused);
  CHECK(outcome.usage.output == 5);
}

TEST_CASE("a command decides about a window with what stands before it") {
  const TempDir folder;
  const TempDir state;
  Definition definition = with_command(folder, R"(
input=$(cat); printf '%s\n' "$input" >> seen
case $input in
  *Rumpelstilz*) echo '{"pass":false,"reason":"a name"}' ;;
  *) echo '{"pass":true}' ;;
esac)");
  World world(plays({text({kBefore + "Rumpel", "stilz. ", "And so on, and so on, and so on."})}),
              {.state = state.path()});
  const Agent agent = world.agent(definition);
  Run run = agent.session("s").start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).ending == Ending::refused);
  CHECK(outcome_in(events).detail == "the guardrail sh rail.sh held the answer back: a name");
  CHECK(all_of(events, world, run.id(), "s").find("Rum") == std::string::npos);
  CHECK_THAT(read_file(folder / "seen"), ContainsSubstring(R"("channel":"text")") &&
                                             ContainsSubstring(R"("agent":"main")") &&
                                             ContainsSubstring(R"("final":false)"));
  std::filesystem::remove(folder / "rail.sh");
  Run again = agent.replay(recorded(world, run.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("a command that lets everything pass changes nothing, and is asked once about a whole answer") {
  const TempDir folder;
  World world(says(kBefore));
  Run run = world.agent(with_command(folder, "echo x >> asked; echo '{\"pass\":true}'", 0)).session().start("go");
  CHECK(elsewhere(run.wait()).text == kBefore);
  CHECK(read_file(folder / "asked") == "x\n");
}

TEST_CASE("what a command cannot be asked about does not pass") {
  const std::string script = GENERATE(as<std::string>{}, "exit 1", "echo nonsense", "echo '{}'", "exit 0",
                                      "echo '{\"pass\":\"yes\"}'", "echo no >&2; exit 2", "sleep 1000");
  INFO(script);
  const TempDir folder;
  Definition definition = with_command(folder, script);
  definition.guardrails.output[0].timeout = milliseconds(500);
  World world(says("Hello."));
  Run run = world.agent(definition).session().start("go");
  const Outcome outcome = elsewhere(run.wait());
  CHECK(outcome.ending == Ending::refused);
  CHECK(outcome.text == "I cannot say that.");
}

TEST_CASE("a run that is cancelled while a guardrail is asked ends as cancelled") {
  const TempDir folder;
  World world(says("Hello."));
  Run run = world.agent(with_command(folder, "echo x > begun; sleep 1000")).session().start("go");
  (void)elsewhere(read_until<StepStarted>(run));
  for (int i = 0; i < 600 && !std::filesystem::exists(folder / "begun"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  run.cancel("enough");
  CHECK(elsewhere(run.wait()).ending == Ending::cancelled);
}

TEST_CASE("what an agent must not say, no sub-agent says for it") {
  const TempDir folder;
  folder.write("helper.yaml", "sennit: 1\nname: helper\nmodel: world/helper\n");
  Definition definition = guarded(rail(kBad));
  definition.agents = {{"helper", folder.path() / "helper.yaml", ""}};
  World world(plays({calling({calls(0, "a", "helper", R"({"task":"who is it?"})")}), text({"end"})}));
  world.plays["world/helper"] = says(kBefore + "Rumpelstilz.");
  Run run = world.agent(definition).session().start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).text == "end");
  CHECK(all_of(events, world, "", "").find("Rum") == std::string::npos);
}
