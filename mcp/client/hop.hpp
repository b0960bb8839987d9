// Private: work on another shard. A connection lives on one, and the runs that use it live on several.
#pragma once

#include <sennit/agent/io/asio.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace sennit::mcp {

namespace detail {

[[nodiscard]] asio::awaitable<void> run_on(asio::any_io_executor there, asio::awaitable<void> work);

template <class T>
[[nodiscard]] asio::awaitable<void> keep(asio::awaitable<T> work, std::optional<T>& result) {
  result.emplace(co_await std::move(work));
}

}  // namespace detail

/// Does `work` on the executor `there` and continues on the caller's own; directly where they are the same one.
/// Cancellation of the caller is passed on to the work, on the work's executor; the work's end is waited for.
template <class T>
[[nodiscard]] asio::awaitable<T> hop(asio::any_io_executor there, asio::awaitable<T> work) {
  if constexpr (std::is_void_v<T>) {
    return detail::run_on(std::move(there), std::move(work));
  } else {
    return [](asio::any_io_executor executor, asio::awaitable<T> inner) -> asio::awaitable<T> {
      std::optional<T> result;  // outlives the work: run_on waits for its end
      asio::awaitable<void> kept = detail::keep(std::move(inner), result);
      asio::awaitable<void> done = detail::run_on(std::move(executor), std::move(kept));
      co_await std::move(done);
      co_return std::move(*result);
    }(std::move(there), std::move(work));
  }
}

/// Lets `work` run to its end, which nobody waits for and nothing but the loop's end cuts short: a goodbye. What it
/// throws is dropped.
void let_run(const asio::any_io_executor& there, asio::awaitable<void> work);

}  // namespace sennit::mcp
