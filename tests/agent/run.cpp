// Runs from a caller's side: borrowed loops and own threads, reading slowly, cancelling, dropping, shutting down.
#include "support/test_tools.hpp"
#include "support/transcript_model.hpp"
#include <sennit/agent/agent.hpp>
#include <sennit/agent/store.hpp>
#include <sennit/plugins/builtin.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch_test_macros.hpp>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

using namespace sennit;
using namespace sennit::testing;

namespace {

/// A runtime whose agent `main` plays the turns it is given.
class World {
 public:
  explicit World(RuntimeOptions options = {}) : runtime(registry(), std::move(options)) {}

  void turn(std::vector<std::string> lines) { turns->by_agent[""].push_back({"model", "", 0, std::move(lines)}); }

  Agent agent(Definition definition = {}) {
    definition.name = "main";
    definition.model.name = "transcript/model";
    return Agent(runtime, std::move(definition));
  }

  std::shared_ptr<TranscriptTurns> turns = std::make_shared<TranscriptTurns>();
  std::atomic<bool> stalled{false};
  Runtime runtime;

 private:
  Registry registry() {
    turns->main_agent = "main";
    turns->on_stall = [this] { stalled = true; };
    Registry registry = builtin();
    registry.add_backend("transcript", transcript_backend(turns));
    add_test_tools(registry);
    return registry;
  }
};

asio::awaitable<std::vector<Event>> read_all(Run& run) {
  std::vector<Event> all;
  while (auto events = co_await run.next()) all.insert(all.end(), events->begin(), events->end());
  co_return all;
}

template <class T>
T on_loop(asio::io_context& loop, asio::awaitable<T> work) {
  auto future = asio::co_spawn(loop, std::move(work), asio::use_future);
  loop.restart();
  loop.run();
  return future.get();
}

template <class T>
T elsewhere(asio::awaitable<T> work) {
  static asio::io_context loop(1);  // outlives the runtimes whose threads post to it
  return on_loop(loop, std::move(work));
}

std::string text_of(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) {
    if (const auto* delta = std::get_if<TextDelta>(&event.data)) text += delta->text;
  }
  return text;
}

struct TemporaryFolder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("sennit-run-" + std::to_string(getpid()));
  TemporaryFolder() { std::filesystem::remove_all(path); }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("a run on a borrowed loop ends in exactly one terminal event, the last") {
  asio::io_context loop(1);
  World world({.executor = loop.get_executor()});
  world.turn({"text one ", "text two"});
  Run run = world.agent().session().start("go");
  const auto events = on_loop(loop, read_all(run));
  REQUIRE(!events.empty());
  CHECK(std::holds_alternative<RunStarted>(events.front().data));
  CHECK(std::holds_alternative<RunFinished>(events.back().data));
  CHECK(std::count_if(events.begin(), events.end(),
                      [](const Event& e) { return std::holds_alternative<RunFinished>(e.data); }) == 1);
  CHECK(text_of(events) == "one two");
  CHECK(run.outcome().ending == Ending::completed);
  CHECK(run.outcome().steps == 1);
}

TEST_CASE("notes that cannot be read are told of, and the run goes on without them") {
  class BrokenMemory final : public Memory {
   public:
    asio::awaitable<std::int64_t> remember(Environment&, std::string, Labels) override { throw broken(); }
    asio::awaitable<std::vector<Note>> recall(Environment&, std::string, std::size_t) override { throw broken(); }
    asio::awaitable<bool> forget(Environment&, std::int64_t) override { throw broken(); }

   private:
    static Error broken() { return {errc::storage, "the file is no database"}; }
  };
  asio::io_context loop(1);
  World world({.executor = loop.get_executor()});
  world.runtime.registry().add_memory(
      "broken", [](const MemorySettings&, const PartContext&) { return std::make_shared<BrokenMemory>(); });
  world.turn({"text ok"});
  Definition definition;
  definition.memory.enabled = true;
  definition.memory.kind = "broken";
  Run run = world.agent(definition).session().start("go");
  const auto events = on_loop(loop, read_all(run));
  CHECK(run.outcome().ending == Ending::completed);
  CHECK(std::any_of(events.begin(), events.end(), [](const Event& event) {
    const auto* notice = std::get_if<Notice>(&event.data);
    return notice != nullptr && notice->message == "nothing is recalled: the file is no database";
  }));
}

