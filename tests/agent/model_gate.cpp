#include "support/fixtures.hpp"
#include "support/world.hpp"
#include <sennit/agent/model_gate.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;

namespace {

const SteadyTime kStart{std::chrono::hours(1)};

std::shared_ptr<ModelGate> gate_of(RateLimits rate, RetrySettings retry = {}) {
  return std::make_shared<ModelGate>(rate, retry);
}

/// Enters, notes when, stays for a while, leaves.
asio::awaitable<void> pass(std::shared_ptr<ModelGate> gate, Environment& environment, std::int64_t tokens,
                           milliseconds stay, std::vector<milliseconds>& entered) {
  const SteadyTime came = environment.now();
  const ModelGate::Place place = co_await ModelGate::enter(gate, environment, tokens);
  entered.push_back(std::chrono::duration_cast<milliseconds>(environment.now() - came));
  co_await environment.sleep(stay);
}

asio::awaitable<void> pass_all(std::shared_ptr<ModelGate> gate, Environment& environment, std::size_t count,
                               std::int64_t tokens, milliseconds stay, std::vector<milliseconds>& entered) {
  std::size_t left = count;
  Signal over;
  for (std::size_t i = 0; i < count; ++i) {
    asio::co_spawn(environment.executor(), pass(gate, environment, tokens, stay, entered),
                   [&](const std::exception_ptr&) {
                     if (--left == 0) over.notify();
                   });
  }
  co_await over.wait();
}

}  // namespace

TEST_CASE("a rate window lets a minute's share through at once and drains evenly") {
  RateWindow window(60);
  for (int i = 0; i < 60; ++i) {
    CHECK(window.wait(1, kStart) == 0ms);
    window.take(1, kStart);
  }
  CHECK(window.wait(1, kStart) == 1s);
  CHECK(window.wait(10, kStart) == 10s);
  CHECK(window.wait(1, kStart + 1s) == 0ms);
  CHECK(window.wait(1000, kStart) == 60s);  // more than a minute's share: a quiet minute
  window.take(-30, kStart);                 // less was used than was expected
  CHECK(window.wait(1, kStart) == 0ms);
  CHECK(RateWindow(0).wait(1'000'000, kStart) == 0ms);
}

TEST_CASE("completions wait until requests, tokens and places allow them") {
  VirtualEnvironment environment;
  std::vector<milliseconds> entered;
  SECTION("requests a minute") {
    run(environment, pass_all(gate_of({.requests = 2}), environment, 4, 1, 0ms, entered));
    CHECK(entered == std::vector<milliseconds>{0ms, 0ms, 30s, 60s});
  }
  SECTION("tokens a minute") {
    run(environment, pass_all(gate_of({.tokens = 1000}), environment, 3, 600, 0ms, entered));
    CHECK(entered == std::vector<milliseconds>{0ms, 12s, 48s});
  }
  SECTION("at once") {
    run(environment, pass_all(gate_of({.concurrent = 2}), environment, 5, 1, 10s, entered));
    CHECK(entered == std::vector<milliseconds>{0ms, 0ms, 10s, 10s, 20s});
  }
}

TEST_CASE("a place whose waiter was cancelled goes to the next one") {
  VirtualEnvironment environment;
  const auto gate = gate_of({.concurrent = 1});
  std::vector<milliseconds> entered;
  std::vector<milliseconds> cancelled;
  asio::cancellation_signal stop;
  const auto work = [](std::shared_ptr<ModelGate> of, Environment& where, asio::cancellation_signal& signal,
                       std::vector<milliseconds>& in, std::vector<milliseconds>& out) -> asio::awaitable<void> {
    asio::co_spawn(where.executor(), pass(of, where, 1, 5s, in), asio::detached);
    asio::co_spawn(where.executor(), pass(of, where, 1, 5s, out),
                   asio::bind_cancellation_slot(signal.slot(), [](const std::exception_ptr&) {}));
    asio::co_spawn(where.executor(), pass(of, where, 1, 5s, in), asio::detached);
    co_await where.sleep(1s);
    signal.emit(asio::cancellation_type::terminal);
    co_await where.sleep(20s);
  };
  run(environment, work(gate, environment, stop, entered, cancelled));
  CHECK(cancelled.empty());
  CHECK(entered == std::vector<milliseconds>{0ms, 5s});
}

TEST_CASE("a model that keeps failing is left alone, then tried by one") {
  ModelGate gate({}, {.failures = 3, .pause = 30s});
  gate.failed(kStart, false);
  gate.failed(kStart, false);
  CHECK_FALSE(gate.pause_left(kStart));
  gate.succeeded();
  gate.failed(kStart, false);
  gate.failed(kStart, false);
  gate.failed(kStart, false);
  CHECK(gate.pause_left(kStart + 10s) == 20s);
  CHECK_FALSE(gate.pause_left(kStart + 30s));   // one may try
  CHECK(gate.pause_left(kStart + 30s) == 30s);  // the others wait for what comes of it
  SECTION("it works again") {
    gate.succeeded();
    CHECK_FALSE(gate.pause_left(kStart + 31s));
  }
  SECTION("it does not") {
    gate.failed(kStart + 31s, false);
    CHECK(gate.pause_left(kStart + 31s) == 30s);
  }
}

TEST_CASE("who gave up after all attempts spares the others") {
  ModelGate gate({}, {.failures = 0, .pause = 10s});
  gate.failed(kStart, false);
  CHECK_FALSE(gate.pause_left(kStart));
  gate.failed(kStart, true);
  CHECK(gate.pause_left(kStart) == 10s);
}

TEST_CASE("a wait that is cancelled gives its share of the rate back") {
  VirtualEnvironment environment;
  const auto gate = gate_of({.requests = 1});
  std::vector<milliseconds> entered;
  std::vector<milliseconds> cancelled;
  asio::cancellation_signal stop;
  const auto work = [](std::shared_ptr<ModelGate> of, Environment& where, asio::cancellation_signal& signal,
                       std::vector<milliseconds>& in, std::vector<milliseconds>& out) -> asio::awaitable<void> {
    asio::co_spawn(where.executor(), pass(of, where, 1, 0ms, in), asio::detached);
    asio::co_spawn(where.executor(), pass(of, where, 1, 0ms, out),
                   asio::bind_cancellation_slot(signal.slot(), [](const std::exception_ptr&) {}));
    co_await where.sleep(1s);
    signal.emit(asio::cancellation_type::terminal);
    co_await where.sleep(59s);
    asio::co_spawn(where.executor(), pass(of, where, 1, 0ms, in), asio::detached);
    co_await where.sleep(100s);
  };
  run(environment, work(gate, environment, stop, entered, cancelled));
  CHECK(cancelled.empty());
  CHECK(entered == std::vector<milliseconds>{0ms, 0ms});
}

TEST_CASE("a gate is shared by those who use the same model with the same key") {
  ModelGates gates;
  ModelSpec spec;
  spec.name = "a/b";
  const auto gate = gates.gate(spec);
  CHECK(gates.gate(spec) == gate);
  spec.api_key = Secret("one key");
  const auto literal = gates.gate(spec);
  CHECK(literal != gate);
  spec.api_key = Secret("another key");
  CHECK(gates.gate(spec) != literal);
  spec.api_key = {};
  spec.rate.concurrent = 1;
  CHECK(gates.gate(spec) != gate);
}
