// From start to end of a run: take the session, load the conversation, pick the backend, let the planner work, and
// leave everything well-formed, whatever happened.
#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/agent/open_calls.hpp>
#include <sennit/agent/opening.hpp>
#include <sennit/agent/runtime_state.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace sennit {
namespace {

constexpr const char* kTimeLimit = "limits.time: the run";

/// Leaves a conversation that any provider accepts, with what the person has read in it.
SENNIT_OUT_OF_FRAME void settle_conversation(Effects::State& state, const Outcome& outcome) {
  if (!state.partial_text.empty()) state.add_message(assistant_message(state.partial_text));
  const std::string not_done = "not done: the run ended before (" + std::string(to_string(outcome.ending)) + ")";
  for (Message& closing : closing_messages(state.conversation, {}, not_done)) state.add_message(std::move(closing));
}

std::chrono::microseconds since(const Run::State& run, SteadyTime begun) {
  return std::chrono::duration_cast<std::chrono::microseconds>(run.environment->now() - begun);
}

/// Queues the run's end: its last messages, the entry and the record reach the disk together.
SENNIT_OUT_OF_FRAME void queue_end(Effects::State& state, const Outcome& outcome, bool closes) {
  RunLog* const log = state.journal.log();
  if (log == nullptr) {
    if (closes) settle_conversation(state, outcome);
    return;
  }
  state.go_live();  // a run that was told to its end as well
  log->together([&] {
    if (closes) settle_conversation(state, outcome);
    // What it ended as is in the run's record: a text that may be long stands there once.
    state.journal.whole("end", "end", nullptr, nullptr, state.wall_now());
    log->end(state.wall_now(), outcome, state.next_position);
  });
}

SENNIT_OUT_OF_FRAME void fail_with(Outcome& outcome, Error error) {
  outcome.ending = Ending::failed;
  outcome.detail = error.describe();
  outcome.error = std::move(error);
}

/// The end of a run that is over. What cannot be kept (a text beyond the store's bound) is its failure.
SENNIT_OUT_OF_FRAME void end_run(Effects::State& state, Outcome& outcome) {
  std::optional<Error> failure;
  try {
    return queue_end(state, outcome, true);
  } catch (...) {
    failure = current_error();
  }
  fail_with(outcome, std::move(*failure));
  queue_end(state, outcome, false);  // the session's next run closes what is open
}

/// A run that could not be told with this agent is what it was: its own agent, or --migrate, may go on with it.
SENNIT_OUT_OF_FRAME void leave_run(Effects::State& state, const Outcome& outcome, Standing before) {
  RunLog* const log = state.journal.log();
  if (log == nullptr) return;
  if (outcome.ending != Ending::suspended) return log->suspend(std::move(before));
  // Its program ended as it should: none of its attempts counts against it.
  log->suspend({state.leaving() ? std::string() : outcome.detail, 0});
}

SENNIT_OUT_OF_FRAME void cancel_at_once(const Effects::State& state, Outcome& outcome) {
  outcome = outcome_of(state, Error(errc::cancelled, state.run.cancel_reason));
}

/// The planner's part of the run, in a coroutine that can be cancelled apart from the one that finishes the run.
asio::awaitable<void> plan_cancellably(Effects::State& state, Outcome& outcome) {
  if (state.run.cancelled) co_return cancel_at_once(state, outcome);
  auto planning = run_planner(state, outcome);
  co_await asio::co_spawn(state.run.environment->executor(), std::move(planning),
                          asio::bind_cancellation_slot(state.run.stop.slot(), asio::use_awaitable));
}

SENNIT_OUT_OF_FRAME void take_conversation(Effects::State& state, Opening& opening) {
  state.input = std::move(opening.input);
  state.say = std::move(opening.say);
  state.opening_notice = std::move(opening.notice);
  for (Message& message : opening.history) state.adopt(std::move(message));
  state.next_position = opening.next_position;
}

/// Of a replay: the outcome is what it was, or the run ends as failed.
SENNIT_OUT_OF_FRAME void compare_outcomes(const Effects::State& state, Outcome& outcome) {
  const Recorded* end = state.journal.find("end");
  if (end == nullptr || (outcome.error && outcome.error->code() == errc::diverged)) return;
  const Outcome was = read_recorded("end", [&] { return outcome_from_json(end->out); });
  if (was.detail == kOutcomeTooLarge) return;  // nothing is known of it
  outcome.duration = was.duration;
  const std::string difference = json_difference(end->out, to_json(outcome));
  if (difference.empty()) return;
  fail_with(outcome, Error(errc::diverged, "the run ends in another way than it did:\n" + difference).at("the end"));
}

/// What is left to do once the planner has ended.
SENNIT_OUT_OF_FRAME asio::awaitable<void> conclude(Effects::State& state, Outcome& outcome, Standing before) {
  const bool replayed = state.journal.replaying();
  const bool refused = outcome.error && outcome.error->code() == errc::diverged;
  const bool goes_on = outcome.ending == Ending::suspended || refused;
  if (goes_on) {
    leave_run(state, outcome, std::move(before));
  } else {
    end_run(state, outcome);
  }
  if (replayed) compare_outcomes(state, outcome);
  std::optional<Error> failure;
  try {
    if (state.journal.kept()) co_await state.journal.log()->committed();
  } catch (...) {
    failure = current_error();
  }
  if (!failure) state.release();
  if (failure && !refused) fail_with(outcome, std::move(*failure));  // why it was refused is the weightier news
  close_session(state.session, goes_on || replayed ? nullptr : &state.conversation);
}

/// All of a run but its last event. The outcome is the caller's: each coroutine that handed it on would hold another.
asio::awaitable<void> work(Run::State& run, Session::State& session, std::unique_ptr<Beginning>& beginning,
                           Outcome& outcome) {
  const SteadyTime begun = run.environment->now();
  Opening opening = co_await open_run(run, session, *beginning);
  beginning.reset();
  run.journalled = opening.journal.kept();
  Effects::State state(run, session, opening.journal);
  take_conversation(state, opening);
  co_await plan_cancellably(state, outcome);
  outcome.duration = since(run, begun);
  co_await conclude(state, outcome, std::move(opening.before));
}

/// The end of a run that broke before its planner began, or after it ended.
SENNIT_OUT_OF_FRAME void end_early(const Run::State& run, Outcome& outcome, Error error) {
  const bool cancelled = run.cancelled && error.code() == errc::cancelled;
  outcome.ending = cancelled ? Ending::cancelled : Ending::failed;
  if (cancelled) outcome.detail = run.cancel_reason;
  if (!cancelled) outcome.error = std::move(error);
}

SENNIT_OUT_OF_FRAME void finish(Run::State& run, Outcome& outcome) {
  run.go_live();
  run.emit(Event{{}, RunFinished{std::move(outcome)}});
}

asio::awaitable<void> drive(std::shared_ptr<Run::State> run, std::shared_ptr<Session::State> session,
                            std::unique_ptr<Beginning> beginning) {
  Outcome outcome;
  try {
    co_await work(*run, *session, beginning, outcome);
  } catch (...) {
    end_early(*run, outcome, current_error());
  }
  finish(*run, outcome);
  session->parts->runtime->remove(run);
}

}  // namespace

