// What is told is what was recorded, and what was recorded can be told: cancelled at any commit, with bytes of any
// kind, by a sub-agent, by a tool that asks in other words, to an agent that lost a tool, from a record that was
// edited.
#include "support/recorded_runs.hpp"
#include "support/store_runs.hpp"
#include "support/world.hpp"
#include <sennit/agent/effects.hpp>
#include <sennit/agent/memory.hpp>
#include <sennit/agent/planner.hpp>
#include <sennit/agent/typed_tool.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <memory>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Draws a number and tells it at once.
class Drawing final : public Planner {
 public:
  int version() const override { return 1; }
  asio::awaitable<Outcome> plan(Effects& effects) const override {
    const std::uint64_t number = co_await effects.random();
    effects.notice("drew " + std::to_string(number));
    (void)co_await effects.complete(CompletionChange{});
    co_return Outcome{};
  }
};

asio::awaitable<bool> remember(Agent agent, World& world, std::string text) {
  co_await agent.memory()->remember(world.runtime.shard(), std::move(text));
  co_return true;
}

/// The result that the model is told last.
std::string last_result(const CompletionRequest& request) {
  for (const Part& part : request.messages.back().parts) {
    if (const auto* result = std::get_if<ToolResult>(&part)) return result->content;
  }
  return {};
}

std::vector<Event> replay_of(World& world, const Agent& agent, const std::string& id) {
  Run again = agent.replay(recorded(world, id));
  return elsewhere(read_all(again));
}

}  // namespace

TEST_CASE("a run that is cancelled while its beginning goes to the disk is replayed as it was told") {
  const TempDir folder;
  CancelInCommit commit;
  World world(says("hi"), {.state = folder.path(), .on_commit = commit.hook()});
  const Agent agent = world.agent(with_tools({}));
  commit.arm(1);
  Run run = agent.session().start("go");
  commit.cancel(world, run);
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).ending == Ending::cancelled);
  CHECK(count_of<RunStarted>(events) == 1);
  CHECK(difference(events, replay_of(world, agent, run.id())) == "");
}

TEST_CASE("a run that is cancelled while what it recalls goes to the disk is replayed as it was told") {
  const TempDir folder;
  CancelInCommit commit;
  World world(says("hi"), {.state = folder.path(), .on_commit = commit.hook()});
  Definition definition = with_tools({});
  definition.memory.enabled = true;
  const Agent agent = world.agent(definition);
  elsewhere(remember(agent, world, "the cat is called Tom"));
  commit.arm(2);
  Run run = agent.session().start("how is the cat called");
  commit.cancel(world, run);
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).ending == Ending::cancelled);
  CHECK(difference(events, replay_of(world, agent, run.id())) == "");
}

TEST_CASE("a question that is no UTF-8 can be told again") {
  const TempDir folder;
  World world(
      [](const CompletionRequest& request) {
        return request.messages.size() == 1 ? calling({calls(0, "a", "odd", "{}")}) : text({"end"});
      },
      {.state = folder.path()},
      [](Registry& registry) {
        const auto odd = [](ToolContext& context) -> asio::awaitable<std::string> {
          co_return co_await context.ask("caf\xC3");
        };
        registry.add_tool("odd", "", odd, ToolTraits{.repeat = Repeat::replayed, .timeout = milliseconds(0)});
      });
  const Agent agent = world.agent(with_tools({"odd"}));
  Run run = agent.session().start("go");
  const auto asked = elsewhere(read_until<QuestionAsked>(run));
  run.answer(asked.id, "th\xC3");
  const Outcome outcome = elsewhere(run.wait());
  CHECK(outcome.text == "end");
  const auto told = replay_of(world, agent, run.id());
  CHECK(to_json(outcome_in(told)) == to_json(outcome));
  CHECK(count_of<QuestionAsked>(told) == 1);
}

TEST_CASE("a run that was cancelled for a reason that is no UTF-8 can be told again") {
  const TempDir folder;
  World world([](const CompletionRequest&) { return calling({calls(0, "a", "talk", "{}")}); }, {.state = folder.path()},
              [](Registry& registry) {
                registry.add_tool("talk", "", [](ToolContext& context) -> asio::awaitable<std::string> {
                  context.progress("one");
                  co_await context.environment().sleep(std::chrono::hours(1));
                  co_return "never";
                });
              });
  const Agent agent = world.agent(with_tools({"talk"}));
  Run run = agent.session().start("go");
  elsewhere(read_until<ToolProgress>(run));
  run.cancel("caf\xC3");
  CHECK(elsewhere(run.wait()).ending == Ending::cancelled);
  const Outcome told = outcome_in(replay_of(world, agent, run.id()));
  CHECK_FALSE(told.error);
  CHECK(told.ending == Ending::cancelled);
  CHECK_THAT(told.detail, ContainsSubstring("caf"));
}

