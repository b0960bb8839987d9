// What hooks can do at each point: block, change, annotate, ask; and what they cannot: get around a policy.
#include "support/recorded_runs.hpp"
#include "support/test_hooks.hpp"
#include "support/world.hpp"
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/typed_tool.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <memory>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

using Hooks = std::vector<std::shared_ptr<TestHook>>;

std::function<void(Registry&)> with(Hooks hooks) {
  return [hooks = std::move(hooks)](Registry& registry) {
    for (const auto& hook : hooks) registry.add_hook(hook);
  };
}

template <class Function>
std::shared_ptr<TestHook> hook_at(HookPoint point, Function&& answer, std::string name = "guard") {
  return std::make_shared<TestHook>(std::move(name), point, std::forward<Function>(answer));
}

std::shared_ptr<TestHook> says_at(HookPoint point, HookAnswer answer, std::string name = "guard") {
  return std::make_shared<TestHook>(std::move(name), point,
                                    [answer = std::move(answer)](const HookQuestion&) { return answer; });
}

/// Calls echo once, then says "end".
Play echoes(const std::string& words) {
  return plays({calling({calls(0, "a", "echo", json::serialize(json::object{{"text", words}}))}), text({"end"})});
}

std::vector<Event> events_of(World& world, Definition definition, RunOptions options = {}) {
  Run run = world.agent(std::move(definition)).session().start("go", std::move(options));
  return elsewhere(read_all(run));
}

ToolResult result_in(const std::vector<Event>& events) {
  for (const Event& event : events) {
    if (const auto* finished = std::get_if<ToolFinished>(&event.data)) return finished->result;
  }
  return {};
}

PolicyDecided decision_in(const std::vector<Event>& events) {
  for (const Event& event : events) {
    if (const auto* decided = std::get_if<PolicyDecided>(&event.data)) return *decided;
  }
  return {};
}

std::string notices_in(const std::vector<Event>& events) {
  std::string all;
  for (const Event& event : events) {
    if (const auto* notice = std::get_if<Notice>(&event.data)) all += notice->message + "\n";
  }
  return all;
}

}  // namespace

TEST_CASE("a hook that blocks a call is its result, with the reason") {
  World world(echoes("hi"), {}, with({says_at(HookPoint::before_tool, blocks("not on Fridays"))}));
  const auto events = events_of(world, with_tools({"echo"}));
  CHECK(result_in(events).is_error);
  CHECK(result_in(events).content == "not allowed (hook guard: not on Fridays)");
  CHECK(decision_in(events).verdict == Verdict::deny);
  CHECK(decision_in(events).rule == "hook guard: not on Fridays");
  CHECK(outcome_in(events).text == "end");
}

TEST_CASE("what a hook makes of a call is what is made, and the person is told") {
  World world(echoes("hi"), {}, with({says_at(HookPoint::before_tool, changes({{"text", "ho"}}))}));
  const auto events = events_of(world, with_tools({"echo"}));
  CHECK(result_in(events).content == "ho");
  CHECK_THAT(notices_in(events), ContainsSubstring(R"(the hook guard changed the arguments of echo to {"text":"ho"})"));
}

TEST_CASE("a policy judges what a hook has made of a call, not what the model wrote") {
  Definition definition = with_tools({"echo"});
  PolicyRule rule("echo");
  rule.when["text"] = {"evil"};
  definition.policy.deny = {rule};
  SECTION("what was harmless is denied") {
    World world(echoes("hi"), {}, with({says_at(HookPoint::before_tool, changes({{"text", "evil"}}))}));
    const auto events = events_of(world, definition);
    CHECK(result_in(events).is_error);
    CHECK_THAT(result_in(events).content, ContainsSubstring("not allowed (policy.deny"));
  }
  SECTION("what was not is not any more") {
    World world(echoes("evil"), {}, with({says_at(HookPoint::before_tool, changes({{"text", "hi"}}))}));
    CHECK(result_in(events_of(world, definition)).content == "hi");
  }
  SECTION("a hook that allows relaxes nothing") {
    World world(echoes("evil"), {}, with({says_at(HookPoint::before_tool, {})}));
    CHECK(result_in(events_of(world, definition)).is_error);
  }
}

