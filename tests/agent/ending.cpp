// A run's end reaches the disk whole. What a crash around it leaves goes on like any other run, also where an older
// program wrote less than all of it; a run that is refused, or whose write failed, is there for who comes next.
#include "support/recorded_runs.hpp"
#include "support/store_runs.hpp"
#include "support/world.hpp"
#include <sennit/agent/effects.hpp>
#include <sennit/agent/planner.hpp>
#include <sennit/agent/typed_tool.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace sennit;
using namespace sennit::testing;

namespace {

/// What a program that is killed just before its run's end is on disk leaves.
void forget_end(const TempDir& folder) {
  meddle(folder / "sennit.db",
         "DELETE FROM journal WHERE effect = 'end'; UPDATE runs SET ended = NULL, outcome = NULL");
}

/// The run's record did not get as far as its journal.
void forget_outcome(const TempDir& folder) {
  meddle(folder / "sennit.db", "UPDATE runs SET ended = NULL, outcome = NULL");
}

/// Tells the person something once the calls are done.
class Noticing final : public Planner {
 public:
  int version() const override { return 1; }
  asio::awaitable<Outcome> plan(Effects& effects) const override {
    const Completion completion = co_await effects.complete(CompletionChange{});
    std::vector<ToolCall> calls;
    for (const ToolCall* call : completion.message.tool_calls()) calls.push_back(*call);
    co_await effects.call_tools(std::move(calls));
    effects.notice("all called");
    co_return Outcome{};
  }
};

/// Says `words`, whatever they are by then, and asks the person.
class Asking final : public Planner {
 public:
  explicit Asking(const std::string& words) : words_(words) {}
  int version() const override { return 1; }
  asio::awaitable<Outcome> plan(Effects& effects) const override {
    co_await effects.say(user_message(words_));
    Outcome outcome;
    outcome.text = co_await effects.ask("why?");
    co_return outcome;
  }

 private:
  const std::string& words_;
};

/// A tool that waits for its end in the first program, and gives something in the next.
class Waiting {
 public:
  void add_to(Registry& registry) {
    const auto wait = [this](ToolContext& context) -> asio::awaitable<std::string> {
      ++begun_;
      begun_.notify_all();
      if (!go_) co_await context.environment().sleep(std::chrono::hours(1));
      co_return "whole";
    };
    registry.add_tool("wait", "", wait, ToolTraits{.repeat = Repeat::idempotent, .timeout = milliseconds(0)});
  }
  void wait_until_begun() const { begun_.wait(0); }
  void let_go() { go_ = true; }

 private:
  std::atomic<int> begun_{0};
  std::atomic<bool> go_{false};
};

/// How many runs have ended according to their journals, and how many according to their records.
std::string ends(const TempDir& folder) {
  return query(folder / "sennit.db",
               "SELECT (SELECT count(DISTINCT run) FROM journal WHERE effect = 'end') || ' of ' ||"
               " (SELECT count(*) FROM runs WHERE ended IS NOT NULL)");
}

}  // namespace

TEST_CASE("what is queued together reaches the disk together, or not at all") {
  TestEnvironment env;
  const TempDir folder;
  Store store(folder.path());
  const OpenedRun opened = begin(env, store, "r1", "s");
  const OpenedRun other = begin(env, store, "r2", "t");
  run(env, other.log->committed());
  const auto on_disk = [&] {
    return query(folder / "sennit.db",
                 "SELECT (SELECT count(*) FROM messages) || ' ' ||"
                 " (SELECT count(*) FROM journal) || ' ' ||"
                 " (SELECT count(*) FROM runs WHERE ended IS NOT NULL)");
  };
  const auto begin_end = [&] {
    opened.log->add_message(user_message("the last words"), 0);
    opened.log->append(start_entry("end", "end"));
    run(env, other.log->committed());  // another run's commit comes between
    CHECK(on_disk() == "0 0 0");
  };
  CHECK(error_of([&] {
          opened.log->together([&] {
            begin_end();
            throw Error(errc::too_large, "too long to be kept");
          });
        }).code() == errc::too_large);
  run(env, opened.log->committed());
  CHECK(on_disk() == "0 0 0");
  opened.log->together([&] {
    begin_end();
    opened.log->end({}, {}, 1);
  });
  run(env, other.log->committed());
  CHECK(on_disk() == "1 1 1");
}

