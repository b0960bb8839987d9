#include <sennit/agent/io/scope.hpp>
#include <sennit/mcp/client/watch.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace sennit::mcp {

asio::awaitable<void> Watch::run(asio::awaitable<void> operation, std::string what) {
  began_ = moved_ = environment_.now();
  running_ = true;
  arm();
  // Two may cancel the operation: the alarm, and whoever cancels this coroutine.
  const asio::cancellation_state caller = co_await asio::this_coro::cancellation_state;
  if (caller.slot().is_connected()) {
    caller.slot().assign([this](asio::cancellation_type type) {
      running_ = false;
      alarm_.reset();
      stop_.emit(type);
    });
  }
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto ended = asio::co_spawn(executor, spawnable(std::move(operation)),
                              asio::bind_cancellation_slot(stop_.slot(), asio::as_tuple(asio::use_awaitable)));
  const auto [failure] = co_await std::move(ended);
  if (caller.slot().is_connected()) caller.slot().clear();
  running_ = false;
  alarm_.reset();
  if (!failure) co_return;
  if (!expired_ || caller.cancelled() != asio::cancellation_type::none) std::rethrow_exception(failure);
  const auto spent = std::chrono::duration_cast<milliseconds>(environment_.now() - began_);
  const milliseconds told = moved_ == began_ ? limit_ : spent;
  throw Error(errc::timeout, what + " took longer than " + std::to_string(told.count()) + " ms");
}

void Watch::arm() {
  alarm_.reset();
  if (!running_ || pauses_ > 0 || limit_ <= milliseconds::zero()) return;
  SteadyTime when = moved_ + limit_;
  if (most_ > milliseconds::zero()) when = std::min(when, began_ + most_);
  alarm_ = environment_.call_at(when, [this] {
    expired_ = true;
    stop_.emit(asio::cancellation_type::terminal);
  });
}

void Watch::extend() {
  moved_ = environment_.now();
  arm();
}

void Watch::pause() {
  if (pauses_++ > 0) return;
  paused_at_ = environment_.now();
  arm();
}

void Watch::resume() {
  if (pauses_ == 0) return;  // it began while somebody else was waited for
  --pauses_;
  if (pauses_ > 0) return;
  const auto paused = environment_.now() - paused_at_;
  began_ += paused;
  moved_ += paused;
  arm();
}

}  // namespace sennit::mcp
