// Private: what the handle of a run and its working coroutine share. Everything here happens on the run's shard,
// except where it says otherwise.
#pragma once

#include <sennit/agent/agent.hpp>
#include <sennit/agent/io/signal.hpp>
#include <sennit/agent/run.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sennit {

/// Something the run waits for a person to settle.
struct PersonRequest {
  Signal settled;
  bool done = false;
  std::string answer;
  Approval approval = Approval::never;
};

struct Run::State : std::enable_shared_from_this<Run::State> {
  State(std::shared_ptr<Environment> shard, std::string run_id, RunOptions run_options)
      : environment(std::move(shard)), id(std::move(run_id)), options(std::move(run_options)) {}

  // ---- towards the reader ----
  /// Queues an event. Beyond a few unread ones adjacent deltas merge, so that a slow reader costs bytes, not events.
  void emit(Event event);
  void emit(const std::string& path, EventData data) { emit(Event{path, std::move(data)}); }
  /// Suspends while more than RunOptions::event_buffer bytes are unread.
  [[nodiscard]] asio::awaitable<void> room();
  [[nodiscard]] bool has_room() const { return pending_bytes <= options.event_buffer; }
  /// Run::next() on the shard.
  [[nodiscard]] static asio::awaitable<std::optional<std::span<const Event>>> next(std::shared_ptr<State> self);

  // ---- from the caller ----
  /// Idempotent: the first reason stays.
  void request_cancel(std::string reason);
  /// [thread-safe] Calls change(State&) on the shard, unless the run is over.
  template <class Change>
  void change(Change change);

  std::shared_ptr<Environment> environment;  // shared: a run may outlive its Runtime when a borrowed loop was dropped
  const std::string id;
  const RunOptions options;

  std::vector<Event> pending;    // not yet delivered
  std::vector<Event> delivered;  // what the last next() gave; touched by next() only
  std::size_t pending_bytes = 0;
  bool ended = false;        // RunFinished is queued or delivered
  Signal arrived;            // the reader waits here
  bool reader_left = false;  // a reader on another executor was cancelled; `arrived` wakes its next()
  /// Set when the run's last act on its shard is done. From then on only the handle touches what is here, and the
  /// shard and its Runtime may be gone.
  std::atomic<bool> over{false};
  /// Who posts to the shard from elsewhere says so first, then looks whether the run is over. What is posted by then
  /// the shard still does: the run does not leave its Runtime while anybody is posting.
  struct Posting {
    explicit Posting(State& run) : state(run) { ++state.posting; }
    ~Posting() { --state.posting; }
    Posting(const Posting&) = delete;
    Posting& operator=(const Posting&) = delete;
    [[nodiscard]] bool too_late() const { return state.over.load(); }
    State& state;
  };
  std::atomic<int> posting{0};
  /// On the shard, as the run's last act there.
  void leave_shard();
  std::vector<Signal*> room_waiters;

  asio::cancellation_signal stop;  // of the planner; the coroutine that finishes the run is never cancelled
  bool cancelled = false;
  std::string cancel_reason;

  std::map<std::string, PersonRequest*> requests;
  std::uint32_t next_request = 1;
};

/// Starts a run of `session` and hands its handle out. Never throws: what goes wrong is the run's outcome.
[[nodiscard]] Run start_run(std::shared_ptr<Session::State> session, std::string input, RunOptions options);

}  // namespace sennit
