// The runtime's life: many threads, runs that outlive their reader, and every order of going away.
#include "support/http_server.hpp"
#include "support/world.hpp"
#include <sennit/agent/io/http.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <semaphore>
#include <thread>
#include <vector>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define SENNIT_LEAKS_ARE_FOUND 1
#endif
#endif

using namespace sennit;
using namespace sennit::testing;

namespace {

Play echoes_once() {
  return [](const CompletionRequest& request) {
    if (request.messages.back().role == Role::tool) return Turn{{TextDelta{"done"}}};
    return Turn{{TextDelta{"calling "}, calls(0, "c1", "echo", R"({"text":"x"})")}};
  };
}

Definition with_echo() {
  Definition definition;
  definition.tools = {{"echo", {}}};
  return definition;
}

#if defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

/// For a loop that is destroyed with a planner suspended on it: Asio leaves that coroutine in memory.
struct LeakExpected {
#if SENNIT_LEAKS_ARE_FOUND
  LeakExpected() { __lsan_disable(); }
  ~LeakExpected() { __lsan_enable(); }
  LeakExpected(const LeakExpected&) = delete;
  LeakExpected& operator=(const LeakExpected&) = delete;
#endif
};

Turn stall() {
  return {{TextDelta{"half"}}, true};
}

}  // namespace

TEST_CASE("four threads with a hundred runs each, all journalled, lose nothing") {
  constexpr int kRuns = 100;
  const TempDir folder;
  std::array<asio::io_context, 4> loops;  // they outlive the runtime, whose threads post to them
  World world(echoes_once(), {.threads = 4, .state = folder.path()});
  const Agent agent = world.agent(with_echo());
  std::atomic<int> completed{0};
  std::vector<std::jthread> callers;
  for (std::size_t caller = 0; caller < loops.size(); ++caller) {
    callers.emplace_back([&, caller] {
      const auto keep = asio::make_work_guard(loops.at(caller));
      for (int i = 0; i < kRuns; ++i) {
        Session session = agent.session(std::to_string(caller) + "-" + std::to_string(i));
        Run run = session.start("go");
        const Outcome outcome = on_loop(loops.at(caller), run.wait());
        if (outcome.ending == Ending::completed && outcome.tool_calls == 1 && outcome.text == "done") ++completed;
      }
    });
  }
  callers.clear();
  CHECK(completed == 4 * kRuns);
  CHECK(on_loop(loops[0], world.runtime.store()->sessions(1000)).size() == 4U * kRuns);
}

TEST_CASE("a borrowed loop goes before its runtime, or after it, with a run at work") {
  [[maybe_unused]] const LeakExpected leak;
  const TempDir folder;
  auto loop = std::make_unique<asio::io_context>(1);
  auto world = std::make_unique<World>([](const CompletionRequest&) { return stall(); },
                                       RuntimeOptions{.executor = loop->get_executor(), .state = folder.path()});
  std::optional<Run> run(world->agent().session("s").start("go"));
  on_loop(*loop, read_until<TextDelta>(*run));
  SECTION("shut down first, as it should be") {
    CHECK(on_loop(*loop, shut_down(world->runtime, milliseconds{0})));
    CHECK(on_loop(*loop, run->wait()).detail == "shutdown");
    run.reset();
    world.reset();
    loop.reset();
  }
  SECTION("the run's handle first, then the runtime") {
    run.reset();
    on_loop(*loop, shut_down(world->runtime, milliseconds{0}));
    world.reset();
    loop.reset();
  }
  SECTION("the runtime first, and the loop goes on") {
    world.reset();
    const Outcome outcome = on_loop(*loop, run->wait());
    CHECK(outcome.ending == Ending::suspended);
    CHECK(outcome.detail == "shutdown");
    CHECK(outcome.text == "half");
    run.reset();
    loop->restart();
    loop->run();  // nothing of the runtime keeps it busy
    TestEnvironment env;
    Store store(folder.path());
    CHECK(ill_formed(testing::run(env, store.messages("s"))).empty());
    CHECK(testing::run(env, store.runs({.session = "s"})).at(0).phase == RunPhase::interrupted);
  }
  SECTION("the runtime first, then the loop, which never turns again") {
    world.reset();
    loop.reset();
    CHECK(elsewhere(run->wait()).ending == Ending::cancelled);
  }
  SECTION("the loop first, then the runtime") {
    loop.reset();
    CHECK(elsewhere(run->wait()).ending == Ending::cancelled);
    run->cancel("too late");
    world.reset();
  }
  SECTION("the loop first, then the handle of the run, and the session is free") {
    loop.reset();
    run.reset();
    World next(says("mine now"), {.state = folder.path()});
    Run taken = next.agent().session("s").start("again");
    CHECK(elsewhere(taken.wait()).text == "mine now");
  }
  SECTION("all at once, the handle last") {
    world.reset();
    loop.reset();
    run.reset();
  }
}

