// A run outlives its program: resumed, replayed, forked; answered days later; with another agent, refused.
#include "support/recorded_runs.hpp"
#include "support/world.hpp"
#include <sennit/agent/typed_tool.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <optional>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a resumed run answers from its journal, does the rest for real, and tells the whole") {
  const TempDir folder;
  const std::string session = GENERATE(as<std::string>{}, "", "s");
  const Definition definition = with_tools({"echo", "shout"});
  const std::string id = interrupted(
      folder, definition,
      {calling({calls(0, "a", "echo", R"({"text":"x"})"), calls(1, "b", "shout", R"({"text":"y"})")}), stalling()},
      session);
  Model rest{{text({"all ", "done"})}};
  World world(rest.play(), {.state = folder.path()});
  CHECK(elsewhere(world.runtime.store()->runs({})).at(0).phase == RunPhase::interrupted);
  Run run = world.agent(definition).resume(id);
  const std::vector<Event> events = elsewhere(read_all(run));
  CHECK(outcome_in(events).text == "all done");
  CHECK(outcome_in(events).steps == 2);
  CHECK(outcome_in(events).tool_calls == 2);
  CHECK(rest.asked == 1);
  CHECK(count_of<RunStarted>(events) == 1);
  CHECK(count_of<ToolFinished>(events) == 2);
  CHECK(count_of<ToolProgress>(events) == 2);
  CHECK(run.id() == id);
  if (!session.empty()) {
    const auto messages = elsewhere(world.runtime.store()->messages(session));
    CHECK(messages.size() == 5);
    CHECK(ill_formed(messages).empty());
  }
  // And what was told by two programs is told again as one.
  Run again = world.agent(definition).replay(recorded(world, id));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("a replay gives the same events, byte for byte, without asking model or tools") {
  const TempDir folder;
  folder.write("helper.yaml",
               "sennit: 1\nname: helper\nmodel: world/model\ninstructions: You are the helper.\ntools: [echo]\n");
  Definition definition = with_tools({"echo", "shout", "question", "nap"});
  definition.agents = {{"helper", folder.path() / "helper.yaml", ""}};
  definition.memory.enabled = true;
  std::atomic<int> asked{0};
  const auto play = [&](const CompletionRequest& request) {
    ++asked;
    if (request.instructions.find("helper") != std::string_view::npos) {
      if (request.messages.back().role == Role::user)
        return calling({calls(0, "h", "echo", R"({"text":"from below"})")});
      return text({"hel", "ped"});
    }
    if (request.messages.back().role != Role::user) return text({"the ", "end", "."});
    Turn turn =
        calling({TextDelta{"let me "}, ReasoningDelta{"hmm", nullptr}, TextDelta{"see"},
                 calls(0, "a", "shout", R"({"text":"x","times":3})"), calls(1, "b", "nap", R"({"milliseconds":20})"),
                 calls(2, "c", "helper", R"({"task":"one"})"), calls(3, "d", "helper", R"({"task":"two"})"),
                 calls(4, "e", "question", R"({"text":"why?"})"), calls(5, "f", "unknown", "{}")});
    return turn;
  };
  World world(play, {.state = folder.path()});
  Run run = world.agent(definition).session("s").start("go");
  const auto events = elsewhere(read_all(run, [&](const Event& event) {
    if (const auto* asks = std::get_if<QuestionAsked>(&event.data)) run.answer(asks->id, "because");
  }));
  REQUIRE(outcome_in(events).ending == Ending::completed);
  const int before = asked;
  for (int i = 0; i < 2; ++i) {
    Run again = world.agent(definition).replay(recorded(world, run.id()));
    CHECK(difference(events, elsewhere(read_all(again))) == "");
  }
  CHECK(asked == before);
}

