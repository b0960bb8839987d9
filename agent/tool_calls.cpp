// Calling the tools of a step side by side: each call is told from the journal or made, and recorded before anybody
// hears of its result.
#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/find_tools.hpp>
#include <sennit/agent/hook_asking.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/single_call.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <map>
#include <utility>

namespace sennit {
namespace {

struct Batch {
  std::vector<ToolCall> calls;
  std::vector<ToolCall> made;  // as hooks left them
  std::vector<std::string> effects;
  std::vector<std::optional<Message>> results;
  std::vector<bool> started;
  std::map<std::string, std::size_t, std::less<>> active;  // by tool
  std::size_t running = 0;
  std::size_t done = 0;
  std::int64_t position = 0;       // in the session, of the first call's result
  std::optional<Error> stopped{};  // what ends the run
  Signal changed;
};

/// A call that has ended: its events, and its result.
asio::awaitable<void> retell_call(Effects::State& state, Batch& batch, std::size_t index, const Recorded& recorded) {
  const ToolCall& call = batch.calls[index];
  const std::string& effect = batch.effects[index];
  state.emit(effect, ToolStarted{call});
  const json::value& out = recorded.out;
  const ToolCall& made = batch.made[index] = retell_before_tool(state, call, effect);
  if (const json::value* policy = find(out, "policy")) {
    const Verdict verdict = parse_verdict(find_string(*policy, "verdict")).value_or(Verdict::deny);
    state.emit(effect, PolicyDecided{call.id, call.name, verdict, std::string(find_string(*policy, "rule"))});
  }
  const bool stopped = find(out, "stopped") != nullptr;
  std::optional<Error> failure;
  try {
    co_await retell_inside(state, made, effect);
  } catch (...) {
    failure = current_error();
  }
  // What was inside of a call that was stopped was stopped with it.
  if (failure && (!stopped || failure->code() == errc::diverged)) throw Error(std::move(*failure));
  if (const json::value* progress = find(out, "progress")) {
    for (const json::value& text : progress->as_array()) {
      state.emit(effect, ToolProgress{call.id, std::string(text.as_string())});
    }
  }
  if (const json::value* notices = find(out, "notices")) {
    for (const json::value& text : notices->as_array()) state.emit(effect, Notice{std::string(text.as_string())});
  }
  const json::value* is_error = find(out, "is_error");
  ToolResult result{call.id, call.name, std::string(find_string(out, "content")),
                    is_error != nullptr && *is_error == json::value(true)};
  state.emit(effect, ToolFinished{result, std::chrono::microseconds(find_int(out, "us").value_or(0))});
  batch.results[index] = tool_message(std::move(result));
  if (const json::value* labels = find(out, "labels")) batch.results[index]->labels = labels_from_json(*labels);
  if (stopped) throw Error(state.end_of_record(effect, "tool"));
}

SENNIT_OUT_OF_FRAME void keep_result(Effects::State& state, const Batch& batch, std::size_t index,
                                     const Performed& performed, std::chrono::microseconds duration) {
  if (!state.journal.kept()) return;
  const ToolResult& result = performed.result;
  json::object out{
      {"call", result.call_id}, {"content", result.content}, {"is_error", result.is_error}, {"us", duration.count()}};
  if (!performed.progress.empty()) out["progress"] = performed.progress;
  if (!performed.notices.empty()) out["notices"] = json::array(performed.notices.begin(), performed.notices.end());
  if (performed.stopped) out["stopped"] = true;
  if (performed.decision) {
    out["policy"] = {{"verdict", to_string(performed.decision->verdict)}, {"rule", performed.decision->rule}};
  }
  if (!performed.labels.empty()) out["labels"] = to_json(performed.labels);
  Message message = tool_message(result);
  message.labels = performed.labels;
  const std::string& effect = batch.effects[index];
  const Message* kept = state.kept(message);
  const std::int64_t position = batch.position + static_cast<std::int64_t>(index);
  if (state.journal.started(effect)) {
    state.journal.end(effect, "tool", out, state.wall_now(), kept, position);
  } else {
    state.journal.whole(effect, "tool", describe_call(batch.calls[index]), out, state.wall_now(), kept, position);
  }
}

/// Throws what ends the run.
asio::awaitable<void> make_call(Effects::State& state, Batch& batch, std::size_t index) {
  const ToolCall& call = batch.calls[index];
  const std::string& effect = batch.effects[index];
  const Recorded* recorded = state.told(effect, "tool", state.journals() ? describe_call(call) : json::value());
  if (recorded != nullptr) co_return co_await retell_call(state, batch, index, *recorded);
  const SteadyTime begun = state.run.environment->now();
  state.emit(effect, ToolStarted{call});
  Performed performed;
  std::optional<Error> stopped;
  try {
    co_await perform(state, call, effect, performed);
  } catch (...) {
    stopped = current_error();
  }
  if (performed.arguments) batch.made[index].arguments = *performed.arguments;
  if (stopped) {
    // It stays open: the run is left to be resumed, or what becomes of the call cannot be kept.
    if (state.leaving() || stopped->code() != errc::cancelled) throw Error(std::move(*stopped));
    if (performed.result.call_id.empty()) {
      performed.result = failure_of(call, "stopped before it ended: " + state.run.cancel_reason);
    }
    performed.stopped = true;
  }
  const auto duration = std::chrono::duration_cast<std::chrono::microseconds>(state.run.environment->now() - begun);
  keep_result(state, batch, index, performed, duration);
  batch.results[index] = tool_message(performed.result);
  batch.results[index]->labels = std::move(performed.labels);
  // What was done is known to be done, before anybody hears of it. A cancellation is for what comes next.
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await state.committed_for_certain();
  for (std::string& notice : performed.notices) state.emit(effect, Notice{std::move(notice)});
  state.emit(effect, ToolFinished{std::move(performed.result), duration});
  if (stopped) throw Error(std::move(*stopped));
}

asio::awaitable<void> run_call(Effects::State& state, Batch& batch, std::size_t index) {
  state.run.tool_began();
  std::optional<Error> stopped;
  try {
    co_await make_call(state, batch, index);
  } catch (...) {
    stopped = current_error();
  }
  state.run.tool_ended();
  --batch.running;
  --batch.active[batch.calls[index].name];
  ++batch.done;
  if (stopped && !batch.stopped) batch.stopped = std::move(stopped);
  batch.changed.notify();
}

std::size_t concurrency_of(const Effects::State& state, const ToolCall& call) {
  const auto* entry = state.find_tool(call.name);
  return entry == nullptr ? 1 : std::max<std::size_t>(1, entry->tool->spec().concurrency);
}

void start_eligible(Effects::State& state, Batch& batch, TaskScope& scope) {
  const std::size_t limit = std::max<std::size_t>(1, state.parts.definition.limits.parallel_tool_calls);
  for (std::size_t i = 0; i < batch.calls.size() && batch.running < limit; ++i) {
    const ToolCall& call = batch.calls[i];
    if (batch.started[i] || batch.active[call.name] >= concurrency_of(state, call)) continue;
    batch.started[i] = true;
    ++batch.running;
    ++batch.active[call.name];
    scope.spawn(run_call(state, batch, i));
  }
}

asio::awaitable<void> run_side_by_side(Effects::State& state, Batch& batch) {
  TaskScope scope(state.run.environment->executor(), [](const Error&) {});
  std::optional<Error> stopped;
  try {
    while (batch.done < batch.calls.size()) {
      // What waits for a person does not keep the others from their work; nothing more begins after a failure.
      if (!batch.stopped || batch.stopped->code() == errc::suspended) start_eligible(state, batch, scope);
      if (batch.running == 0) break;
      co_await batch.changed.wait();
    }
  } catch (...) {
    stopped = current_error();
  }
  if (stopped) {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    scope.cancel();
  }
  co_await scope.join();
  if (stopped) throw Error(std::move(*stopped));
}

asio::awaitable<void> run_batch(Effects::State& state, Batch& batch) {
  if (batch.calls.size() > 1) {
    co_await run_side_by_side(state, batch);
  } else {
    batch.started[0] = true;
    batch.running = 1;
    batch.active[batch.calls[0].name] = 1;
    co_await run_call(state, batch, 0);
  }
  if (batch.stopped) throw Error(std::move(*batch.stopped));
}

}  // namespace

asio::awaitable<std::vector<ToolResult>> call_tools(Effects::State& state, std::vector<ToolCall> calls) {
  if (calls.empty()) co_return std::vector<ToolResult>{};
  const std::string effect = state.new_effect();
  const bool told = state.journal.has_calls(effect);
  if (!told && state.journal.replaying()) throw Error(state.end_of_record(effect, "tool"));
  if (told) {
    state.budget.retell_tool_calls(calls.size());
  } else {
    state.budget.begin_tool_calls(calls.size());
  }
  Batch batch;
  batch.calls = std::move(calls);
  batch.made = batch.calls;
  batch.position = state.next_position;
  for (std::size_t i = 0; i < batch.calls.size(); ++i) batch.effects.push_back(effect + "." + std::to_string(i + 1));
  batch.results.resize(batch.calls.size());
  batch.started.resize(batch.calls.size());

  std::optional<Error> stopped;
  try {
    co_await run_batch(state, batch);
  } catch (...) {
    stopped = current_error();
  }
  std::vector<ToolResult> results;
  for (std::size_t i = 0; i < batch.results.size(); ++i) {
    if (!batch.results[i]) continue;
    results.push_back(std::get<ToolResult>(batch.results[i]->parts.front()));
    if (!results.back().is_error) show_found(state, batch.made[i]);
    state.adopt(std::move(*batch.results[i]));  // where it is kept, it was kept with its effect
  }
  state.next_position = batch.position + static_cast<std::int64_t>(batch.calls.size());
  if (stopped) throw Error(std::move(*stopped));
  co_return results;
}

}  // namespace sennit
