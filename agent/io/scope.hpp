// The owner of coroutines that run beside their starter: nothing is detached, everything is cancelled and awaited in
// one place.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/error.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

namespace sennit {

/// Wrap what you give to co_spawn with a cancellation slot. Asio 1.26 lets an exception out of the loop, and never
/// calls the completion handler, if a spawned coroutine is cancelled and then ends without ever having been suspended.
/// The same happens to one that is cancelled before it has begun, which no wrapper can help: spawn on the executor,
/// where it begins at once, or post the cancellation after the spawning. TaskScope and with_timeout see to both.
[[nodiscard]] asio::awaitable<void> spawnable(asio::awaitable<void> task);

/// Waits for `work` to its end, whatever cancels the awaiting coroutine meanwhile or has cancelled it before: gives
/// what it threw. REQUIRES: throw_if_cancelled is off; the cancellation is heard when it is on again.
[[nodiscard]] asio::awaitable<std::optional<Error>> shielded(asio::awaitable<void> work);

/// Tasks on one executor (a shard). spawn(), join() and size() are called on it.
class TaskScope {
 public:
  /// Gets what a task failed with. Cancellation is no failure once the scope was cancelled. Must not throw.
  using FailureHandler = std::function<void(const Error&)>;

  TaskScope(asio::any_io_executor executor, FailureHandler on_failure);
  /// Cancels what still runs and does not wait: join() first where that matters.
  ~TaskScope();
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  /// Starts a task (in a handler of its own, soon). After cancel() the task is dropped unstarted.
  void spawn(asio::awaitable<void> task);
  /// Cancels every task (terminal), on the executor: at once if called there. [thread-safe]
  void cancel();
  /// Suspends until no task runs. One caller at a time. Cancellation: terminal; cancels the tasks, waits for their
  /// end, then throws Error(errc::cancelled).
  [[nodiscard]] asio::awaitable<void> join();
  [[nodiscard]] std::size_t size() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sennit
