// A bounded pool of threads for blocking work: files, SQLite readers, tools that are plain functions.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/log.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

namespace sennit {

/// Runs functions on its own threads and resumes the awaiting coroutine on the coroutine's executor. [thread-safe]
///
/// Threads start when work comes and none is idle. The queue is bounded: a full queue makes run() throw
/// Error(errc::busy) at once, it never blocks the loop.
/// Cancellation: work that has not started is dropped; work that has started runs to its end and its result is
/// discarded (a thread cannot be stopped), while the awaiting coroutine continues with errc::cancelled at once.
/// A Pool must be destroyed before the execution contexts of the coroutines that use it.
class Pool {
 public:
  static constexpr std::size_t kDefaultQueue = 1024;

  explicit Pool(std::size_t threads, std::size_t queue_limit = kDefaultQueue, LogSink log = {});
  ~Pool();  ///< stop()
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// `co_await pool.run([=] { return blocking(); })`. Exceptions of the function are rethrown to the caller.
  template <class Function, class Result = std::invoke_result_t<Function&>>
  [[nodiscard]] asio::awaitable<Result> run(Function function) {
    // Function and slot are shared with the job: the caller may be gone (cancelled) while the job still runs, and a
    // std::function alone could not hold a move-only closure.
    auto shared = std::make_shared<Function>(std::move(function));
    if constexpr (std::is_void_v<Result>) {
      std::function<void()> job = [shared] { (*shared)(); };
      co_await submit(std::move(job));
    } else {
      auto slot = std::make_shared<std::optional<Result>>();
      std::function<void()> job = [slot, shared] { slot->emplace((*shared)()); };
      co_await submit(std::move(job));
      co_return std::move(**slot);
    }
  }

  /// Drops what has not started (its callers get errc::cancelled), waits for what has, and takes nothing more. Logs a
  /// warning if the wait is long: a thread cannot be stopped, nor left behind with what its job refers to.
  void stop();

  /// Coroutines that wait in run() now. A virtual clock must stand still while there are any.
  [[nodiscard]] std::size_t waiting() const noexcept;

 private:
  asio::awaitable<void> submit(std::function<void()> job);

  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sennit