TEST_CASE("arguments of a hook have to fit the tool") {
  const auto hook = says_at(HookPoint::before_tool, changes({{"words", 5}}));
  World world(echoes("hi"), {}, with({hook}));
  SECTION("a hook that is required blocks") {
    const auto events = events_of(world, with_tools({"echo"}));
    CHECK(result_in(events).is_error);
    CHECK_THAT(result_in(events).content, ContainsSubstring("hook guard failed: its arguments are wrong"));
  }
  SECTION("another one changes nothing") {
    hook->is_required = false;
    const auto events = events_of(world, with_tools({"echo"}));
    CHECK(result_in(events).content == "hi");
    CHECK_THAT(notices_in(events), ContainsSubstring("nothing was made of it"));
  }
}

TEST_CASE("a hook can let a person decide, about the call as it will be made") {
  HookAnswer answer = changes({{"text", "ho"}});
  answer.verdict = Verdict::ask;
  answer.reason = "new words";
  World world(echoes("hi"), {}, with({says_at(HookPoint::before_tool, answer)}));
  const Approval said = GENERATE(Approval::once, Approval::never);
  Run run = world.agent(with_tools({"echo"})).session().start("go");
  std::string asked;
  const auto events = elsewhere(read_all(run, [&](const Event& event) {
    const auto* request = std::get_if<ApprovalRequested>(&event.data);
    if (request == nullptr) return;
    asked = request->call.arguments + " " + request->reason;
    run.approve(request->id, said);
  }));
  CHECK(asked == R"({"text":"ho"} hook guard: new words)");
  if (said == Approval::once) {
    CHECK(result_in(events).content == "ho");
  } else {
    CHECK_THAT(result_in(events).content, ContainsSubstring("declined by the person (hook guard: new words)"));
  }
}

TEST_CASE("hooks are asked in turn, each about what the one before it has made") {
  std::string order;
  const auto appends = [&order](const std::string& letter) {
    return hook_at(
        HookPoint::before_tool,
        [&order, letter](const HookQuestion& question) {
          order += letter;
          std::string text(question.view.at("call").at("arguments").at("text").as_string());
          return changes({{"text", text + letter}});
        },
        letter);
  };
  SECTION("all of them") {
    World world(echoes("-"), {}, with({appends("a"), appends("b")}));
    CHECK(result_in(events_of(world, with_tools({"echo"}))).content == "-ab");
  }
  SECTION("up to one that blocks") {
    World world(echoes("-"), {}, with({says_at(HookPoint::before_tool, blocks("no")), appends("b")}));
    CHECK(result_in(events_of(world, with_tools({"echo"}))).is_error);
    CHECK(order.empty());
  }
}

TEST_CASE("what a hook makes of a result is all that the model, the person and the session get") {
  std::string heard;
  const auto play = [&](const CompletionRequest& request) {
    if (request.messages.size() == 1) return calling({calls(0, "a", "echo", R"({"text":"the code is 4711"})")});
    heard = std::get<ToolResult>(request.messages.back().parts.front()).content;
    return text({"end"});
  };
  HookAnswer answer;
  SECTION("it changes it") {
    answer.result = "the code is secret";
    answer.note = "hid a code";
    World world(play, {}, with({says_at(HookPoint::after_tool, answer)}));
    const auto events = events_of(world, with_tools({"echo"}));
    CHECK(heard == "the code is secret");
    CHECK_FALSE(result_in(events).is_error);
    CHECK_THAT(notices_in(events), ContainsSubstring("guard: hid a code"));
    for (const Event& event : events) {
      CHECK((!std::holds_alternative<ToolFinished>(event.data) ||
             json::serialize(to_json(event)).find("4711") == std::string::npos));
    }
  }
  SECTION("it holds it back") {
    World world(play, {}, with({says_at(HookPoint::after_tool, blocks("codes are private"))}));
    const auto events = events_of(world, with_tools({"echo"}));
    CHECK(heard == "done, but what it gave is held back (hook guard: codes are private)");
    CHECK(result_in(events).is_error);
  }
  SECTION("it fails") {
    const auto hook = hook_at(HookPoint::after_tool,
                              [](const HookQuestion&) -> HookAnswer { throw Error(errc::io, "the disk is full"); });
    World world(play, {}, with({hook}));
    (void)events_of(world, with_tools({"echo"}));
    CHECK_THAT(heard, ContainsSubstring("hook guard failed: the disk is full") && !ContainsSubstring("4711"));
  }
}