TEST_CASE("a cancelled, a failed and a limited run are replayed to the same end") {
  const TempDir folder;
  Definition definition = with_tools({"hang"});
  SECTION("cancelled in an answer") {
    World world([](const CompletionRequest&) { return Turn{{TextDelta{"half"}}, true}; }, {.state = folder.path()});
    Run run = world.agent(definition).session().start("go");
    world.wait_for_stall();
    run.cancel("enough");
    const auto events = elsewhere(read_all(run));
    CHECK(outcome_in(events).text == "half");
    Run again = world.agent(definition).replay(recorded(world, run.id()));
    CHECK(difference(events, elsewhere(read_all(again))) == "");
  }
  SECTION("cancelled in a tool") {
    definition = with_tools({"talkative"});
    World world([](const CompletionRequest&) { return calling({calls(0, "a", "talkative", "{}")}); },
                {.state = folder.path()},
                [](Registry& registry) {
                  registry.add_tool("talkative", "", [](ToolContext& context) -> asio::awaitable<std::string> {
                    context.progress("one");
                    co_await context.environment().sleep(std::chrono::hours(1));
                    co_return "never";
                  });
                });
    Run run = world.agent(definition).session().start("go");
    const auto events = elsewhere(read_all(run, [&](const Event& event) {
      if (std::holds_alternative<ToolProgress>(event.data)) run.cancel("enough");
    }));
    CHECK(outcome_in(events).ending == Ending::cancelled);
    Run again = world.agent(definition).replay(recorded(world, run.id()));
    CHECK(difference(events, elsewhere(read_all(again))) == "");
  }
  SECTION("cancelled while a person is asked") {
    definition = with_tools({"pay", "question", "echo"});
    definition.policy = {};
    World world(
        [](const CompletionRequest&) {
          return calling({calls(0, "a", "pay", R"({"amount":1})"), calls(1, "b", "question", R"({"text":"why"})"),
                          calls(2, "c", "echo", R"({"text":"x"})")});
        },
        {.state = folder.path()});
    definition.policy.ask = {"question", "pay"};
    Run asked = world.agent(definition).session().start("go");
    int requests = 0;
    int finished = 0;
    const auto events = elsewhere(read_all(asked, [&](const Event& event) {
      requests += std::holds_alternative<ApprovalRequested>(event.data) ? 1 : 0;
      finished += std::holds_alternative<ToolFinished>(event.data) ? 1 : 0;
      if (finished == 1 && requests >= 2) asked.cancel("enough");
    }));
    CHECK(outcome_in(events).ending == Ending::cancelled);
    Run again = world.agent(definition).replay(recorded(world, asked.id()));
    CHECK(difference(events, elsewhere(read_all(again))) == "");
  }
  SECTION("failed") {
    World world([](const CompletionRequest&) -> Turn { throw Error(errc::server, "broken"); },
                {.state = folder.path()});
    Run run = world.agent(definition).session().start("go");
    const auto events = elsewhere(read_all(run));
    CHECK(outcome_in(events).ending == Ending::failed);
    Run again = world.agent(definition).replay(recorded(world, run.id()));
    CHECK(difference(events, elsewhere(read_all(again))) == "");
  }
  SECTION("limited by time") {
    definition.limits.time = milliseconds(50);
    World world([](const CompletionRequest&) { return Turn{{TextDelta{"half"}}, true}; }, {.state = folder.path()});
    Run run = world.agent(definition).session().start("go");
    const auto events = elsewhere(read_all(run));
    CHECK(outcome_in(events).ending == Ending::limit);
    Run again = world.agent(definition).replay(recorded(world, run.id()));
    CHECK(difference(events, elsewhere(read_all(again))) == "");
  }
  SECTION("limited by steps") {
    definition = with_tools({"echo"});
    definition.limits.steps = 2;
    definition.limits.repeats = 0;
    World world([](const CompletionRequest&) { return calling({calls(0, "", "echo", R"({"text":"x"})")}); },
                {.state = folder.path()});
    Run run = world.agent(definition).session().start("go");
    const auto events = elsewhere(read_all(run));
    CHECK(outcome_in(events).ending == Ending::limit);
    Run again = world.agent(definition).replay(recorded(world, run.id()));
    CHECK(difference(events, elsewhere(read_all(again))) == "");
  }
}