SENNIT_OUT_OF_FRAME Outcome outcome_of(const Effects::State& state, Error error) {
  Outcome outcome;
  outcome.text = state.partial_text.empty() ? state.said_apart : state.partial_text;
  if (error.code() == errc::cancelled && state.run.cancelled) {
    outcome.ending = state.leaving() ? Ending::suspended : Ending::cancelled;
    outcome.detail = state.run.cancel_reason;
  } else if (error.code() == errc::suspended) {
    outcome.ending = Ending::suspended;
    outcome.detail = error.message();
  } else if (error.code() == errc::limit) {
    outcome.ending = Ending::limit;
    outcome.detail = error.message();
  } else {
    outcome.ending = error.code() == errc::content_filter ? Ending::refused : Ending::failed;
    outcome.detail = error.describe();
    outcome.error = std::move(error);
  }
  return outcome;
}

namespace {

/// The planner threw: the outcome, in terms of the run.
SENNIT_OUT_OF_FRAME void end_broken(const Effects::State& state, Outcome& outcome, Error failure) {
  const bool time_is_up = failure.code() == errc::timeout && failure.message().starts_with(kTimeLimit);
  if (time_is_up) failure = Error(errc::limit, failure.message());
  outcome = outcome_of(state, std::move(failure));
}

asio::awaitable<void> plan_into(Effects::State& state, Outcome& outcome) {
  if (state.input) co_await prepare(state, std::move(*state.input));
  Effects effects(state);
  outcome = co_await state.parts.planner->plan(effects);
}

/// In a function of its own: the name of the deadline is a string, and would stay in the frame.
SENNIT_OUT_OF_FRAME asio::awaitable<void> in_time(const Effects::State& state, asio::awaitable<void> plan) {
  return with_timeout(*state.run.environment, state.parts.definition.limits.time, std::move(plan), kTimeLimit);
}

SENNIT_OUT_OF_FRAME void count_up(const Effects::State& state, Outcome& outcome) {
  outcome.usage = state.budget.usage();
  outcome.cost = state.budget.cost();
  outcome.steps = state.budget.steps();
  outcome.tool_calls = state.budget.tool_calls();
  outcome.labels = state.labels;
}

}  // namespace