TEST_CASE("what a hook wants the model to know joins the conversation") {
  std::vector<std::string> heard;
  const auto play = [&](const CompletionRequest& request) {
    for (const Message& message : request.messages) heard.push_back(message.text());
    return text({"end"});
  };
  json::object seen;
  const auto hook = hook_at(HookPoint::before_model, [&](const HookQuestion& question) {
    seen = question.view;
    return adds("It is Friday.");
  });
  World world(play, {}, with({hook}));
  const TempDir folder;
  Session session = world.agent(with_tools({"echo"})).session();
  Run run = session.start("which day is it?");
  CHECK(elsewhere(run.wait()).text == "end");
  CHECK(heard == std::vector<std::string>{"which day is it?", "It is Friday."});
  CHECK(seen.at("point") == "before_model");
  CHECK(seen.at("agent") == "main");
  CHECK(seen.at("run").as_string() == run.id());
  CHECK(seen.at("request").at("messages") == 1);
  CHECK(seen.at("request").at("last").at("text") == "which day is it?");
  CHECK(seen.at("request").at("tools").as_array() == json::array{"echo"});
  const auto messages = elsewhere(session.messages());
  REQUIRE(messages.size() == 3);
  CHECK(messages[1].text() == "It is Friday.");
}

TEST_CASE("a hook that blocks the model ends the run as refused, with the reason") {
  Model model{{text({"never"})}};
  World world(model.play(), {}, with({says_at(HookPoint::before_model, blocks("out of hours"))}));
  const auto events = events_of(world, with_tools({}));
  CHECK(outcome_in(events).ending == Ending::refused);
  CHECK(outcome_in(events).detail == "hook guard: out of hours");
  CHECK(model.asked == 0);
  CHECK(text_of(events).empty());
}

TEST_CASE("a hook sees what the model answers before its calls are made") {
  json::object seen;
  std::atomic<int> made{0};
  const auto hook = hook_at(HookPoint::after_model, [&](const HookQuestion& question) {
    seen = question.view;
    return blocks("too dear");
  });
  World world(plays({Turn{{TextDelta{"I pay."}, calls(0, "a", "spend", "{}")}}}), {}, [&](Registry& registry) {
    registry.add_hook(hook);
    registry.add_tool("spend", "", [&](ToolContext&) -> asio::awaitable<std::string> {
      ++made;
      co_return "spent";
    });
  });
  Session session = world.agent(with_tools({"spend"})).session();
  Run run = session.start("go");
  const Outcome outcome = elsewhere(run.wait());
  CHECK(outcome.ending == Ending::refused);
  CHECK(outcome.detail == "hook guard: too dear");
  CHECK(outcome.text == "I pay.");
  CHECK(made == 0);
  CHECK(seen.at("answer").at("text") == "I pay.");
  CHECK(seen.at("answer").at("calls").at(0).at("name") == "spend");
  CHECK(ill_formed(elsewhere(session.messages())).empty());
}

TEST_CASE("what a hook adds to an answer is shown, kept, and part of the outcome") {
  World world(says("Forty-two."), {}, with({says_at(HookPoint::after_model, adds("(no warranty)"))}));
  SECTION("behind a text") {
    Session session = world.agent(with_tools({})).session();
    Run run = session.start("go");
    const auto events = elsewhere(read_all(run));
    CHECK(text_of(events) == "Forty-two.\n\n(no warranty)");
    CHECK(outcome_in(events).text == "Forty-two.\n\n(no warranty)");
    CHECK(elsewhere(session.messages()).back().text() == "Forty-two.\n\n(no warranty)");
  }
  SECTION("but not where it would break the form of the answer") {
    World json(says(R"({"a":1})"), {}, with({says_at(HookPoint::after_model, adds("(no warranty)"))}));
    Definition definition = with_tools({});
    definition.output = json::object{{"type", "object"}};
    const auto events = events_of(json, definition);
    CHECK(outcome_in(events).output == json::value{{"a", 1}});
    CHECK_THAT(notices_in(events), ContainsSubstring("is left out"));
  }
}

TEST_CASE("a note of a hook is a notice") {
  const HookPoint point =
      GENERATE(HookPoint::before_model, HookPoint::after_model, HookPoint::before_tool, HookPoint::after_tool);
  World world(echoes("hi"), {}, with({says_at(point, notes("seen"))}));
  const auto events = events_of(world, with_tools({"echo"}));
  CHECK_THAT(notices_in(events), ContainsSubstring("guard: seen"));
  CHECK(outcome_in(events).text == "end");
}

