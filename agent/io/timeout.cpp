#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/timeout.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <exception>
#include <tuple>

namespace sennit::detail {

asio::awaitable<void> run_before(Environment& environment, milliseconds limit, asio::awaitable<void> operation,
                                 std::string what) {
  if (limit <= milliseconds::zero()) {
    co_await std::move(operation);
    co_return;
  }
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  asio::awaitable<void> timer = environment.sleep_until(environment.now() + limit);
  auto both =
      asio::experimental::make_parallel_group(asio::co_spawn(executor, spawnable(std::move(operation)), asio::deferred),
                                              asio::co_spawn(executor, spawnable(std::move(timer)), asio::deferred));
  // The first to end cancels the other, and both are waited for.
  auto ended = both.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  const auto [order, failure, timer_failure] = co_await std::move(ended);
  if (!failure) co_return;
  const bool expired = !timer_failure && order[0] == 1;
  if (!expired) std::rethrow_exception(failure);
  throw Error(errc::timeout, what + " took longer than " + std::to_string(limit.count()) + " ms").retry();
}

}  // namespace sennit::detail
