// A bounded pool of threads for blocking work: files, SQLite readers, tools that are plain functions.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/error.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

namespace sennit {

/// Runs functions on its own threads and resumes the awaiting coroutine on the coroutine's executor. [thread-safe]
///
/// The queue is bounded: a full queue makes run() throw Error(errc::busy) at once, it never blocks the loop.
/// Cancellation: work that has not started is dropped; work that has started runs to its end and its result is
/// discarded (a thread cannot be stopped), while the awaiting coroutine continues with errc::cancelled at once.
class Pool {
 public:
  explicit Pool(std::size_t threads, std::size_t queue_limit = 1024);
  ~Pool();  ///< drops what has not started, waits for what has
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// `co_await pool.run([=] { return blocking(); })`. Exceptions of the function are rethrown to the caller.
  template <class Function, class Result = std::invoke_result_t<Function&>>
  [[nodiscard]] asio::awaitable<Result> run(Function function) {
    // The slot is shared with the job: the caller may be gone (cancelled) while the job still runs.
    if constexpr (std::is_void_v<Result>) {
      co_await submit(std::move(function));
    } else {
      auto slot = std::make_shared<std::optional<Result>>();
      std::function<void()> job = [slot, function = std::move(function)]() mutable { slot->emplace(function()); };
      co_await submit(std::move(job));
      co_return std::move(**slot);
    }
  }

 private:
  asio::awaitable<void> submit(std::function<void()> job);

  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sennit