TEST_CASE("calls that are made side by side are asked about side by side") {
  std::atomic<int> inside{0};
  std::atomic<bool> together{false};
  const auto hook = std::make_shared<TestHook>(
      "guard", HookPoint::before_tool, [&](HookQuestion, Environment& environment) -> asio::awaitable<HookAnswer> {
        if (++inside == 3) together = true;
        while (!together) co_await environment.sleep(milliseconds(1));
        co_return HookAnswer{};
      });
  World world(plays({calling({calls(0, "a", "echo", R"({"text":"1"})"), calls(1, "b", "echo", R"({"text":"2"})"),
                              calls(2, "c", "echo", R"({"text":"3"})")}),
                     text({"end"})}),
              {}, with({hook}));
  CHECK(outcome_in(events_of(world, with_tools({"echo"}))).text == "end");
  CHECK(hook->asked == 3);
}

TEST_CASE("a hook that does not answer in time has failed") {
  const auto hook = hook_at(HookPoint::before_tool, &never_answers);
  hook->limit = milliseconds(20);
  World world(echoes("hi"), {}, with({hook}));
  SECTION("a required one blocks") {
    CHECK_THAT(result_in(events_of(world, with_tools({"echo"}))).content,
               ContainsSubstring("hook guard failed: the hook guard took longer than 20 ms"));
  }
  SECTION("of another one the person is told") {
    hook->is_required = false;
    const auto events = events_of(world, with_tools({"echo"}));
    CHECK(result_in(events).content == "hi");
    CHECK_THAT(notices_in(events), ContainsSubstring("took longer than 20 ms"));
  }
}

TEST_CASE("a run that is cancelled while a hook works ends soon, well-formed, and is told as it was") {
  const HookPoint point =
      GENERATE(HookPoint::before_model, HookPoint::after_model, HookPoint::before_tool, HookPoint::after_tool);
  INFO(to_string(point));
  const TempDir folder;
  const auto hook = hook_at(point, &never_answers);
  World world(echoes("hi"), {.state = folder.path()}, with({hook}));
  const Agent agent = world.agent(with_tools({"echo"}));
  Session session = agent.session("s");
  Run run = session.start("go");
  hook->asked.wait(0);
  run.cancel("enough");
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).ending == Ending::cancelled);
  CHECK(ill_formed(elsewhere(session.messages())).empty());
  Run again = agent.replay(recorded(world, run.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
  CHECK(hook->asked == 1);
}

TEST_CASE("a run whose time is up while a hook works ends at its limit") {
  Definition definition = with_tools({"echo"});
  definition.limits.time = milliseconds(50);
  World world(echoes("hi"), {}, with({hook_at(HookPoint::before_tool, &never_answers)}));
  CHECK(outcome_in(events_of(world, definition)).ending == Ending::limit);
}

TEST_CASE("a hook sees no secret") {
  secrets::add("~hook-canary-8d2f");
  json::object seen;
  const auto hook = hook_at(HookPoint::before_tool, [&](const HookQuestion& question) {
    seen = question.view;
    return HookAnswer{};
  });
  World world(echoes("use ~hook-canary-8d2f"), {}, with({hook}));
  (void)events_of(world, with_tools({"echo"}));
  CHECK(seen.at("call").at("arguments").at("text") == "use ***");
}

TEST_CASE("what an agent may not do, no sub-agent does for it") {
  const TempDir folder;
  folder.write("helper.yaml", "sennit: 1\nname: helper\nmodel: world/helper\ntools: [echo]\npolicy: {allow: ['*']}\n");
  World world(plays({calling({calls(0, "a", "helper", R"({"task":"echo"})")}), text({"end"})}));
  world.plays["world/helper"] = echoes("hi");
  Definition definition = with_tools({});
  definition.agents = {{"helper", folder.path() / "helper.yaml", ""}};
  add_script(definition, folder, {"before_tool"},
             R"(grep -q '"agent":"helper"' && echo '{"action":"block","reason":"not below me"}')")
      .tools = "echo";
  Run run = world.agent(definition).session().start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(result_in(events).name == "echo");
  CHECK_THAT(result_in(events).content, ContainsSubstring("not below me"));
}
