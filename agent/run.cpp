#include <sennit/agent/run.hpp>
#include <sennit/agent/run_state.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

constexpr std::size_t kUnmergedEvents = 256;  // unread events kept apart before adjacent deltas merge

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

}  // namespace

void Run::State::emit(Event event) {
  if (ended) return;  // nothing follows the terminal event
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

asio::awaitable<std::optional<std::span<const Event>>> Run::State::next(std::shared_ptr<State> self) {
  std::vector<Event>().swap(self->delivered);  // a run that waits, for a model or a person, holds as little as it can
  while (self->pending.empty()) {
    if (self->ended) co_return std::nullopt;
    try {
      co_await self->arrived.wait();
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

Run::Run(Run&&) noexcept = default;

Run& Run::operator=(Run&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(outcome_, other.outcome_);
  return *this;
}

Run::~Run() {
  if (state_) cancel("the run was dropped by its caller");
}

asio::awaitable<std::optional<std::span<const Event>>> Run::next() {
  std::optional<std::span<const Event>> events;
  const asio::any_io_executor here = co_await asio::this_coro::executor;
  const asio::any_io_executor shard = state_->environment->executor();
  if (here == shard) {
    events = co_await State::next(state_);
  } else {
    auto on_shard = State::next(state_);
    events = co_await asio::co_spawn(shard, std::move(on_shard), asio::use_awaitable);
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

void Run::cancel(std::string reason) {
  asio::post(state_->environment->executor(),
             [state = state_, reason = std::move(reason)]() mutable { state->request_cancel(std::move(reason)); });
}

void Run::approve(const std::string& id, Approval approval) {
  asio::post(state_->environment->executor(), [state = state_, id, approval] {
    const auto found = state->requests.find(id);
    if (found == state->requests.end() || found->second->done) return;
    found->second->done = true;
    found->second->approval = approval;
    found->second->settled.notify();
  });
}

void Run::answer(const std::string& id, std::string text) {
  asio::post(state_->environment->executor(), [state = state_, id, text = std::move(text)]() mutable {
    const auto found = state->requests.find(id);
    if (found == state->requests.end() || found->second->done) return;
    found->second->done = true;
    found->second->answer = std::move(text);
    found->second->settled.notify();
  });
}

const std::string& Run::id() const {
  return state_->id;
}

}  // namespace sennit
