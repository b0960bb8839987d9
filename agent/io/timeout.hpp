// A deadline for any awaitable: on expiry it is cancelled, its clean-up is waited for, and the caller hears which
// deadline it was.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/scope.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace sennit {

namespace detail {

template <class T>
struct Race {
  std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> result;
  std::exception_ptr failure;
  bool worked = false;   // the work has ended
  bool expired = false;  // the deadline came first
  Signal changed;
};

template <class T>
asio::awaitable<void> race_work(Race<T>& race, asio::awaitable<T> work) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(work);
      race.result.emplace(true);
    } else {
      race.result.emplace(co_await std::move(work));
    }
  } catch (...) {
    race.failure = std::current_exception();
  }
  race.worked = true;
  race.changed.notify();
}

template <class T>
asio::awaitable<void> race_deadline(Race<T>& race, Environment& environment, milliseconds limit) {
  co_await environment.sleep(limit);
  race.expired = true;
  race.changed.notify();
}

}  // namespace detail

/// Runs `work` for at most `limit`, on `environment`'s shard. On expiry the work is cancelled (terminal) and, once it
/// has stopped, Error(errc::timeout) is thrown: "`what`: no result within 5 s". Cancellation is passed on to the work.
template <class T>
[[nodiscard]] asio::awaitable<T> with_timeout(Environment& environment, milliseconds limit, asio::awaitable<T> work,
                                              std::string what) {
  detail::Race<T> race;
  TaskScope working(environment.executor());
  TaskScope waiting(environment.executor());
  working.spawn(detail::race_work<T>(race, std::move(work)));
  waiting.spawn(detail::race_deadline<T>(race, environment, limit));
  bool cancelled = false;
  try {
    while (!race.worked && !race.expired) co_await race.changed.wait();
  } catch (const Error&) {
    cancelled = true;
  }
  if (cancelled) co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (!race.worked) working.cancel();
  waiting.cancel();
  co_await working.join();
  co_await waiting.join();
  if (race.expired && !race.result) {
    const double seconds = static_cast<double>(limit.count()) / 1000.0;
    std::string text = std::to_string(seconds);
    while (text.ends_with('0')) text.pop_back();
    if (text.ends_with('.')) text.pop_back();
    throw Error(errc::timeout, what + ": no result within " + text + " s");
  }
  if (race.failure) std::rethrow_exception(race.failure);
  if constexpr (!std::is_void_v<T>) co_return std::move(*race.result);
}

}  // namespace sennit