TEST_CASE("a changed instruction diverges at effect 1, with the difference") {
  const TempDir folder;
  Definition definition = with_tools({"echo"});
  World world(says("hello"), {.state = folder.path()});
  Run run = world.agent(definition).session().start("go");
  elsewhere(run.wait());
  const RecordedRun record = recorded(world, run.id());
  definition.limits.steps = 7;  // does not change what is asked
  Run same = world.agent(definition).replay(record);
  CHECK(elsewhere(same.wait()).ending == Ending::completed);
  definition.instructions = "You help.\nNever.";
  Run other = world.agent(definition).replay(record);
  const Outcome outcome = elsewhere(other.wait());
  REQUIRE(outcome.error);
  CHECK(outcome.error->code() == errc::diverged);
  CHECK(outcome.error->where() == "effect 1");
  CHECK_THAT(outcome.error->message(), ContainsSubstring("- Always.") && ContainsSubstring("+ Never."));
}

TEST_CASE("a run goes on with its own agent, or by choice with another") {
  const TempDir folder;
  Definition definition = with_tools({"echo"});
  const std::string id =
      interrupted(folder, definition, {calling({calls(0, "a", "echo", R"({"text":"x"})")}), stalling()});
  World world(says("done"), {.state = folder.path()});
  definition.instructions = "Another.";
  Run refused = world.agent(definition).resume(id);
  const Outcome outcome = elsewhere(refused.wait());
  REQUIRE(outcome.error);
  CHECK(outcome.error->code() == errc::diverged);
  CHECK_THAT(outcome.error->message(), ContainsSubstring("+ Another."));
  Run migrated = world.agent(definition).resume(id, {.migrate = true});
  const std::vector<Event> events = elsewhere(read_all(migrated));
  CHECK(outcome_in(events).text == "done");
  // From then on it is the other agent's run.
  Run again = world.agent(definition).replay(recorded(world, id));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("what must not be repeated is asked about; what may be is done again") {
  const TempDir folder;
  std::atomic<int> done{0};
  std::atomic<int> probes{0};
  Happened happened = Happened::unknown;
  const auto tools = [&](Registry& registry) {
    const auto once = [&done](ToolContext& context) -> asio::awaitable<std::string> {
      if (++done == 1) co_await context.environment().sleep(std::chrono::hours(1));
      co_return "done it";
    };
    const auto probe = [&](json::object, ToolContext&) -> asio::awaitable<Probed> {
      ++probes;
      co_return Probed{happened, {"found it", false}};
    };
    const milliseconds forever{0};
    registry.add_tool("unsafe", "", once, ToolTraits{.timeout = forever});
    registry.add_tool("keyed", "", once, ToolTraits{.repeat = Repeat::keyed, .timeout = forever});
    registry.add_tool("probed", "", once, ToolTraits{.repeat = Repeat::probed, .timeout = forever, .probe = probe});
  };
  const auto interrupted_in = [&](const std::string& tool) {
    Model model{{calling({calls(0, "a", tool, "{}")})}};
    World world(model.play(), {.state = folder.path()}, tools);
    Run run = world.agent(with_tools({tool})).session().start("go");
    std::string id = run.id();
    elsewhere(read_until<ToolStarted>(run));
    while (done == 0) std::this_thread::yield();
    run.suspend("test");
    CHECK(elsewhere(run.wait()).ending == Ending::suspended);
    return id;
  };
  std::string result;
  const auto play = [&](const CompletionRequest& request) {
    for (const Part& part : request.messages.back().parts) {
      if (const auto* part_result = std::get_if<ToolResult>(&part)) result = part_result->content;
    }
    return text({"end"});
  };
  SECTION("keyed: again") {
    const std::string id = interrupted_in("keyed");
    World world(play, {.state = folder.path()}, tools);
    Run run = world.agent(with_tools({"keyed"})).resume(id);
    CHECK(elsewhere(run.wait()).text == "end");
    CHECK(done == 2);
    CHECK(result == "done it");
  }
  SECTION("probed: it happened") {
    const std::string id = interrupted_in("probed");
    happened = Happened::yes;
    World world(play, {.state = folder.path()}, tools);
    Run run = world.agent(with_tools({"probed"})).resume(id);
    CHECK(elsewhere(run.wait()).text == "end");
    CHECK(done == 1);
    CHECK(probes == 1);
    CHECK(result == "found it");
  }
  SECTION("probed: it did not happen") {
    const std::string id = interrupted_in("probed");
    happened = Happened::no;
    World world(play, {.state = folder.path()}, tools);
    Run run = world.agent(with_tools({"probed"})).resume(id);
    CHECK(elsewhere(run.wait()).text == "end");
    CHECK(done == 2);
  }
  SECTION("unsafe: nobody is there, then a person says what became of it") {
    const std::string id = interrupted_in("unsafe");
    const std::string said = GENERATE(as<std::string>{}, "done: receipt 17", "not done", "abort");
    World world(play, {.state = folder.path()}, tools);
    const Agent agent = world.agent(with_tools({"unsafe"}));
    Run parked = agent.resume(id, {.run = {.questions = false}});
    const Outcome outcome = elsewhere(parked.wait());
    CHECK(outcome.ending == Ending::suspended);
    CHECK(elsewhere(world.runtime.store()->runs({})).at(0).phase == RunPhase::waiting);
    Run asking = agent.resume(id);
    const auto doubt = elsewhere(read_until<InDoubt>(asking));
    CHECK(doubt.call.name == "unsafe");
    asking.answer(doubt.id, "perhaps");  // no answer
    asking.answer(doubt.id, said);
    const Outcome end = elsewhere(asking.wait());
    if (said == "abort") {
      CHECK(end.ending == Ending::cancelled);
      CHECK(done == 1);
    } else {
      CHECK(end.text == "end");
      CHECK(done == (said == "not done" ? 2 : 1));
      CHECK(result == (said == "not done" ? "done it" : "receipt 17"));
    }
    if (said == "abort") return;
    Run again = agent.replay(recorded(world, id));
    CHECK(to_json(elsewhere(again.wait())) == to_json(end));
  }
}

TEST_CASE("approvals wait in the store, each under its id, and are used for what they were given for") {
  const TempDir folder;
  Definition definition = with_tools({"pay", "save"});
  definition.policy = {};
  std::string id;
  {
    Model model{{calling({calls(0, "a", "pay", R"({"amount":5})"), calls(1, "b", "save", R"({"text":"x"})")})}};
    World world(model.play(), {.state = folder.path()});
    Run run = world.agent(definition).session("s").start("go", {.approvals = Approvals::suspend});
    id = run.id();
    CHECK(elsewhere(run.wait()).ending == Ending::suspended);
    const RunRecord record = elsewhere(world.runtime.store()->runs({})).at(0);
    CHECK(record.phase == RunPhase::waiting);
    // The session is the waiting run's.
    Run other = world.agent(definition).session("s").start("hello?");
    CHECK(elsewhere(other.wait()).error->code() == errc::busy);
  }
  World world(says("end"), {.state = folder.path()});
  Store& store = *world.runtime.store();
  std::map<std::string, std::string> digests;
  for (const JournalEntry& entry : elsewhere(store.journal_of(id))) {
    if (entry.kind != "approval") continue;
    digests[entry.effect] = std::string(find_string(parse_json(entry.data)->at("in"), "digest"));
  }
  REQUIRE(digests.size() == 2);
  const std::string pay = digests.begin()->first;
  const std::string save = digests.rbegin()->first;
  elsewhere([](Store& to, std::string run, Answer answer) -> asio::awaitable<bool> {
    co_await to.answer(run, answer);
    co_return true;
  }(store, id, {pay, "once", digests[save], {}}));  // of another call: does not count
  Run waits = world.agent(definition).resume(id, {.run = {.approvals = Approvals::suspend}});
  CHECK(elsewhere(waits.wait()).ending == Ending::suspended);
  for (const auto& [request, digest] : digests) {
    elsewhere([](Store& to, std::string run, Answer answer) -> asio::awaitable<bool> {
      co_await to.answer(run, answer);
      co_return true;
    }(store, id, {request, request == pay ? "once" : "never", digest, std::chrono::system_clock::now()}));
  }
  Run run = world.agent(definition).resume(id, {.run = {.approvals = Approvals::suspend}});
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).text == "end");
  const auto messages = elsewhere(store.messages("s"));
  REQUIRE(messages.size() == 5);
  CHECK(std::get<ToolResult>(messages[2].parts[0]).content == "paid 5");
  CHECK_THAT(std::get<ToolResult>(messages[3].parts[0]).content, ContainsSubstring("declined by the person"));
  Run again = world.agent(definition).replay(recorded(world, id));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("a fork goes the recorded way up to an effect, and its own from there") {
  const TempDir folder;
  const Definition definition = with_tools({"echo"});
  Model model{{calling({calls(0, "a", "echo", R"({"text":"x"})")}), text({"first end"}), text({"second end"})}};
  World world(model.play(), {.state = folder.path()});
  Run run = world.agent(definition).session("s").start("go");
  elsewhere(run.wait());
  CHECK(model.asked == 2);
  // Effects: 1 start, 2 say, 3 complete, 4 tools, 5 complete.
  Run fork = world.agent(definition).fork(recorded(world, run.id()), {.at = 5, .say = "and now in French"});
  const auto events = elsewhere(read_all(fork));
  CHECK(outcome_in(events).text == "second end");
  CHECK(model.asked == 3);
  CHECK(count_of<ToolFinished>(events) == 1);
  CHECK(fork.id() != run.id());
  CHECK(elsewhere(world.runtime.store()->runs({})).at(0).forked_from == run.id() + "@5");
  CHECK(elsewhere(world.runtime.store()->messages("s")).size() == 4);  // untouched
  Run again = world.agent(definition).replay(recorded(world, fork.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
  Run wrong = world.agent(definition).fork(recorded(world, run.id()), {.at = 99});
  CHECK(elsewhere(wrong.wait()).error->code() == errc::invalid_argument);
}

TEST_CASE("a run in a session in memory can be resumed: it brings its conversation") {
  const TempDir folder;
  Definition definition = with_tools({});
  std::string id;
  {
    Model model{{text({"one"}), stalling()}};
    World world(model.play(), {.state = folder.path()});
    Session session = world.agent(definition).session();
    Run first = session.start("first");
    elsewhere(first.wait());
    Run second = session.start("second");
    id = second.id();
    world.wait_for_stall();
    second.detach();
  }
  std::size_t messages = 0;
  World world(
      [&](const CompletionRequest& request) {
        messages = request.messages.size();
        return text({"two"});
      },
      {.state = folder.path()});
  Run run = world.agent(definition).resume(id);
  CHECK(elsewhere(run.wait()).text == "two");
  CHECK(messages == 3);
}

TEST_CASE("what runs at a program's end goes on at its start") {
  const TempDir folder;
  const Definition definition = with_tools({});
  const std::string one = interrupted(folder, definition, {stalling()}, "a");
  const std::string two = interrupted(folder, definition, {stalling()});
  World world(says("end"), {.state = folder.path()});
  const auto agent_of = [&](const RunRecord& record) {
    CHECK(record.agent == "main");
    return std::optional(world.agent(definition));
  };
  std::vector<Run> runs = elsewhere(resume_all(world.runtime, agent_of));
  CHECK(runs.size() == 2);
  for (Run& run : runs) CHECK(elsewhere(run.wait()).text == "end");
  CHECK(elsewhere(resume_all(world.runtime, agent_of)).empty());
}

TEST_CASE("a second run queues for the session, in order") {
  World world(says("end"), {}, {});
  Session session = world.agent(with_tools({})).session();
  World stalled([](const CompletionRequest& request) {
    return request.messages.size() == 1 ? Turn{{TextDelta{"a"}}, true}
                                        : text({std::to_string(request.messages.size())});
  });
  Session shared = stalled.agent(with_tools({})).session();
  Run first = shared.start("1");
  stalled.wait_for_stall();
  Run second = shared.start("2", {.wait_for_session = std::chrono::minutes(1)});
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  Run third = shared.start("3", {.wait_for_session = std::chrono::minutes(1)});
  Run refused = shared.start("4");
  CHECK(elsewhere(refused.wait()).error->code() == errc::busy);
  first.cancel();
  CHECK(elsewhere(second.wait()).text == "3");
  CHECK(elsewhere(third.wait()).text == "5");
}

TEST_CASE("an open approval that the settings of a resumed run decline is not said to be a person's word") {
  const TempDir folder;
  Definition definition = with_tools({"pay"});
  definition.policy = {};
  World world([](const CompletionRequest&) { return calling({calls(0, "a", "pay", R"({"amount":5})")}); },
              {.state = folder.path()});
  Run run = world.agent(definition).session("s").start("go", {.approvals = Approvals::suspend});
  CHECK(elsewhere(run.wait()).ending == Ending::suspended);
  World other(says("end"), {.state = folder.path()});
  Run resumed = other.agent(definition).resume(run.id(), {.run = {.approvals = Approvals::deny}});
  const auto events = elsewhere(read_all(resumed));
  CHECK(outcome_in(events).text == "end");
  const auto messages = elsewhere(other.runtime.store()->messages("s"));
  REQUIRE(messages.size() == 4);
  CHECK_THAT(std::get<ToolResult>(messages[2].parts[0]).content, ContainsSubstring("nobody was asked"));
  Run again = other.agent(definition).replay(recorded(other, run.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("a run that was told to be suspended is on disk, and free for another program") {
  const TempDir folder;
  const Definition definition = with_tools({"pay"});
  World world([](const CompletionRequest&) { return calling({calls(0, "a", "pay", R"({"amount":5})")}); },
              {.state = folder.path()});
  Definition asking = definition;
  asking.policy = {};
  Run run = world.agent(asking).session("s").start("go", {.approvals = Approvals::suspend});
  CHECK(elsewhere(run.wait()).ending == Ending::suspended);
  World other(says("end"), {.state = folder.path()});
  CHECK(elsewhere(other.runtime.store()->runs({})).at(0).waits_for == "approval of pay");
  Run resumed = other.agent(asking).resume(run.id(), {.run = {.approvals = Approvals::allow}});
  CHECK(elsewhere(resumed.wait()).text == "end");
}

TEST_CASE(
    "a cancellation while an answer goes to the disk leaves a whole conversation, and a replay that is the same") {
  const TempDir folder;
  const Definition definition = with_tools({"echo"});
  std::atomic<int> asked{0};
  std::function<void()> cancel;
  RuntimeOptions options{.state = folder.path()};
  options.on_commit = [&](bool done) {
    if (done || asked == 0 || !cancel) return;
    cancel();
    std::this_thread::sleep_for(milliseconds(50));  // it is heard before the commit is done
  };
  World world(
      [&](const CompletionRequest&) {
        ++asked;
        return calling({calls(0, "a", "echo", R"({"text":"x"})")});
      },
      options);
  Run run = world.agent(definition).session("s").start("go");
  cancel = [&run] { run.cancel("enough"); };
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).ending == Ending::cancelled);
  CHECK(count_of<StepFinished>(events) == 1);
  const auto messages = elsewhere(world.runtime.store()->messages("s"));
  CHECK(messages.size() == 3);
  CHECK(ill_formed(messages).empty());
  Run again = world.agent(definition).replay(recorded(world, run.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("a tool that asks and tells is replayed as it was, its deadline and odd bytes included") {
  const TempDir folder;
  const Definition definition = with_tools({"chatty"});
  World world(
      [](const CompletionRequest& request) {
        return request.messages.size() == 1 ? calling({calls(0, "a", "chatty", "{}")}) : text({"end"});
      },
      {.state = folder.path()},
      [](Registry& registry) {
        const auto chatty = [](ToolContext& context) -> asio::awaitable<std::string> {
          context.progress("caf\xC3");
          co_return co_await context.ask("why?");
        };
        registry.add_tool("chatty", "", chatty, ToolTraits{.repeat = Repeat::replayed, .timeout = milliseconds(50)});
      });
  Run run = world.agent(definition).session("s").start("g\xC3");
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).text == "end");
  CHECK(count_of<ToolProgress>(events) == 1);
  Run again = world.agent(definition).replay(recorded(world, run.id()));
  const auto told = elsewhere(read_all(again));
  CHECK(count_of<ToolProgress>(told) == 1);
  CHECK(outcome_in(told) == outcome_in(events));
}

TEST_CASE("a probe that fails leaves the question to a person") {
  const TempDir folder;
  const auto tools = [](Registry& registry) {
    const auto wait = [](ToolContext& context) -> asio::awaitable<std::string> {
      co_await context.environment().sleep(std::chrono::hours(1));
      co_return "never";
    };
    const auto probe = [](json::object, ToolContext&) -> asio::awaitable<Probed> {
      throw std::runtime_error("no line to the bank");
      co_return Probed{};
    };
    registry.add_tool("probed", "", wait,
                      ToolTraits{.repeat = Repeat::probed, .timeout = milliseconds(0), .probe = probe});
  };
  std::string id;
  {
    World world([](const CompletionRequest&) { return calling({calls(0, "a", "probed", "{}")}); },
                {.state = folder.path()}, tools);
    Run run = world.agent(with_tools({"probed"})).session().start("go");
    id = run.id();
    elsewhere(read_until<ToolStarted>(run));
    while (elsewhere(world.runtime.store()->journal_of(id)).back().kind != "tool") std::this_thread::yield();
    run.suspend();
    elsewhere(run.wait());
  }
  World world(says("end"), {.state = folder.path()}, tools);
  Run run = world.agent(with_tools({"probed"})).resume(id, {.run = {.questions = false}});
  const Outcome outcome = elsewhere(run.wait());
  CHECK(outcome.ending == Ending::suspended);
  CHECK_THAT(outcome.detail, ContainsSubstring("what became of probed"));
}

TEST_CASE("a run that cannot be told as it was stays as it is") {
  const TempDir folder;
  std::string words = "one way";
  const auto planner = [&words](Registry& registry) { add_fickle_planner(registry, words); };
  Definition definition = with_tools({});
  definition.planner = "fickle";
  const std::string id = interrupted(folder, definition, {stalling()}, {}, planner);
  words = "another way";
  World world(says("end"), {.state = folder.path()}, planner);
  Run refused = world.agent(definition).resume(id);
  const Outcome outcome = elsewhere(refused.wait());
  REQUIRE(outcome.error);
  CHECK(outcome.error->code() == errc::diverged);
  CHECK_THAT(outcome.error->message(), ContainsSubstring("another way"));
  CHECK(elsewhere(world.runtime.store()->runs({})).at(0).phase == RunPhase::interrupted);
  Run migrated = world.agent(definition).resume(id, {.migrate = true});
  CHECK(elsewhere(migrated.wait()).text == "end");
}

TEST_CASE("what a fork was told to say is not lost with its program") {
  const TempDir folder;
  const Definition definition = with_tools({});
  std::string id;
  {
    Model model{{text({"one"}), stalling()}};
    World world(model.play(), {.state = folder.path()});
    Run run = world.agent(definition).session().start("go");
    elsewhere(run.wait());
    Run fork = world.agent(definition).fork(recorded(world, run.id()), {.at = 3, .say = "and in French"});
    id = fork.id();
    world.wait_for_stall();
    fork.detach();
  }
  std::string last;
  World world(
      [&](const CompletionRequest& request) {
        last = request.messages.back().text();
        return text({"fin"});
      },
      {.state = folder.path()});
  Run run = world.agent(definition).resume(id);
  CHECK(elsewhere(run.wait()).text == "fin");
  CHECK(last == "and in French");
}