TEST_CASE("a borrowed loop goes while a run waits for the store, the pool or a tool") {
  [[maybe_unused]] const LeakExpected leak;  // a planner that waits for a tool cannot be reached without the loop
  const TempDir folder;
  for (int turns = 0; turns < 40; ++turns) {
    auto loop = std::make_unique<asio::io_context>(1);
    World world(echoes_once(), {.executor = loop->get_executor(), .state = folder.path()});
    Run run = world.agent(with_echo()).session("s").start("go");
    for (int i = 0; i < turns; ++i) loop->run_one_for(std::chrono::milliseconds(1));
    loop.reset();
    const Outcome outcome = elsewhere(run.wait());
    const Ending ending = outcome.ending;
    CAPTURE(turns, outcome.detail);
    CHECK((ending == Ending::cancelled || ending == Ending::completed));
  }
}

TEST_CASE("a borrowed loop with open connections goes before its runtime") {
  HttpServer server(Reply::sse({"one", "two"}).stall_after(15));
  auto loop = std::make_unique<asio::io_context>(1);
  World world(says("x"), {.executor = loop->get_executor()});
  const auto open = [](Environment& environment, std::string url) -> asio::awaitable<std::unique_ptr<http::Response>> {
    http::Request request;
    request.url = std::move(url);
    co_return co_await environment.http().send(std::move(request));
  };
  const auto response = on_loop(*loop, open(world.runtime.shard(), server.url()));
  CHECK(response->status() == 200);
  loop.reset();
}

TEST_CASE("a runtime that goes brings the last events to readers on another loop") {
  constexpr int kRuntimes = 200;
  asio::io_context loop(1);  // outlives the runtimes
  std::atomic<int> finished{0};
  std::counting_semaphore<> ended{0};
  const auto reader = [](Run run, std::atomic<int>& count) -> asio::awaitable<void> {
    const std::vector<Event> events = co_await read_all(run);
    if (std::holds_alternative<RunFinished>(events.back().data)) ++count;
  };
  {
    const auto keep = asio::make_work_guard(loop);
    std::jthread thread([&loop] { loop.run(); });
    for (int i = 0; i < kRuntimes; ++i) {
      World world(says("hello"), {.threads = 1});
      auto reading = reader(world.agent().session().start("go"), finished);
      asio::co_spawn(loop, std::move(reading), [&ended](const std::exception_ptr&) { ended.release(); });
      for (int spin = 0; spin < i * 100; ++spin) (void)finished.load();  // at another moment of the run each time
    }
    for (int i = 0; i < kRuntimes && ended.try_acquire_for(kPatience); ++i) {
    }
    loop.stop();
  }
  CHECK(finished == kRuntimes);
}