TEST_CASE("a run that is killed before its end is on disk ends again, and is replayed as it was told") {
  const TempDir folder;
  Definition definition = with_tools({"echo"});
  definition.planner = "noticing";
  World world([](const CompletionRequest&) { return calling({calls(0, "a", "echo", R"({"text":"x"})")}); },
              {.state = folder.path()},
              [](Registry& registry) {
                registry.add_planner(
                    "noticing", [](const json::object&, const PartContext&) { return std::make_shared<Noticing>(); });
              });
  const Agent agent = world.agent(definition);
  Run run = agent.session().start("go");
  CHECK(count_of<Notice>(elsewhere(read_all(run))) == 1);
  forget_end(folder);
  Run resumed = agent.resume(run.id());
  const auto events = elsewhere(read_all(resumed));
  CHECK(outcome_in(events).ending == Ending::completed);
  CHECK(count_of<Notice>(events) == 1);
  CHECK(count_of<ToolFinished>(events) == 1);
  Run again = agent.replay(recorded(world, run.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("an answer that was cancelled is asked for again where the run's record says nothing of its end") {
  const TempDir folder;
  std::atomic<int> asked{0};
  World world(
      [&](const CompletionRequest&) { return ++asked == 1 ? Turn{{TextDelta{"half"}}, true} : text({"whole"}); },
      {.state = folder.path()});
  const Agent agent = world.agent(with_tools({}));
  Run run = agent.session("s").start("go");
  world.wait_for_stall();
  run.cancel("enough");
  CHECK(elsewhere(run.wait()).ending == Ending::cancelled);
  SECTION("with an end in its journal") {
    forget_outcome(folder);
  }
  SECTION("with none") {
    forget_end(folder);
  }
  Run resumed = agent.resume(run.id());
  const auto events = elsewhere(read_all(resumed));
  CHECK(outcome_in(events).ending == Ending::completed);
  CHECK(outcome_in(events).text == "whole");
  CHECK(asked == 2);
  CHECK(ends(folder) == "1 of 1");
  const auto messages = elsewhere(world.runtime.store()->messages("s"));
  CHECK(ill_formed(messages).empty());
  CHECK(messages.size() == 2);
  CHECK(messages.back().text() == "whole");
  Run again = agent.replay(recorded(world, run.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("a call that was cancelled is made again where the run's record says nothing of its end") {
  const TempDir folder;
  Waiting waiting;
  World world(
      [](const CompletionRequest& request) {
        return request.messages.size() == 1 ? calling({calls(0, "a", "wait", "{}")}) : text({"end"});
      },
      {.state = folder.path()}, [&](Registry& registry) { waiting.add_to(registry); });
  const Agent agent = world.agent(with_tools({"wait"}));
  Run run = agent.session("s").start("go");
  waiting.wait_until_begun();
  run.cancel("enough");
  CHECK(elsewhere(run.wait()).ending == Ending::cancelled);
  waiting.let_go();
  SECTION("with an end in its journal") {
    forget_outcome(folder);
  }
  SECTION("with none") {
    forget_end(folder);
  }
  Run resumed = agent.resume(run.id());
  const auto events = elsewhere(read_all(resumed));
  CHECK(outcome_in(events).ending == Ending::completed);
  CHECK(outcome_in(events).text == "end");
  CHECK(recorded(world, run.id()).record.phase == RunPhase::ended);
  const auto messages = elsewhere(world.runtime.store()->messages("s"));
  CHECK(ill_formed(messages).empty());
  REQUIRE(messages.size() == 4);
  CHECK(std::get<ToolResult>(messages[2].parts[0]).content == "whole");
  Run again = agent.replay(recorded(world, run.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("what closed a conversation before a crash is not left behind its new end") {
  const TempDir folder;
  Waiting waiting;
  Definition definition = with_tools({"wait"});
  definition.limits.parallel_tool_calls = 1;
  World world(
      [](const CompletionRequest& request) {
        if (request.messages.size() > 1) return text({"end"});
        return calling({calls(0, "a", "wait", "{}"), calls(1, "b", "wait", "{}"), calls(2, "c", "wait", "{}")});
      },
      {.state = folder.path()}, [&](Registry& registry) { waiting.add_to(registry); });
  const Agent agent = world.agent(definition);
  Run run = agent.session("s").start("go");
  waiting.wait_until_begun();
  run.cancel("enough");
  elsewhere(run.wait());
  CHECK(elsewhere(world.runtime.store()->messages("s")).size() == 5);
  forget_end(folder);
  SECTION("the calls are made") {
    waiting.let_go();
    Run resumed = agent.resume(run.id());
    const auto events = elsewhere(read_all(resumed));
    CHECK(outcome_in(events).text == "end");
    CHECK(elsewhere(world.runtime.store()->messages("s")).size() == 6);
  }
  SECTION("it is cancelled at once") {
    Run resumed = agent.resume(run.id());
    resumed.cancel("never mind");
    CHECK(elsewhere(resumed.wait()).ending == Ending::cancelled);
  }
  const auto messages = elsewhere(world.runtime.store()->messages("s"));
  CHECK(ill_formed(messages).empty());
  CHECK(ends(folder) == "1 of 1");
}

TEST_CASE("a run whose write failed can be taken up once it has ended, and so can its session") {
  const TempDir folder;
  World world(says("hi"), {.state = folder.path()});
  const Agent agent = world.agent(with_tools({}));
  elsewhere(agent.session("other").start("go").wait());
  meddle(folder / "sennit.db",
         "CREATE TRIGGER refuse BEFORE INSERT ON journal WHEN NEW.kind = 'complete'"
         " BEGIN SELECT RAISE(ABORT, 'no'); END");
  Run run = agent.session("s").start("go");
  const Outcome failed = elsewhere(run.wait());
  REQUIRE(failed.error);
  CHECK(failed.error->code() == errc::storage);
  meddle(folder / "sennit.db", "DROP TRIGGER refuse");
  SECTION("here") {
    Run resumed = agent.resume(run.id());
    CHECK(elsewhere(resumed.wait()).text == "hi");
    Run next = agent.session("s").start("again");
    CHECK(elsewhere(next.wait()).text == "hi");
  }
  SECTION("in another program") {
    World theirs(says("theirs"), {.state = folder.path()});
    // A thread of its own gives the lease back, for who waits a moment.
    Run next = theirs.agent(with_tools({})).session("s").start("again", {.wait_for_session = milliseconds(20'000)});
    CHECK(elsewhere(next.wait()).text == "theirs");
  }
}

TEST_CASE("a run that is refused waits for what it waited for, however often") {
  const TempDir folder;
  std::string words = "one way";
  Definition definition = with_tools({});
  definition.planner = "asking";
  World world(says("unused"), {.state = folder.path()}, [&words](Registry& registry) {
    registry.add_planner("asking",
                         [&words](const json::object&, const PartContext&) { return std::make_shared<Asking>(words); });
  });
  Run run = world.agent(definition).session("s").start("go", {.approvals = Approvals::suspend});
  CHECK(elsewhere(run.wait()).ending == Ending::suspended);
  const auto resumed = [&](Approvals approvals) {
    return world.agent(definition).resume(run.id(), {.run = {.approvals = approvals}});
  };
  const RunRecord before = recorded(world, run.id()).record;
  REQUIRE(before.phase == RunPhase::waiting);
  REQUIRE(before.waits_for == "an answer");
  errc expected = errc::diverged;
  SECTION("by an agent that is told something else") {
    definition.instructions = "Another.";
  }
  SECTION("by an agent that works in another way") {
    words = "another way";
  }
  SECTION("as its journal cannot be read") {
    meddle(folder / "sennit.db", "UPDATE journal SET data = '{' || data WHERE effect = '2'");
    expected = errc::storage;
  }
  for (int i = 0; i < 5; ++i) {
    Run refused = resumed(Approvals::suspend);
    const Outcome outcome = elsewhere(refused.wait());
    REQUIRE(outcome.error);
    CHECK(outcome.error->code() == expected);
    const RunRecord after = recorded(world, run.id()).record;
    CHECK(after.phase == RunPhase::waiting);
    CHECK(after.waits_for == before.waits_for);
    CHECK(after.attempts == before.attempts);
  }
  definition.instructions = with_tools({}).instructions;
  words = "one way";
  meddle(folder / "sennit.db", "UPDATE journal SET data = '{' || ltrim(data, '{') WHERE effect = '2'");
  Run own = resumed(Approvals::ask);
  own.answer(elsewhere(read_until<QuestionAsked>(own)).id, "because");
  CHECK(elsewhere(own.wait()).text == "because");
}

TEST_CASE("to undo after a run that was suspended takes back the exchange before it, once") {
  const TempDir folder;
  World world([](const CompletionRequest& request) { return request.messages.size() > 2 ? stalling() : text({"hi"}); },
              {.state = folder.path()});
  Session session = world.agent(with_tools({})).session();
  elsewhere(session.start("one").wait());
  Run second = session.start("two");
  world.wait_for_stall();
  second.suspend("later");
  CHECK(elsewhere(second.wait()).ending == Ending::suspended);
  CHECK(elsewhere(session.messages()).size() == 2);
  CHECK(elsewhere(session.undo()));
  CHECK(elsewhere(session.messages()).empty());
  CHECK_FALSE(elsewhere(session.undo()));
}
