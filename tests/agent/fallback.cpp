// One retry loop, then the next model; and which model answers a step in the first place.
#include "support/recorded_runs.hpp"
#include "support/store_runs.hpp"
#include "support/world.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

Turn failing(Error error, std::vector<EventData> before = {}) {
  Turn turn{std::move(before)};
  turn.events.emplace_back(Failed{std::move(error)});
  return turn;
}

Error busy() {
  return Error(errc::overloaded, "busy").retry();
}

/// Counts how often a model is asked.
Play counted(int& times, Play play) {
  return [&times, play = std::move(play)](const CompletionRequest& request) {
    ++times;
    return play(request);
  };
}

Play fails(Error error) {
  return [error](const CompletionRequest&) { return failing(error); };
}

Definition with_fallback() {
  Definition definition;
  definition.model.name = "world/first";
  definition.model.retry.delay = 1ms;
  ModelSpec second;
  second.name = "world/second";
  definition.model.fallback = {second};
  return definition;
}

std::vector<std::string> choices(const std::vector<Event>& events) {
  std::vector<std::string> all;
  for (const Event& event : events) {
    const auto* chosen = std::get_if<ModelChosen>(&event.data);
    if (chosen != nullptr) all.push_back(chosen->model + ": " + chosen->reason);
  }
  return all;
}

std::string shown_text(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) {
    if (const auto* delta = std::get_if<TextDelta>(&event.data)) text += delta->text;
  }
  return text;
}

}  // namespace

TEST_CASE("a model that fails is asked again, then the next one is") {
  int first = 0;
  int second = 0;
  World world(says("no"));
  world.plays["world/second"] = counted(second, says("from the second"));
  struct Case {
    Error error;
    int asked;
    bool falls_back;
  };
  const Case expected = GENERATE(
      Case{busy(), 4, true}, Case{Error(errc::server, "x").retry(), 4, true},
      Case{Error(errc::quota, "no credit"), 1, true}, Case{Error(errc::authentication, "bad key"), 1, true},
      Case{Error(errc::context_length, "too long"), 1, true},
      Case{Error(errc::rate_limited, "later").retry(120s), 1, true}, Case{Error(errc::content_filter, "no"), 1, false});
  world.plays["world/first"] = counted(first, fails(expected.error));
  const Agent agent = world.agent(with_fallback());
  Run run = agent.session().start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(first == expected.asked);
  CHECK(second == (expected.falls_back ? 1 : 0));
  const Outcome outcome = outcome_in(events);
  if (!expected.falls_back) {
    CHECK(outcome.ending == Ending::refused);
    return;
  }
  CHECK(outcome.text == "from the second");
  CHECK(choices(events) == std::vector<std::string>{"world/second: world/first failed: " + expected.error.message()});
}

TEST_CASE("while a model is left alone, others do not find out one by one") {
  int first = 0;
  World world(says("no"));
  world.plays["world/first"] = counted(first, fails(busy()));
  world.plays["world/second"] = says("second");
  const Agent agent = world.agent(with_fallback());
  for (int i = 0; i < 3; ++i) {
    Run run = agent.session().start("go");
    CHECK(elsewhere(run.wait()).text == "second");
  }
  CHECK(first == 4);
}

TEST_CASE("the last model that is left is asked, whatever was") {
  World world(says("no"));
  int asked = 0;
  world.plays["world/first"] = counted(asked, fails(busy()));
  world.plays["world/second"] = fails(Error(errc::server, "broken"));
  const Agent agent = world.agent(with_fallback());
  for (int i = 0; i < 2; ++i) {
    Run run = agent.session().start("go");
    const Outcome outcome = elsewhere(run.wait());
    REQUIRE(outcome.error);
    CHECK(outcome.error->message() == "broken");
  }
}

TEST_CASE("nothing is asked again once a part of the answer was shown, unless the agent says so") {
  World world(says("no"));
  Definition definition = with_fallback();
  definition.model.retry.after_output = GENERATE(false, true);
  int asked = 0;
  world.plays["world/first"] = [&](const CompletionRequest&) {
    if (++asked == 1) return failing(busy(), {TextDelta{"half an "}});
    return Turn{{TextDelta{"whole answer"}}};
  };
  Run run = world.agent(definition).session().start("go");
  const auto events = elsewhere(read_all(run));
  const Outcome outcome = outcome_in(events);
  if (definition.model.retry.after_output) {
    CHECK(outcome.text == "whole answer");
    CHECK(count_of<Retried>(events) == 1);
  } else {
    CHECK(asked == 1);
    CHECK(outcome.ending == Ending::failed);
    CHECK(outcome.text == "half an ");
  }
}

