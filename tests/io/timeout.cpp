#include "support/fixtures.hpp"
#include <sennit/agent/io/timeout.hpp>

#include <boost/asio/this_coro.hpp>
#include <catch2/catch_test_macros.hpp>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;

namespace {

asio::awaitable<std::string> sleep_then_say(Environment& environment, milliseconds duration, std::string words) {
  co_await environment.sleep(duration);
  co_return words;
}

asio::awaitable<std::string> bounded(Environment& environment, milliseconds limit, milliseconds duration) {
  auto work = sleep_then_say(environment, duration, "done");
  auto within = with_timeout(environment, limit, std::move(work), "the test's work");
  co_return co_await std::move(within);
}

asio::awaitable<void> fail_after(Environment& environment, milliseconds duration) {
  co_await environment.sleep(duration);
  throw Error(errc::tool, "broken");
}

asio::awaitable<void> bounded_failure(Environment& environment) {
  auto work = fail_after(environment, 10ms);
  auto within = with_timeout(environment, 100ms, std::move(work), "x");
  co_await std::move(within);
}

/// Takes `cleanup` to end after it was cancelled.
asio::awaitable<void> clean_up_slowly(Environment& environment, milliseconds cleanup, bool& cleaned) {
  bool stopped = false;
  try {
    co_await environment.sleep(std::chrono::hours(1));
  } catch (const Error&) {
    stopped = true;
  }
  if (!stopped) co_return;
  co_await asio::this_coro::reset_cancellation_state();
  co_await environment.sleep(cleanup);
  cleaned = true;
  throw Error(errc::cancelled, "cancelled");
}

asio::awaitable<void> bounded_cleanup(Environment& environment, bool& cleaned) {
  auto work = clean_up_slowly(environment, 500ms, cleaned);
  auto within = with_timeout(environment, 100ms, std::move(work), "slow work");
  co_await std::move(within);
}

}  // namespace

TEST_CASE("work that ends in time gives its result", "[timeout]") {
  VirtualEnvironment env;
  CHECK(run(env, bounded(env, 100ms, 50ms)) == "done");
  CHECK(env.elapsed() == 50ms);
  CHECK(run(env, bounded(env, 0ms, std::chrono::hours(48))) == "done");
}

TEST_CASE("work that takes too long ends in a timeout that says what and how long", "[timeout]") {
  VirtualEnvironment env;
  const Error error = run_error(env, bounded(env, 100ms, std::chrono::hours(1)));
  CHECK(error.code() == errc::timeout);
  CHECK(error.message() == "the test's work took longer than 100 ms");
  CHECK(env.elapsed() == 100ms);
}

TEST_CASE("a failure passes through a deadline", "[timeout]") {
  VirtualEnvironment env;
  CHECK(run_error(env, bounded_failure(env)).message() == "broken");
  CHECK(env.elapsed() == 10ms);
}

TEST_CASE("a deadline waits for the clean-up of what it cancels", "[timeout]") {
  VirtualEnvironment env;
  bool cleaned = false;
  CHECK(run_error(env, bounded_cleanup(env, cleaned)).code() == errc::timeout);
  CHECK(cleaned);
  CHECK(env.elapsed() == 600ms);
}

TEST_CASE("cancelling the caller cancels the work under a deadline", "[timeout]") {
  VirtualEnvironment env;
  bool cleaned = false;
  auto task = start(env, bounded_cleanup(env, cleaned));
  env.loop().poll();
  task.cancel();
  CHECK(task.error().code() == errc::cancelled);
  CHECK(cleaned);
  CHECK(env.elapsed() == 500ms);
}

TEST_CASE("a deadline works on the real clock too", "[timeout]") {
  TestEnvironment env;
  CHECK(run_error(env, bounded(env, 20ms, std::chrono::hours(1))).code() == errc::timeout);
  CHECK(run(env, bounded(env, 30'000ms, 5ms)) == "done");
}

TEST_CASE("a deadline needs no cancellation slot", "[timeout]") {
  TestEnvironment env;
  bool done = false;
  asio::co_spawn(env.executor(), bounded(env, 1ms, 60'000ms),
                 [&](const std::exception_ptr& failure, const std::string&) { done = failure != nullptr; });
  until(env, [&] { return done; });
}
