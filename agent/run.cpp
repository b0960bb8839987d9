#include <sennit/agent/redaction.hpp>
#include <sennit/agent/run.hpp>
#include <sennit/agent/run_state.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <thread>
#include <utility>

namespace sennit {
namespace {

/// A cheap estimate of what an event holds; exactness does not matter, growth does.
std::size_t size_of(const EventData& data) {
  std::size_t size = sizeof(Event);
  if (const auto* text = std::get_if<TextDelta>(&data)) size = text->text.size();
  if (const auto* reasoning = std::get_if<ReasoningDelta>(&data)) size = reasoning->text.size();
  if (const auto* call = std::get_if<ToolCallDelta>(&data); call != nullptr && call->arguments) {
    size += call->arguments->size();
  }
  if (const auto* progress = std::get_if<ToolProgress>(&data)) size += progress->text.size();
  if (const auto* finished = std::get_if<ToolFinished>(&data)) size += finished->result.content.size();
  return size;
}

using Batch = std::optional<std::span<const Event>>;

/// State::next() for a reader on another executor. co_spawn would carry the reader's cancellation over as well, but
/// (Asio 1.26) by the address of an operation that may have ended on its own thread meanwhile.
asio::awaitable<Batch> next_across(std::shared_ptr<Run::State> state) {
  bool too_late = false;
  auto crossing = asio::async_initiate<const asio::use_awaitable_t<>&, void(std::exception_ptr, Batch)>(
      [state, &too_late](auto&& handler) {
        const Run::State::Posting posting(*state);
        if (posting.too_late()) {
          too_late = true;
          const auto home = asio::get_associated_executor(handler);
          asio::post(home, [handler = std::forward<decltype(handler)>(handler)]() mutable {
            std::move(handler)(std::exception_ptr(), Batch());
          });
          return;
        }
        const asio::any_io_executor shard = state->environment->executor();
        if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
          slot.assign([state, shard](asio::cancellation_type /*type*/) {
            const Run::State::Posting now(*state);
            if (now.too_late()) return;
            asio::post(shard, [state] {
              state->reader_left = true;
              state->arrived.notify();
            });
          });
        }
        auto on_shard = Run::State::next(state);
        asio::co_spawn(
            shard, std::move(on_shard),
            asio::bind_cancellation_slot(asio::cancellation_slot(), std::forward<decltype(handler)>(handler)));
      },
      asio::use_awaitable);
  Batch events = co_await std::move(crossing);
  if (too_late) events = co_await Run::State::next(state);
  co_return events;
}

}  // namespace

void Run::State::emit(std::string_view lane, Event event) {
  if (!retold) {
    if (journalled) order.note(lane);
    return emit(std::move(event));
  }
  retold->put(lane, std::move(event));
  std::string whose;
  while (retold->next(whose, event)) {
    if (journalled) order.note(whose);
    emit(std::move(event));
  }
}

void Run::State::go_live() {
  if (!retold) return;
  retold->release();
  std::string whose;
  Event event;
  while (retold->next(whose, event)) {
    if (journalled) order.note(whose);
    emit(std::move(event));
  }
  retold.reset();
}

void Run::State::emit(Event event) {
  if (ended) return;  // nothing follows the terminal event
  if (reader_detached && !std::holds_alternative<RunFinished>(event.data)) return;
  redact_in(event.data);
  pending_bytes += size_of(event.data);
  ended = std::holds_alternative<RunFinished>(event.data);
  if (pending.size() < kUnmergedEvents) {
    pending.push_back(std::move(event));
  } else {
    append_merged(pending, std::move(event));
  }
  arrived.notify();
}

asio::awaitable<void> Run::State::room() {
  while (!has_room()) {
    Signal signal;
    room_waiters.push_back(&signal);
    // The waiter leaves the list however the wait ends.
    struct Leave {
      std::vector<Signal*>& waiters;
      Signal* signal;
      ~Leave() { std::erase(waiters, signal); }
    } leave{room_waiters, &signal};
    co_await signal.wait();
  }
}