TEST_CASE("attempts and waits are the agent's to choose") {
  World world(says("no"));
  int asked = 0;
  Definition definition;
  definition.model.name = "world/first";
  definition.model.retry = {.attempts = 2, .delay = 1ms};
  world.plays["world/first"] = counted(asked, fails(busy()));
  Run run = world.agent(definition).session().start("go");
  CHECK(elsewhere(run.wait()).error->code() == errc::overloaded);
  CHECK(asked == 2);
}

TEST_CASE("a run that changed its model is told again as it was, at the prices of each") {
  const TempDir folder;
  World world(says("no"), {.state = folder.path()});
  Definition definition = with_fallback();
  definition.model.prices = Prices{1, 1, {}, "USD"};
  definition.model.fallback[0].prices = Prices{10, 10, {}, "USD"};
  world.plays["world/first"] = [](const CompletionRequest&) {
    return failing(Error(errc::quota, "empty"), {UsageUpdate{{1'000'000, 0, {}, {}}}});
  };
  world.plays["world/second"] = [](const CompletionRequest&) {
    return Turn{{TextDelta{"second"}, UsageUpdate{{100'000, 0, {}, {}}}}};
  };
  const Agent agent = world.agent(definition);
  Run run = agent.session("s").start("go");
  const auto events = elsewhere(read_all(run));
  const Outcome outcome = outcome_in(events);
  REQUIRE(outcome.cost);
  CHECK(outcome.cost->amount == 2.0);
  Run again = agent.replay(recorded(world, run.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("a run of one model that was asked again is told again at the same cost") {
  const TempDir folder;
  World world(says("no"), {.state = folder.path()});
  Definition definition;
  definition.model.name = "world/first";
  definition.model.retry.delay = 1ms;
  definition.model.prices = Prices{1, 1, {}, "USD"};
  int asked = 0;
  world.plays["world/first"] = [&](const CompletionRequest&) {
    if (++asked == 1) return failing(busy(), {UsageUpdate{{1'000'000, 0, {}, {}}}});
    return Turn{{TextDelta{"yes"}, UsageUpdate{{1'000'000, 0, {}, {}}}}};
  };
  const Agent agent = world.agent(definition);
  Run run = agent.session("s").start("go");
  const auto events = elsewhere(read_all(run));
  REQUIRE(outcome_in(events).cost);
  CHECK(outcome_in(events).cost->amount == 2.0);
  Run again = agent.replay(recorded(world, run.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("what a model without prices did not do costs nothing") {
  World world(says("no"));
  Definition definition = with_fallback();
  definition.model.fallback[0].prices = Prices{10, 10, {}, "USD"};
  world.plays["world/first"] = fails(Error(errc::quota, "empty"));
  world.plays["world/second"] = [](const CompletionRequest&) {
    return Turn{{TextDelta{"second"}, UsageUpdate{{100'000, 0, {}, {}}}}};
  };
  Run run = world.agent(definition).session().start("go");
  const Outcome outcome = elsewhere(run.wait());
  REQUIRE(outcome.cost);
  CHECK(outcome.cost->amount == 1.0);
}

TEST_CASE("the same model may stand among the fallbacks with another address") {
  World world(says("no"));
  Definition definition = with_fallback();
  definition.model.fallback[0].name = "world/first";
  definition.model.fallback[0].base_url = "http://elsewhere";
  definition.model.fallback.push_back(definition.model.fallback[0]);
  int asked = 0;
  world.plays["world/first"] = counted(asked, fails(Error(errc::quota, "empty")));
  Run run = world.agent(definition).session().start("go");
  CHECK(elsewhere(run.wait()).error->code() == errc::quota);
  CHECK(asked >= 2);
}

TEST_CASE("a stream that breaks a bound after words is not answered by another model") {
  World world(says("no"));
  world.plays["world/first"] = [](const CompletionRequest&) {
    Turn turn{{TextDelta{"Working on it. "}}};
    for (std::uint32_t i = 0; i < 130; ++i) turn.events.push_back(calls(i, std::to_string(i), "clock", "{}"));
    return turn;
  };
  world.plays["world/second"] = says("second");
  Run run = world.agent(with_fallback()).session().start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(shown_text(events) == "Working on it. ");
  CHECK(choices(events).empty());
  CHECK(outcome_in(events).error->code() == errc::too_large);
}

TEST_CASE("a rule says which model answers a step, and the events say why") {
  World world(says("the usual"));
  world.plays["world/long"] = says("from the long one");
  Definition definition;
  definition.model.route.rules = {{.model = "world/long", .longer_than = 100}, {.model = "world/long", .tag = "hard"}};
  const Agent agent = world.agent(definition);
  Run usual = agent.session().start("short");
  const auto plain = elsewhere(read_all(usual));
  CHECK(outcome_in(plain).text == "the usual");
  CHECK(choices(plain).empty());
  Run routed = agent.session().start(std::string(1000, 'x'));
  const auto events = elsewhere(read_all(routed));
  CHECK(outcome_in(events).text == "from the long one");
  CHECK(choices(events) == std::vector<std::string>{"world/long: longer than 100 tokens"});
  Run tagged = agent.session().start("short", {.tags = {"hard"}});
  CHECK(elsewhere(tagged.wait()).text == "from the long one");
}

TEST_CASE("a cheap model hands over where it falls short, and nobody sees what was not good enough") {
  World world(says("no"));
  Definition definition;
  definition.model.name = "world/cheap";
  definition.model.route.escalate.to = "world/dear";
  std::vector<std::string> dear_heard;
  world.plays["world/dear"] = [&](const CompletionRequest& request) {
    dear_heard.emplace_back(request.instructions);
    return Turn{{TextDelta{R"({"n":2})"}}};
  };
  std::string why;
  SECTION("it is not sure") {
    world.plays["world/cheap"] = [](const CompletionRequest& request) {
      CHECK_THAT(std::string(request.instructions), ContainsSubstring("ESCALATE"));
      return Turn{{TextDelta{"ESCALATE"}}};
    };
    why = "world/dear: world/cheap handed over: it was not sure";
  }
  SECTION("its answer does not fit") {
    definition.output =
        parse_json(R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]})")->as_object();
    world.plays["world/cheap"] = says("I think it is two");
    why = "world/dear: world/cheap handed over: its answer does not fit the output schema";
  }
  const Agent agent = world.agent(definition);
  Run run = agent.session().start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).text == R"({"n":2})");
  CHECK(shown_text(events) == R"({"n":2})");
  CHECK(choices(events) == std::vector<std::string>{why});
  REQUIRE(dear_heard.size() == 1);
  CHECK(dear_heard[0].find("ESCALATE") == std::string::npos);
}

TEST_CASE("a cheap model whose answer is good is shown whole") {
  World world(says("no"));
  Definition definition;
  definition.model.name = "world/cheap";
  definition.model.route.escalate.to = "world/dear";
  world.plays["world/cheap"] = says("two");
  Run run = world.agent(definition).session().start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(shown_text(events) == "two");
  CHECK(choices(events).empty());
}

TEST_CASE("after a call that failed the dear model goes on, to the end of the run") {
  World world(says("no"));
  Definition definition;
  definition.model.name = "world/cheap";
  definition.model.route.escalate.to = "world/dear";
  definition.tools = {{"calculator", {}}};
  int cheap = 0;
  int dear = 0;
  world.plays["world/cheap"] = [&](const CompletionRequest&) {
    ++cheap;
    return Turn{{calls(0, "a", "calculator", R"({"expression":"1/0"})")}};
  };
  world.plays["world/dear"] = [&](const CompletionRequest&) {
    if (++dear == 1) return Turn{{calls(0, "b", "calculator", R"({"expression":"1+1"})")}};
    return Turn{{TextDelta{"2"}}};
  };
  Run run = world.agent(definition).session().start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).text == "2");
  CHECK(cheap == 1);
  CHECK(dear == 2);
  CHECK(choices(events) == std::vector<std::string>{"world/dear: a call that the model before it made failed"});
}

TEST_CASE("the wait for a turn has a deadline, and then the next model is asked") {
  World world([](const CompletionRequest&) { return Turn{.events = {}, .stalls = true}; });
  world.plays["world/second"] = says("second");
  Definition definition = with_fallback();
  definition.model.rate.concurrent = 1;
  definition.model.total_timeout = 50ms;
  const bool falls_back = GENERATE(false, true);
  if (!falls_back) definition.model.fallback.clear();
  const Agent agent = world.agent(definition);
  Run holder = agent.session().start("go");
  world.wait_for_stall();
  Run waiting = agent.session().start("go");
  const Outcome outcome = elsewhere(waiting.wait());
  if (falls_back) {
    CHECK(outcome.text == "second");
  } else {
    REQUIRE(outcome.error);
    CHECK(outcome.error->code() == errc::timeout);
    CHECK_THAT(outcome.error->message(), ContainsSubstring("model.rate"));
  }
  holder.cancel();
  CHECK(elsewhere(holder.wait()).ending == Ending::cancelled);
}