TEST_CASE("a run on the runtime's own threads is read from another loop") {
  World world({.threads = 2});
  for (int i = 0; i < 8; ++i) world.turn({"text hello", "call echo {\"text\":\"x\"}"});
  world.turn({"text bye"});
  Definition definition;
  definition.tools = {{"echo", {}}};
  definition.limits.repeats = 0;
  Run run = world.agent(definition).session().start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(run.outcome().ending == Ending::completed);
  CHECK(run.outcome().tool_calls == 8);
  CHECK(text_of(events) == "hellohellohellohellohellohellohellohellobye");
}

TEST_CASE("wait() drops the events and gives the outcome") {
  World world;
  world.turn({"text fine", "usage 10 2"});
  Run run = world.agent().session().start("go");
  const Outcome outcome = elsewhere(run.wait());
  CHECK(outcome.text == "fine");
  CHECK(outcome.usage.input == 10);
  CHECK(outcome.usage.output == 2);
}

TEST_CASE("cancel() ends a stalled run with its reason and what was written") {
  World world;
  world.turn({"text half", "stall"});
  Run run = world.agent().session().start("go");
  while (!world.stalled) std::this_thread::yield();
  run.cancel("the person left");
  run.cancel("a second reason does not count");
  const Outcome outcome = elsewhere(run.wait());
  CHECK(outcome.ending == Ending::cancelled);
  CHECK(outcome.detail == "the person left");
  CHECK(outcome.text == "half");
}

TEST_CASE("a run that is cancelled before it begins ends as cancelled") {
  asio::io_context loop(1);
  World world({.executor = loop.get_executor()});
  world.turn({"stall"});
  Run run = world.agent().session().start("go");
  run.cancel("at once");
  const Outcome outcome = on_loop(loop, run.wait());
  CHECK(outcome.ending == Ending::cancelled);
  CHECK(outcome.detail == "at once");
}

TEST_CASE("dropping the handle cancels the run, and the runtime waits for its end") {
  World world;
  world.turn({"stall"});
  {
    Run run = world.agent().session().start("go");
    while (!world.stalled) std::this_thread::yield();
  }
  elsewhere([](Runtime& runtime) -> asio::awaitable<int> {
    co_await runtime.shutdown(std::chrono::seconds(10));
    co_return 0;
  }(world.runtime));
}

TEST_CASE("cancelling the coroutine that reads and owns a run stops the run") {
  World world;
  world.turn({"stall"});
  asio::io_context loop(1);
  const auto reader = [](Run run) -> asio::awaitable<std::size_t> {
    const auto events = co_await read_all(run);
    co_return events.size();
  };
  asio::cancellation_signal stop;
  bool ended = false;
  auto reading = reader(world.agent().session().start("go"));
  asio::co_spawn(
      loop, std::move(reading),
      asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr error, auto) { ended = error != nullptr; }));
  while (!world.stalled) loop.poll();
  stop.emit(asio::cancellation_type::terminal);
  while (!ended) loop.run_one();
  elsewhere([](Runtime& runtime) -> asio::awaitable<int> {
    co_await runtime.shutdown(std::chrono::seconds(10));
    co_return 0;
  }(world.runtime));
}

TEST_CASE("shutdown refuses new runs and cancels the ones that do not end in time") {
  World world;
  world.turn({"stall"});
  Agent agent = world.agent();
  Run run = agent.session().start("go");
  while (!world.stalled) std::this_thread::yield();
  elsewhere([](Runtime& runtime) -> asio::awaitable<int> {
    co_await runtime.shutdown(std::chrono::milliseconds(1));
    co_return 0;
  }(world.runtime));
  CHECK(elsewhere(run.wait()).detail == "shutdown");
  Run late = agent.session().start("go");
  const Outcome refused = elsewhere(late.wait());
  CHECK(refused.ending == Ending::failed);
  CHECK(refused.error->code() == errc::busy);
}

TEST_CASE("a session has one run at a time; a second one is refused and the first goes on") {
  const TemporaryFolder folder;
  World world({.state = folder.path});
  world.turn({"stall"});
  Agent agent = world.agent();
  Run first = agent.session("shared").start("go");
  while (!world.stalled) std::this_thread::yield();
  Run second = agent.session("shared").start("go");
  const Outcome refused = elsewhere(second.wait());
  CHECK(refused.ending == Ending::failed);
  REQUIRE(refused.error);
  CHECK(refused.error->code() == errc::busy);
  CHECK(refused.error->retryable());
  first.cancel("enough");
  CHECK(elsewhere(first.wait()).ending == Ending::cancelled);
  world.turn({"text now"});
  Run third = agent.session("shared").start("again");
  CHECK(elsewhere(third.wait()).text == "now");
}