TEST_CASE("a loop that cannot start is an error of the runtime, and those that have started end") {
  if (kSanitized) SKIP("NOT RUN: a sanitizer needs more addresses than the test leaves");
  // In a child, because the bound is the whole process's.
  const pid_t child = fork();
  if (child == 0) {
    constexpr rlimit kFewStacks{512U << 20U, 512U << 20U};
    setrlimit(RLIMIT_AS, &kFewStacks);
    const Error error = error_of([] { World world(says("x"), {.threads = 1'000}); });
    _exit(error.code() == errc::io && error.message().find("of 1000") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a run goes on without a reader, up to its buffer") {
  World world(echoes_once(), {.threads = 1});
  Run run = world.agent(with_echo()).session().start("go");
  while (run.id().empty()) std::this_thread::yield();
  CHECK(elsewhere(shut_down(world.runtime, std::chrono::seconds(30))));
  CHECK(elsewhere(run.wait()).ending == Ending::completed);
}

TEST_CASE("the handle of a run that has ended outlives its runtime, and what came can still be read") {
  std::optional<Run> run;
  SECTION("on the runtime's thread") {
    World world(echoes_once(), {.threads = 1});
    run.emplace(world.agent(with_echo()).session().start("go"));
    CHECK(elsewhere(shut_down(world.runtime, std::chrono::seconds(30))));
  }
  SECTION("on a borrowed loop") {
    asio::io_context loop(1);
    World world(echoes_once(), {.executor = loop.get_executor()});
    run.emplace(world.agent(with_echo()).session().start("go"));
    CHECK(on_loop(loop, shut_down(world.runtime, std::chrono::seconds(30))));
  }
  run->cancel("too late");
  run->approve("a1", Approval::once);
  const auto events = elsewhere(read_all(*run));
  CHECK(text_of(events) == "calling done");
  CHECK(run->outcome().ending == Ending::completed);
}

TEST_CASE("a reader on another thread is cancelled at any moment, and its run with it") {
  constexpr int kTries = 300;
  World world([](const CompletionRequest&) { return stall(); }, {.threads = 2});
  static asio::io_context loop(1);  // outlives the runtime
  const auto reader = [](Run run) -> asio::awaitable<std::size_t> {
    const auto events = co_await read_all(run);
    co_return events.size();
  };
  int refused = 0;
  for (int i = 0; i < kTries; ++i) {
    asio::cancellation_signal stop;
    std::optional<bool> failed;
    auto reading = reader(world.agent().session().start("go"));
    asio::co_spawn(loop, std::move(reading),
                   asio::bind_cancellation_slot(stop.slot(), [&failed](const std::exception_ptr& error, std::size_t) {
                     failed = error != nullptr;
                   }));
    loop.restart();
    // At once, while the first events come, or while it waits.
    for (int turn = 0; turn < i % 7; ++turn) loop.run_one_for(std::chrono::microseconds(20 * (i % 11)));
    // Posted: Asio cannot cancel a coroutine that has not begun (see spawnable()).
    asio::post(loop, [&stop] { stop.emit(asio::cancellation_type::terminal); });
    while (!failed) REQUIRE(loop.run_one_for(kPatience) != 0);
    refused += *failed ? 1 : 0;
  }
  CHECK(refused == kTries);
  CHECK(elsewhere(shut_down(world.runtime, std::chrono::seconds(30))));
}

TEST_CASE("a state folder that cannot be used is named") {
  const TempDir folder;
  const auto file = folder.write("taken", "a file");
  const Error error = error_of([&] { World world(says("x"), {.state = file / "state"}); });
  CHECK(error.code() == errc::storage);
  CHECK(error.describe().find(file.string()) != std::string::npos);
}

TEST_CASE("a conversation goes on in another program as soon as the first is done with it") {
  const TempDir folder;
  World first([](const CompletionRequest&) { return stall(); }, {.state = folder.path()});
  World second(says("mine now"), {.state = folder.path()});
  Run held = first.agent().session("s").start("one");
  first.wait_for_stall();
  Run refused = second.agent().session("s").start("two");
  const Outcome busy = elsewhere(refused.wait());
  REQUIRE(busy.error);
  CHECK(busy.error->code() == errc::busy);
  held.cancel("enough");
  elsewhere(held.wait());
  Run taken = second.agent().session("s").start("three");
  CHECK(elsewhere(taken.wait()).text == "mine now");
  CHECK(ill_formed(elsewhere(second.agent().session("s").messages())).empty());
}