asio::awaitable<Batch> Run::State::next(std::shared_ptr<State> self) {
  std::vector<Event>().swap(self->delivered);  // a run that waits, for a model or a person, holds as little as it can
  self->reader_left = false;                   // that was another read
  while (self->pending.empty()) {
    if (self->ended) co_return std::nullopt;
    try {
      co_await self->arrived.wait();
      if (self->reader_left) throw Error(errc::cancelled, "cancelled");
    } catch (...) {
      self->request_cancel("the reader was cancelled");
      throw;
    }
  }
  self->delivered.swap(self->pending);
  self->pending_bytes = 0;
  for (Signal* waiter : self->room_waiters) waiter->notify();
  co_return std::span<const Event>(self->delivered);
}

void Run::State::request_cancel(std::string reason) {
  if (cancelled || ended) return;
  cancelled = true;
  cancel_reason = std::move(reason);
  stop.emit(asio::cancellation_type::terminal);
}

void Run::State::request_suspend(std::string reason) {
  if (!cancelled && journalled) suspending = true;
  request_cancel(std::move(reason));
}

void Run::State::request_stop(std::string reason) {
  if (tools_at_work == 0) return request_cancel(std::move(reason));
  if (!stop_reason) stop_reason = std::move(reason);
}

void Run::State::tool_ended() {
  --tools_at_work;
  if (tools_at_work == 0 && stop_reason) request_cancel(*stop_reason);
}

void Run::State::leave_shard() {
  over = true;
  while (posting.load() != 0) std::this_thread::yield();  // for as long as one post takes
}

Run::Run(Run&&) noexcept = default;

Run& Run::operator=(Run&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(outcome_, other.outcome_);
  return *this;
}

Run::~Run() {
  if (state_) cancel("the run was dropped by its caller");
}

asio::awaitable<Batch> Run::next() {
  Batch events;
  const asio::any_io_executor here = co_await asio::this_coro::executor;
  if (state_->over.load(std::memory_order_acquire) || here == state_->environment->executor()) {
    events = co_await State::next(state_);
  } else {
    events = co_await next_across(state_);
  }
  if (events && !events->empty()) {
    if (const auto* finished = std::get_if<RunFinished>(&events->back().data)) outcome_ = finished->outcome;
  }
  co_return events;
}

asio::awaitable<Outcome> Run::wait() {
  while (true) {
    const auto events = co_await next();
    if (!events) break;
  }
  co_return outcome();
}

const Outcome& Run::outcome() const {
  if (!outcome_) throw Error(errc::invalid_argument, "Run::outcome() before the RunFinished event was read");
  return *outcome_;
}

template <class Change>
void Run::State::change(Change change) {
  const Posting now(*this);
  if (now.too_late()) return;
  asio::post(environment->executor(),
             [self = shared_from_this(), change = std::move(change)]() mutable { change(*self); });
}

void Run::cancel(std::string reason) {
  state_->change([reason = std::move(reason)](State& state) mutable { state.request_cancel(std::move(reason)); });
}

void Run::stop_answer(std::string reason) {
  state_->change([reason = std::move(reason)](State& state) mutable { state.request_stop(std::move(reason)); });
}

void Run::suspend(std::string reason) {
  state_->change([reason = std::move(reason)](State& state) mutable { state.request_suspend(std::move(reason)); });
}

void Run::detach() {
  state_->change([](State& state) {
    state.reader_detached = true;
    state.pending.clear();
    state.pending_bytes = 0;
    for (Signal* waiter : state.room_waiters) waiter->notify();
  });
  state_.reset();
}

std::string_view to_string(Approval approval) noexcept {
  switch (approval) {
    case Approval::once:
      return "once";
    case Approval::always:
      return "always";
    case Approval::never:
      break;
  }
  return "never";
}

void Run::approve(const std::string& id, Approval approval) {
  answer(id, std::string(to_string(approval)));
}

void Run::answer(const std::string& id, std::string text) {
  state_->change([id, text = std::move(text)](State& state) {
    const auto found = state.requests.find(id);
    if (found != state.requests.end()) found->second->settle(text);
  });
}

const std::string& Run::id() const {
  return state_->id;
}

}  // namespace sennit
