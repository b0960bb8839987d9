#include "support/fixtures.hpp"
#include <sennit/agent/io/signal.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace sennit;
using namespace sennit::testing;

namespace {

asio::awaitable<int> wait_times(Signal& signal, int times, int& woken) {
  for (int i = 0; i < times; ++i) {
    co_await signal.wait();
    ++woken;
  }
  co_return woken;
}

asio::awaitable<void> own_signal(std::unique_ptr<Signal>& place) {
  place = std::make_unique<Signal>();
  co_await place->wait();
  place.reset();  // the waiter may destroy the Signal that has just woken it
}

}  // namespace

TEST_CASE("a waiter sleeps until it is notified", "[signal]") {
  TestEnvironment env;
  Signal signal;
  int woken = 0;
  auto task = start(env, wait_times(signal, 2, woken));
  until(env, [&] { return signal.has_waiter(); });
  CHECK(woken == 0);
  signal.notify();
  CHECK(woken == 0);  // it continues in a handler of its own
  until(env, [&] { return woken == 1; });
  until(env, [&] { return signal.has_waiter(); });
  signal.notify();
  CHECK(task.get() == 2);
}

TEST_CASE("a notification without a waiter is remembered, once", "[signal]") {
  TestEnvironment env;
  Signal signal;
  signal.notify();
  signal.notify();
  int woken = 0;
  auto task = start(env, wait_times(signal, 2, woken));
  until(env, [&] { return woken == 1; });
  until(env, [&] { return signal.has_waiter(); });
  CHECK(woken == 1);
  signal.notify();
  CHECK(task.get() == 2);
  CHECK_FALSE(signal.try_wait());
  signal.notify();
  CHECK(signal.try_wait());
  CHECK_FALSE(signal.try_wait());
}

TEST_CASE("a cancelled waiter leaves, and the signal can be waited for again", "[signal]") {
  TestEnvironment env;
  Signal signal;
  int woken = 0;
  auto task = start(env, wait_times(signal, 1, woken));
  until(env, [&] { return signal.has_waiter(); });
  task.cancel();
  CHECK(task.error().code() == errc::cancelled);
  CHECK_FALSE(signal.has_waiter());
  CHECK(woken == 0);
  auto second = start(env, wait_times(signal, 1, woken));
  until(env, [&] { return signal.has_waiter(); });
  signal.notify();
  CHECK(second.get() == 1);
}

TEST_CASE("a cancellation after the notification changes nothing for that wait", "[signal]") {
  TestEnvironment env;
  Signal signal;
  int woken = 0;
  auto task = start(env, wait_times(signal, 1, woken));
  until(env, [&] { return signal.has_waiter(); });
  signal.notify();
  task.cancel();
  CHECK(task.get() == 1);
}

TEST_CASE("a waiter may destroy the signal that wakes it", "[signal]") {
  TestEnvironment env;
  std::unique_ptr<Signal> place;
  auto task = start(env, own_signal(place));
  until(env, [&] { return place && place->has_waiter(); });
  SECTION("soon") {
    place->notify();
  }
  SECTION("at once") {
    asio::post(env.executor(), [&] { place->notify_now(); });
  }
  task.get();
  CHECK(place == nullptr);
}

TEST_CASE("a waiter that is never woken is released with its signal", "[signal]") {
  TestEnvironment env;
  auto signal = std::make_unique<Signal>();
  int woken = 0;
  auto task = start(env, wait_times(*signal, 1, woken));
  until(env, [&] { return signal->has_waiter(); });
  signal.reset();  // the coroutine's frame goes with it: nothing leaks
  env.turn();
  CHECK(woken == 0);
  CHECK_FALSE(task.done());
}
