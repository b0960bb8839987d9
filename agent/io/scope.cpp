#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/signal.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <list>
#include <utility>

namespace sennit {

asio::awaitable<void> spawnable(asio::awaitable<void> task) {
  std::exception_ptr failure;
  try {
    co_await std::move(task);
  } catch (...) {
    failure = std::current_exception();
  }
  // co_spawn awaits once more after the task where that was never suspended: this must not throw.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (failure) std::rethrow_exception(failure);
}

asio::awaitable<std::optional<Error>> shielded(asio::awaitable<void> work) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  std::optional<Error> failure;
  try {
    // A slot that nobody emits to: what is under way does not hear of the cancellation.
    co_await asio::co_spawn(executor, spawnable(std::move(work)),
                            asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable));
  } catch (...) {
    failure = current_error();
  }
  co_return failure;
}

namespace {

struct Task {
  asio::cancellation_signal cancellation;
  bool begun = false;
};
using Tasks = std::list<Task>;

}  // namespace

struct TaskScope::State {
  void cancel() {
    cancelled = true;
    for (Task& task : tasks) {
      if (task.begun) task.cancellation.emit(asio::cancellation_type::terminal);
    }
  }

  static asio::awaitable<void> perform(std::shared_ptr<State> state, Tasks::iterator place,
                                       asio::awaitable<void> task) {
    place->begun = true;
    if (!state->cancelled) co_await std::move(task);
  }

  void ended(Tasks::iterator task, const std::exception_ptr& failure) {
    tasks.erase(task);
    if (failure) report(failure);
    if (tasks.empty()) empty.notify();
  }

  void report(const std::exception_ptr& failure) const {
    try {
      std::rethrow_exception(failure);
    } catch (...) {
      const Error error = current_error();
      const bool expected = cancelled && error.code() == errc::cancelled;
      if (!expected && on_failure) on_failure(error);
    }
  }

  asio::any_io_executor executor;
  FailureHandler on_failure;
  Tasks tasks;
  Signal empty;
  bool cancelled = false;
};

TaskScope::TaskScope(asio::any_io_executor executor, FailureHandler on_failure) : state_(std::make_shared<State>()) {
  state_->executor = std::move(executor);
  state_->on_failure = std::move(on_failure);
}

TaskScope::~TaskScope() {
  cancel();
}

void TaskScope::spawn(asio::awaitable<void> task) {
  if (state_->cancelled) return;
  const auto entry = state_->tasks.emplace(state_->tasks.end());
  asio::awaitable<void> performing = State::perform(state_, entry, std::move(task));
  // The completion handler keeps the state: a task may end after its scope.
  asio::co_spawn(state_->executor, spawnable(std::move(performing)),
                 asio::bind_cancellation_slot(
                     entry->cancellation.slot(),
                     [state = state_, entry](const std::exception_ptr& failure) { state->ended(entry, failure); }));
}

void TaskScope::cancel() {
  asio::dispatch(state_->executor, [state = state_] { state->cancel(); });
}

asio::awaitable<void> TaskScope::join() {
  const std::shared_ptr<State> state = state_;
  std::exception_ptr stopped;
  while (!state->tasks.empty()) {
    try {
      co_await state->empty.wait();
    } catch (...) {
      stopped = std::make_exception_ptr(current_error());
    }
    if (!stopped) continue;
    state->cancel();
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    while (!state->tasks.empty()) co_await state->empty.wait();
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    std::rethrow_exception(stopped);
  }
}

std::size_t TaskScope::size() const noexcept {
  return state_->tasks.size();
}

}  // namespace sennit