asio::awaitable<void> run_planner(Effects::State& state, Outcome& outcome) {
  try {
    auto plan = plan_into(state, outcome);
    co_await in_time(state, std::move(plan));
  } catch (...) {
    end_broken(state, outcome, current_error());
  }
  count_up(state, outcome);
}

asio::awaitable<Outcome> run_child(Effects::State& parent, std::shared_ptr<const Agent::Parts> agent, std::string task,
                                   std::string call_id, std::string effect) {
  if (parent.levels_left == 0) {
    throw Error(errc::limit, "limits.depth: sub-agents may be nested " + std::to_string(parent.depth) + " deep");
  }
  Effects::State state(parent, *agent, call_id, effect);
  state.emit(Delegated{agent->definition.name, task});
  state.input = std::move(task);
  Outcome outcome;
  co_await run_planner(state, outcome);
  if (outcome.ending == Ending::suspended) throw Error(errc::suspended, outcome.detail);
  if (outcome.error && outcome.error->code() == errc::diverged) throw Error(*outcome.error);
  const std::string end = state.scope + "end";
  if (!state.leaving() && state.journal.find(end) == nullptr) {
    state.go_live();
    state.journal.whole(end, "end", nullptr, to_json(outcome), state.wall_now());
  }
  if (!state.held.empty()) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await state.committed_for_certain();
    state.release();
  }
  if (outcome.ending == Ending::cancelled) throw Error(errc::cancelled, outcome.detail);
  co_return outcome;
}

namespace {

/// A run that goes on, or is told again, keeps its id.
std::string id_of(Runtime::State& runtime, const Beginning& beginning) {
  if (!beginning.resume.empty()) return beginning.resume;
  if (beginning.recorded && beginning.fork_at == 0) return beginning.recorded->record.id;
  return runtime.new_id();
}

}  // namespace

Run start_run(std::shared_ptr<Session::State> session, Beginning beginning, RunOptions options) {
  Runtime::State& runtime = *session->parts->runtime;
  const std::size_t shard = runtime.next_shard.fetch_add(1, std::memory_order_relaxed) % runtime.shards.size();
  auto run = std::make_shared<Run::State>(runtime.shards[shard], id_of(runtime, beginning), std::move(options));
  if (!runtime.add(run)) {
    Outcome outcome;
    outcome.ending = Ending::failed;
    outcome.error = Error(errc::busy, "the runtime is shutting down");
    run->emit(Event{{}, RunFinished{std::move(outcome)}});
    run->over = true;
    return Run(std::move(run));
  }
  // The runtime's set of active runs owns the coroutine: shutdown cancels it and waits until it has left the set.
  auto driving = drive(run, std::move(session), std::make_unique<Beginning>(std::move(beginning)));
  asio::co_spawn(run->environment->executor(), std::move(driving), [](const std::exception_ptr&) {});
  return Run(std::move(run));
}

}  // namespace sennit