TEST_CASE("a slow reader gets merged deltas, bounded memory and all of the text") {
  World world;
  std::vector<std::string> lines;
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    lines.push_back("text " + std::to_string(i) + ",");
    expected += std::to_string(i) + ",";
  }
  world.turn(lines);
  Run run = world.agent().session().start("go", {.event_buffer = 4096});
  asio::io_context loop(1);
  std::size_t largest = 0;
  const auto slow_reader = [](Run& reader, std::size_t& batch) -> asio::awaitable<std::string> {
    std::string text;
    while (auto events = co_await reader.next()) {
      std::vector<Event> copy(events->begin(), events->end());
      std::size_t bytes = 0;
      for (const Event& event : copy) {
        if (const auto* delta = std::get_if<TextDelta>(&event.data)) bytes += delta->text.size();
      }
      batch = std::max(batch, bytes);
      text += text_of(copy);
      std::this_thread::sleep_for(std::chrono::microseconds(50));  // slow on purpose
    }
    co_return text;
  };
  CHECK(on_loop(loop, slow_reader(run, largest)) == expected);
  CHECK(largest < 16'384);
}

TEST_CASE("a kept session goes on in another runtime; undo takes the last exchange back") {
  const TemporaryFolder folder;
  {
    World world({.state = folder.path});
    world.turn({"text first"});
    Run run = world.agent().session("s").start("one");
    CHECK(elsewhere(run.wait()).text == "first");
  }
  World world({.state = folder.path});
  world.turn({"text second"});
  Session session = world.agent().session("s");
  Run run = session.start("two");
  CHECK(elsewhere(run.wait()).text == "second");
  CHECK(world.turns->requests == std::vector<std::string>{"3 messages"});
  CHECK(elsewhere(session.messages()).size() == 4);
  CHECK(elsewhere(session.undo()));
  CHECK(elsewhere(session.messages()).size() == 2);
  CHECK(elsewhere(session.undo()));
  CHECK_FALSE(elsewhere(session.undo()));
}

TEST_CASE("an unkept session remembers within its object, and undo works there as well") {
  World world;
  world.turn({"text first"});
  world.turn({"text second"});
  Session session = world.agent().session();
  Run one = session.start("one");
  elsewhere(one.wait());
  Run two = session.start("two");
  elsewhere(two.wait());
  CHECK(world.turns->requests.back() == "3 messages");
  CHECK(elsewhere(session.undo()));
  CHECK(elsewhere(session.messages()).size() == 2);
}

TEST_CASE("the journal holds each effect's two boundaries under its place") {
  const TemporaryFolder folder;
  World world({.state = folder.path});
  world.turn({"call#a echo {\"text\":\"x\"}", "call#b echo {\"text\":\"y\"}"});
  world.turn({"text done"});
  Definition definition;
  definition.tools = {{"echo", {}}};
  Run run = world.agent(definition).session("s").start("go");
  elsewhere(run.wait());
  const auto entries = elsewhere(world.runtime.store()->journal_of(run.id()));
  std::vector<std::string> lines;
  for (const JournalEntry& entry : entries)
    lines.push_back(entry.effect + " " + std::string(to_string(entry.boundary)) + " " + entry.kind);
  std::sort(lines.begin(), lines.end());  // what ran side by side may end in any order
  CHECK(lines == std::vector<std::string>{"1 whole start", "2 whole say", "3 end complete", "3 start complete",
                                          "4.1 end tool", "4.1 start tool", "4.2 end tool", "4.2 start tool",
                                          "5 end complete", "5 start complete", "end whole end"});
  const auto runs = elsewhere(world.runtime.store()->runs({.session = "s"}));
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].ended);
  CHECK(find_string(runs[0].outcome, "ending") == "completed");
}

TEST_CASE("inputs fill the instructions and are checked") {
  World world;
  Definition definition;
  definition.instructions = "Speak {language}.";
  definition.inputs = {{"language", "string", "", true, nullptr}};
  Agent agent = world.agent(definition);
  Run without = agent.session().start("go");
  const Outcome missing = elsewhere(without.wait());
  CHECK(missing.ending == Ending::failed);
  CHECK(missing.detail == "the input 'language' is required");
  Run wrong = agent.session().start("go", {.inputs = {{"langage", "x"}}});
  CHECK(elsewhere(wrong.wait()).detail == "the agent has no input 'langage'");
}
