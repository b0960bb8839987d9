#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/timeout.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <memory>

namespace sennit::detail {

asio::awaitable<void> run_before(Environment& environment, milliseconds limit, asio::awaitable<void> operation,
                                 std::string what) {
  if (limit <= milliseconds::zero()) {
    co_await std::move(operation);
    co_return;
  }
  bool expired = false;
  asio::cancellation_signal stop;
  std::unique_ptr<Alarm> alarm = environment.call_at(environment.now() + limit, [&expired, &stop] {
    expired = true;
    stop.emit(asio::cancellation_type::terminal);
  });
  // The operation has one slot, and two who may cancel it: the alarm, and whoever cancels this coroutine.
  const asio::cancellation_state caller = co_await asio::this_coro::cancellation_state;
  asio::cancellation_slot slot = caller.slot();  // none where the coroutine was spawned without one
  if (slot.is_connected()) {
    slot.assign([&alarm, &stop](asio::cancellation_type type) {
      alarm.reset();  // what was cancelled may take its time to clean up
      stop.emit(type);
    });
  }
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto ended = asio::co_spawn(executor, spawnable(std::move(operation)),
                              asio::bind_cancellation_slot(stop.slot(), asio::as_tuple(asio::use_awaitable)));
  const auto [failure] = co_await std::move(ended);
  slot.clear();
  if (!failure) co_return;
  if (!expired || caller.cancelled() != asio::cancellation_type::none) std::rethrow_exception(failure);
  throw Error(errc::timeout, what + " took longer than " + std::to_string(limit.count()) + " ms").retry();
}

}  // namespace sennit::detail
