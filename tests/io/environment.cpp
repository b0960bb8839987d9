#include "support/fixtures.hpp"
#include <sennit/agent/io/http.hpp>

#include <catch2/catch_test_macros.hpp>

#include <set>
#include <thread>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;

namespace {

asio::awaitable<void> nap(Environment& environment, milliseconds duration, std::vector<int>& order, int name) {
  co_await environment.sleep(duration);
  order.push_back(name);
}

asio::awaitable<int> work_in_pool(Environment& environment) {
  co_return co_await environment.pool().run([] {
    std::this_thread::sleep_for(30ms);  // the virtual clock must not run meanwhile
    return 7;
  });
}

}  // namespace

TEST_CASE("the loop's randomness does not repeat", "[environment]") {
  TestEnvironment env;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1'000; ++i) seen.insert(env.random());
  CHECK(seen.size() == 1'000);
}

TEST_CASE("sleeping ends when it should, or with a cancellation", "[environment]") {
  TestEnvironment env;
  const SteadyTime before = env.now();
  run(env, env.sleep(20ms));
  CHECK(env.now() - before >= 20ms);
  auto task = start(env, env.sleep(std::chrono::hours(1)));
  env.turn();
  task.cancel();
  CHECK(task.error().code() == errc::cancelled);
}

TEST_CASE("an alarm calls once, when it is due", "[environment]") {
  TestEnvironment env;
  int calls = 0;
  const SteadyTime when = env.now() + 5ms;
  SteadyTime called;
  const auto alarm = env.call_at(when, [&] {
    ++calls;
    called = env.now();
  });
  run(env, env.sleep(0ms));
  until(env, [&] { return calls > 0; });
  CHECK(called >= when);
  run(env, env.sleep(10ms));
  CHECK(calls == 1);
}

TEST_CASE("an alarm that was destroyed never calls, not even where it was due already", "[environment]") {
  TestEnvironment env;
  int calls = 0;
  auto later = env.call_at(env.now() + 2ms, [&] { ++calls; });
  later.reset();
  // Both are due when the loop turns, and the first takes the second back, whose call is on its way by then.
  std::unique_ptr<Alarm> second;
  const auto first = env.call_at(env.now(), [&] { second.reset(); });
  second = env.call_at(env.now(), [&] { ++calls; });
  run(env, env.sleep(10ms));
  CHECK(second == nullptr);
  CHECK(calls == 0);
}

TEST_CASE("an alarm may be destroyed, or replaced, by its own call", "[environment]") {
  TestEnvironment env;
  std::unique_ptr<Alarm> alarm;
  const auto witness = std::make_shared<int>(0);
  alarm = env.call_at(env.now(), [&alarm, &env, witness] {
    alarm.reset();
    ++*witness;
    alarm = env.call_at(env.now(), [&alarm, witness] {
      alarm.reset();
      ++*witness;
    });
  });
  until(env, [&] { return *witness == 2; });
  run(env, env.sleep(1ms));
  CHECK(alarm == nullptr);
  CHECK(witness.use_count() == 1);  // what was to be called is gone as well
}

TEST_CASE("a pending alarm is gone with its environment's loop", "[environment]") {
  const auto witness = std::make_shared<int>(0);
  {
    TestEnvironment env;
    const auto alarm = env.call_at(env.now() + std::chrono::hours(1), [witness] { ++*witness; });
    env.turn();
  }
  CHECK(witness.use_count() == 1);
  CHECK(*witness == 0);
}

TEST_CASE("log records reach the sink", "[environment]") {
  Pool pool(1);
  asio::io_context loop(1);
  std::vector<std::string> seen;
  LoopEnvironment env(loop.get_executor(), pool, [&](const LogRecord& record) { seen.push_back(record.message); });
  env.log({LogLevel::info, "test", "hello"});
  CHECK(seen == std::vector<std::string>{"hello"});
  LoopEnvironment silent(loop.get_executor(), pool);
  silent.log({LogLevel::info, "test", "nobody listens"});
}

TEST_CASE("virtual time jumps from timer to timer, in order", "[environment]") {
  VirtualEnvironment env;
  std::vector<int> order;
  auto late = start(env, nap(env, std::chrono::hours(48), order, 3));
  auto soon = start(env, nap(env, 10ms, order, 1));
  auto then = start(env, nap(env, 1'000ms, order, 2));
  late.get();
  CHECK(order == std::vector<int>{1, 2, 3});
  CHECK(env.elapsed() == std::chrono::hours(48));
  CHECK(env.wall_now() - WallTime(std::chrono::seconds(1'767'225'600)) == std::chrono::hours(48));
}

TEST_CASE("virtual time stands still while the pool works", "[environment]") {
  VirtualEnvironment env;
  std::vector<int> order;
  auto timer = start(env, nap(env, 1ms, order, 1));
  CHECK(run(env, work_in_pool(env)) == 7);
  CHECK(env.elapsed() == 0ms);
  timer.get();
}

TEST_CASE("virtual randomness is the same in every run, and there is no network in it", "[environment]") {
  VirtualEnvironment one;
  VirtualEnvironment two;
  CHECK(one.random() == two.random());
  CHECK(one.random() == two.random());
  CHECK_THROWS_AS((void)one.http(), std::logic_error);
}
