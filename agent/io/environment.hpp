// The world of one shard: executor, clocks, randomness, HTTP, blocking pool, log.
//
// Every floor reaches the outside only through this interface, so that a test can put a virtual clock, a failing
// network or fixed randomness in its place. One Environment belongs to one shard (one thread or one strand): apart
// from executor(), pool() and log(), call its functions on that shard only.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/log.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace sennit {

namespace http {
class Client;
}
class Pool;

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;
using std::chrono::milliseconds;

/// A call that is to come. Destroying it, on its shard, takes it back.
class Alarm {
 public:
  Alarm() = default;
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  virtual ~Alarm() = default;
};

class Environment {
 public:
  virtual ~Environment() = default;

  /// The shard's executor: work submitted here never runs concurrently with other work of the shard. [thread-safe]
  [[nodiscard]] virtual asio::any_io_executor executor() const = 0;
  /// Monotonic time, for deadlines and durations.
  [[nodiscard]] virtual SteadyTime now() const = 0;
  /// Wall-clock time (UTC), for people and records.
  [[nodiscard]] virtual WallTime wall_now() const = 0;
  /// 64 random bits, unpredictable outside of tests.
  [[nodiscard]] virtual std::uint64_t random() = 0;
  /// Calls `then` on the shard, once it is `when` on this Environment's clock. `then` may destroy the Alarm.
  [[nodiscard]] virtual std::unique_ptr<Alarm> call_at(SteadyTime when, std::function<void()> then) = 0;
  /// The shard's HTTP client.
  [[nodiscard]] virtual http::Client& http() = 0;
  /// Where blocking work goes. [thread-safe]
  [[nodiscard]] virtual Pool& pool() = 0;
  /// Hands a record to the host program. [thread-safe]
  virtual void log(LogRecord record) = 0;

  /// Suspends until `when`. Cancellation: terminal; throws Error(errc::cancelled).
  [[nodiscard]] asio::awaitable<void> sleep_until(SteadyTime when);
  [[nodiscard]] asio::awaitable<void> sleep(milliseconds duration) { return sleep_until(now() + duration); }
};

}  // namespace sennit