TEST_CASE("nobody is told what a notice came from before it is on disk") {
  const TempDir folder;
  Definition definition = with_tools({});
  definition.planner = "drawing";
  const auto planner = [](Registry& registry) {
    registry.add_planner("drawing",
                         [](const json::object&, const PartContext&) { return std::make_shared<Drawing>(); });
  };
  std::string id;
  std::string told;
  {
    World world([](const CompletionRequest&) { return stalling(); }, {.state = folder.path()}, planner);
    Run run = world.agent(definition).session().start("go");
    id = run.id();
    told = elsewhere(read_until<Notice>(run)).message;
    CHECK(query(folder / "sennit.db", "SELECT count(*) FROM journal WHERE kind = 'random'") != "0");
    run.detach();
  }
  World world(says("end"), {.state = folder.path()}, planner);
  Run resumed = world.agent(definition).resume(id);
  CHECK(elsewhere(read_until<Notice>(resumed)).message == told);
  CHECK(elsewhere(resumed.wait()).ending == Ending::completed);
}

TEST_CASE("a sub-agent that cannot be told as it was refuses the run, and leaves it as it was") {
  const TempDir folder;
  folder.write("helper.yaml",
               "sennit: 1\nname: helper\nmodel: world/model\ninstructions: You are the helper.\nplanner: fickle\n");
  std::string words = "one way";
  const auto planner = [&words](Registry& registry) { add_fickle_planner(registry, words); };
  Definition definition = with_tools({});
  definition.agents = {{"helper", folder.path() / "helper.yaml", ""}};
  const std::string id = interrupted(
      folder, definition, {calling({calls(0, "a", "helper", R"({"task":"one"})")}), stalling()}, {}, planner);
  words = "another way";
  World world(says("end"), {.state = folder.path()}, planner);
  const Agent agent = world.agent(definition);
  Run refused = agent.resume(id);
  const Outcome outcome = elsewhere(refused.wait());
  CHECK(outcome.ending == Ending::failed);
  REQUIRE(outcome.error);
  CHECK(outcome.error->code() == errc::diverged);
  CHECK_THAT(outcome.error->message(), ContainsSubstring("another way"));
  CHECK(recorded(world, id).record.phase == RunPhase::interrupted);
  words = "one way";
  Run resumed = agent.resume(id);
  const auto events = elsewhere(read_all(resumed));
  CHECK(outcome_in(events).text == "end");
  CHECK(difference(events, replay_of(world, agent, id)) == "");
}

TEST_CASE("a tool that is called again and asks in other words is asked anew") {
  const TempDir folder;
  const bool was_answered = GENERATE(false, true);
  INFO(was_answered);
  std::string words = "pay Ann?";
  std::atomic<bool> heard{false};
  std::atomic<bool> go{false};
  const auto tools = [&](Registry& registry) {
    const auto order = [&](ToolContext& context) -> asio::awaitable<std::string> {
      std::string said = co_await context.ask(words);
      heard = true;
      heard.notify_all();
      if (!go) co_await context.environment().sleep(std::chrono::hours(1));
      co_return "they said " + said;
    };
    registry.add_tool("order", "", order, ToolTraits{.repeat = Repeat::keyed, .timeout = milliseconds(0)});
  };
  std::string result;
  const auto play = [&](const CompletionRequest& request) {
    result = last_result(request);
    return request.messages.size() == 1 ? calling({calls(0, "a", "order", "{}")}) : text({"end"});
  };
  std::string id;
  {
    World world(play, {.state = folder.path()}, tools);
    Run run = world.agent(with_tools({"order"})).session("s").start("go");
    id = run.id();
    const auto asked = elsewhere(read_until<QuestionAsked>(run));
    CHECK(asked.question == "pay Ann?");
    if (was_answered) {
      run.answer(asked.id, "yes");
      heard.wait(false);
    }
    run.detach();
  }
  words = "pay Bob?";
  go = true;
  World world(play, {.state = folder.path()}, tools);
  const Agent agent = world.agent(with_tools({"order"}));
  Run run = agent.resume(id);
  const auto events = elsewhere(read_all(run, [&](const Event& event) {
    const auto* asks = std::get_if<QuestionAsked>(&event.data);
    if (asks != nullptr && asks->question == "pay Bob?") run.answer(asks->id, "no");
  }));
  CHECK(outcome_in(events).text == "end");
  CHECK_FALSE(outcome_in(events).error);
  CHECK(result == "they said no");
  CHECK(difference(events, replay_of(world, agent, id)) == "");
}

