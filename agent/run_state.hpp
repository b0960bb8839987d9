// Private: what the handle of a run and its working coroutine share. Everything here happens on the run's shard,
// except where it says otherwise.
#pragma once

#include <sennit/agent/agent.hpp>
#include <sennit/agent/event_order.hpp>
#include <sennit/agent/io/signal.hpp>
#include <sennit/agent/run.hpp>
#include <sennit/agent/run_record.hpp>

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
  bool (*is_answer)(std::string_view text) = nullptr;  // null: every text is

  [[nodiscard]] bool accepts(std::string_view text) const { return is_answer == nullptr || is_answer(text); }
  /// The first answer counts; what is none is ignored.
  void settle(std::string_view text) {
    if (done || !accepts(text)) return;
    done = true;
    answer = sanitize_utf8(text);
    settled.notify();
  }
};

struct Run::State : std::enable_shared_from_this<Run::State> {
  State(std::shared_ptr<Environment> shard, std::string run_id, RunOptions run_options)
      : environment(std::move(shard)), id(std::move(run_id)), options(std::move(run_options)) {}

  // ---- towards the reader ----
  /// Queues an event. Beyond a few unread ones adjacent deltas merge, so that a slow reader costs bytes, not events.
  void emit(Event event);
  /// Of a lane (see EventOrder). While the run is told from its journal, an event waits for its turn.
  void emit(std::string_view lane, Event event);
  /// What is told of the journal ends here: from now on events go out as they come.
  void go_live();
  /// Suspends while more than RunOptions::event_buffer bytes are unread.
  [[nodiscard]] asio::awaitable<void> room();
  [[nodiscard]] bool has_room() const {
    if (reader_detached) return true;
    // What is told comes at once, and must not be merged: a replay gives the very events that were.
    return pending_bytes <= options.event_buffer && (!retold || pending.size() < kUnmergedEvents);
  }
  /// Run::next() on the shard.
  [[nodiscard]] static asio::awaitable<std::optional<std::span<const Event>>> next(std::shared_ptr<State> self);

  // ---- from the caller ----
  /// Idempotent: the first reason stays.
  void request_cancel(std::string reason);
  void request_suspend(std::string reason);
  void request_stop(std::string reason);
  /// Counts the tools at work. As the last one ends, a stop that waited for it takes effect.
  void tool_began() { ++tools_at_work; }
  void tool_ended();
  /// [thread-safe] Calls change(State&) on the shard, unless the run is over.
  template <class Change>
  void change(Change change);

  std::shared_ptr<Environment> environment;  // shared: a run may outlive its Runtime when a borrowed loop was dropped
  const std::string id;
  RunOptions options;

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
  bool suspending = false;  // the cancellation leaves the run to be resumed
  std::string cancel_reason;
  bool journalled = false;
  bool reader_detached = false;
  std::optional<std::string> stop_reason;  // of a stop that waits for the tools at work
  std::uint32_t tools_at_work = 0;

  static constexpr std::size_t kUnmergedEvents = 256;  // unread events kept apart before adjacent deltas merge
  EventOrder order;                                    // of what went out, for the journal
  std::optional<EventMerge> retold;                    // while the run is told from its journal
  std::map<std::string, Answer, std::less<>> answers;  // that came through the store, by request

  std::map<std::string, PersonRequest*> requests;
};

/// How a run comes about: by what a person said, or by what there is of it already.
struct Beginning {
  std::string input{};
  std::string resume{};                     ///< the run to go on with
  bool forced = false;                      ///< out of quarantine
  bool migrate = false;                     ///< with an agent that has changed
  std::shared_ptr<RecordedRun> recorded{};  ///< to replay, or to fork from; null otherwise
  std::uint32_t fork_at = 0;                ///< the first effect that is done anew; 0: a replay
  std::string say{};                        ///< of a fork: said to the model before it goes on
};

/// Starts a run of `session` and hands its handle out. Never throws: what goes wrong is the run's outcome.
[[nodiscard]] Run start_run(std::shared_ptr<Session::State> session, Beginning beginning, RunOptions options);

}  // namespace sennit
