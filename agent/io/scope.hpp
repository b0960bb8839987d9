// An owner for coroutines that run side by side: nothing is detached, everything is cancelled and waited for in one
// place.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/signal.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <functional>
#include <list>
#include <utility>

namespace sennit {

/// Used on one shard only. REQUIRES: join() has returned before it is destroyed.
class TaskScope {
 public:
  /// `on_error` hears of what a task throws, cancellations included; none: it is dropped.
  explicit TaskScope(asio::any_io_executor executor, std::function<void(std::exception_ptr)> on_error = {})
      : executor_(std::move(executor)), on_error_(std::move(on_error)) {}
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  /// Starts a task on the scope's executor.
  void spawn(asio::awaitable<void> task) {
    const auto entry = tasks_.emplace(tasks_.end());
    asio::co_spawn(executor_, std::move(task),
                   asio::bind_cancellation_slot(entry->slot(), [this, entry](std::exception_ptr error) {
                     tasks_.erase(entry);
                     if (error && on_error_) on_error_(error);
                     if (tasks_.empty()) empty_.notify();
                   }));
  }

  /// Asks every task to stop (terminal). They may still clean up: join() waits for that.
  void cancel() {
    for (auto task = tasks_.begin(); task != tasks_.end();) (task++)->emit(asio::cancellation_type::terminal);
  }

  [[nodiscard]] bool empty() const noexcept { return tasks_.empty(); }

  /// Suspends until every task has ended. Cancellation: terminal; the tasks stay.
  [[nodiscard]] asio::awaitable<void> join() {
    while (!tasks_.empty()) co_await empty_.wait();
  }

 private:
  asio::any_io_executor executor_;
  std::function<void(std::exception_ptr)> on_error_;
  std::list<asio::cancellation_signal> tasks_;
  Signal empty_;
};

}  // namespace sennit