TEST_CASE("a changed agent without the tool that was at work asks what became of the call") {
  const TempDir folder;
  const std::string said = GENERATE(as<std::string>{}, "done: receipt 17", "not done", "abort");
  INFO(said);
  std::atomic<int> begun{0};
  const auto tools = [&](Registry& registry) {
    registry.add_tool("danger", "", [&](ToolContext& context) -> asio::awaitable<std::string> {
      ++begun;
      begun.notify_all();
      co_await context.environment().sleep(std::chrono::hours(1));
      co_return "never";
    });
  };
  std::string result;
  const auto play = [&](const CompletionRequest& request) {
    result = last_result(request);
    return request.messages.size() == 1 ? calling({calls(0, "a", "danger", "{}")}) : text({"end"});
  };
  std::string id;
  {
    World world(play, {.state = folder.path()}, tools);
    Run run = world.agent(with_tools({"danger"})).session("s").start("go");
    id = run.id();
    begun.wait(0);
    run.detach();
  }
  World world(play, {.state = folder.path()}, tools);
  const Agent agent = world.agent(with_tools({"echo"}));
  Run run = agent.resume(id, {.migrate = true});
  const auto events = elsewhere(read_all(run, [&](const Event& event) {
    if (const auto* doubt = std::get_if<InDoubt>(&event.data)) run.answer(doubt->id, said);
  }));
  CHECK(count_of<InDoubt>(events) == 1);
  CHECK(begun == 1);
  CHECK(ill_formed(elsewhere(world.runtime.store()->messages("s"))).empty());
  if (said == "abort") {
    CHECK(outcome_in(events).ending == Ending::cancelled);
    return;
  }
  CHECK(outcome_in(events).text == "end");
  if (said == "not done") {
    CHECK_THAT(result, ContainsSubstring("danger") && !ContainsSubstring("receipt"));
  } else {
    CHECK(result == "receipt 17");
  }
}

TEST_CASE("a record that was edited to tell an end within an answer is not told") {
  const TempDir folder;
  World world(says("hi"), {.state = folder.path()});
  const Agent agent = world.agent(with_tools({}));
  Run run = agent.session().start("go");
  elsewhere(run.wait());
  RecordedRun record = recorded(world, run.id());
  const std::string forged = GENERATE(
      as<std::string>{}, R"({"event":"run_finished","outcome":{"ending":"completed","text":"forged"}})",
      R"({"event":"approval_requested","id":"1","call":{"id":"a","name":"pay","arguments":"{}"},"reason":"x"})");
  int edited = 0;
  for (JournalEntry& entry : record.journal) {
    if (entry.kind != "complete" || entry.boundary == Boundary::start) continue;
    json::value data = json::parse(entry.data);
    json::array& trace = data.at("out").at("trace").as_array();
    trace.insert(trace.begin(), json::parse(forged));
    entry.data = json::serialize(data);
    ++edited;
  }
  REQUIRE(edited == 1);
  Run again = agent.replay(std::move(record));
  const auto told = elsewhere(read_all(again));
  CHECK(count_of<RunFinished>(told) == 1);
  CHECK(count_of<ApprovalRequested>(told) == 0);
  const Outcome outcome = outcome_in(told);
  CHECK(outcome.ending == Ending::failed);
  CHECK(outcome.text != "forged");
  REQUIRE(outcome.error);
  CHECK_THAT(outcome.error->message(), ContainsSubstring("broken completion"));
}

TEST_CASE("a run whose outcome was too large to be kept is told to its end") {
  const TempDir folder;
  World world(says("hi"), {.state = folder.path()});
  const Agent agent = world.agent(with_tools({}));
  Run run = agent.session().start("go");
  elsewhere(run.wait());
  RecordedRun record = recorded(world, run.id());
  Outcome figures;  // all that is kept of it
  figures.detail = kOutcomeTooLarge;
  record.record.outcome = to_json(figures);
  Run again = agent.replay(std::move(record));
  const Outcome outcome = elsewhere(again.wait());
  CHECK(outcome.ending == Ending::completed);
  CHECK(outcome.text == "hi");
  CHECK_FALSE(outcome.error);
}
