#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/mcp/client/hop.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <memory>

namespace sennit::mcp {

void let_run(const asio::any_io_executor& there, asio::awaitable<void> work) {
  const auto never = std::make_shared<asio::cancellation_signal>();  // with_timeout wants a slot
  asio::co_spawn(there, spawnable(std::move(work)),
                 asio::bind_cancellation_slot(never->slot(), [never](const std::exception_ptr&) {}));
}

namespace detail {
namespace {

/// Touched on the other executor only, once the work is spawned there.
struct Visit {
  asio::cancellation_signal stop;
  bool begun = false;
  bool cancelled = false;
};

asio::awaitable<void> visit_with(std::shared_ptr<Visit> visit, asio::awaitable<void> work) {
  visit->begun = true;
  if (visit->cancelled) throw Error(errc::cancelled, "cancelled");
  co_await std::move(work);
}

}  // namespace

asio::awaitable<void> run_on(asio::any_io_executor there, asio::awaitable<void> work) {
  if (there == co_await asio::this_coro::executor) {
    co_await std::move(work);
    co_return;
  }
  const auto visit = std::make_shared<Visit>();
  const asio::cancellation_state caller = co_await asio::this_coro::cancellation_state;
  if (caller.slot().is_connected()) {
    caller.slot().assign([visit, there](asio::cancellation_type type) {
      asio::post(there, [visit, type] {
        visit->cancelled = true;
        if (visit->begun) visit->stop.emit(type);
      });
    });
  }
  asio::awaitable<void> visiting = visit_with(visit, std::move(work));
  auto ended = asio::co_spawn(there, spawnable(std::move(visiting)),
                              asio::bind_cancellation_slot(visit->stop.slot(), asio::as_tuple(asio::use_awaitable)));
  const auto [failure] = co_await std::move(ended);
  if (caller.slot().is_connected()) caller.slot().clear();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace detail
}  // namespace sennit::mcp
