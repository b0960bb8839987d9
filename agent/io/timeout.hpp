// A deadline around any awaitable.
#pragma once

#include <sennit/agent/io/environment.hpp>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace sennit {

namespace detail {

/// The part that knows no type. `what` is copied into the message.
[[nodiscard]] asio::awaitable<void> run_before(Environment& environment, milliseconds limit,
                                               asio::awaitable<void> operation, std::string what);

template <class T>
[[nodiscard]] asio::awaitable<void> keep_result(asio::awaitable<T> operation, std::optional<T>& result) {
  result.emplace(co_await std::move(operation));
}

}  // namespace detail

/// Runs `operation` and gives its result. Once `limit` has passed on the environment's clock the operation is
/// cancelled (terminal); when it has finished its clean-up, Error(errc::timeout) "WHAT took longer than N ms" is
/// thrown. A result that arrives in spite of the cancellation is kept. Zero means no limit.
/// Cancellation of the caller is passed on to the operation.
template <class T>
[[nodiscard]] asio::awaitable<T> with_timeout(Environment& environment, milliseconds limit,
                                              asio::awaitable<T> operation, std::string what) {
  if constexpr (std::is_void_v<T>) {
    return detail::run_before(environment, limit, std::move(operation), std::move(what));
  } else {
    return [](Environment& env, milliseconds most, asio::awaitable<T> inner,
              std::string name) -> asio::awaitable<T> {  // captures nothing: the frame owns its parameters
      std::optional<T> result;                           // outlives the operation: run_before waits for its end
      asio::awaitable<void> kept = detail::keep_result(std::move(inner), result);
      asio::awaitable<void> bounded = detail::run_before(env, most, std::move(kept), std::move(name));
      co_await std::move(bounded);
      co_return std::move(*result);
    }(environment, limit, std::move(operation), std::move(what));
  }
}

}  // namespace sennit
