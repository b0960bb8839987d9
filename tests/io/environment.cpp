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
