// From start to end of a run: take the session, load the conversation, pick the backend, let the planner work, and
// leave everything well-formed, whatever happened.
#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/agent/runtime_state.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

constexpr const char* kTimeLimit = "limits.time: the run";

std::string display(const json::value& value) {
  if (const json::string* text = value.if_string()) return std::string(*text);
  return json::serialize(value);
}

bool has_type(const json::value& value, std::string_view type) {
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_bool();
  return value.is_string();
}

/// `text` with `{name}` replaced by its value, in one pass: a value that looks like a place is taken as it is.
std::string fill_in(std::string_view text, const std::map<std::string, std::string, std::less<>>& values) {
  std::string out;
  for (std::size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{')) {
    const std::size_t close = text.find('}', open);
    const auto value =
        close == std::string_view::npos ? values.end() : values.find(text.substr(open + 1, close - open - 1));
    const std::size_t end = value == values.end() ? open + 1 : close + 1;
    out += value == values.end() ? text.substr(0, end) : text.substr(0, open);
    if (value != values.end()) out += value->second;
    text.remove_prefix(end);
  }
  return out.append(text);
}

/// The instructions with `{input}` replaced. Throws Error(errc::invalid_argument) for inputs that do not fit.
SENNIT_OUT_OF_FRAME std::string render_instructions(const Definition& definition,
                                                    const std::map<std::string, json::value>& inputs) {
  for (const auto& [name, value] : inputs) {
    const auto is_it = [&name = name](const InputSpec& spec) { return spec.name == name; };
    if (std::none_of(definition.inputs.begin(), definition.inputs.end(), is_it)) {
      throw Error(errc::invalid_argument, "the agent has no input '" + name + "'");
    }
  }
  std::map<std::string, std::string, std::less<>> values;
  for (const InputSpec& spec : definition.inputs) {
    const auto given = inputs.find(spec.name);
    const json::value& value = given == inputs.end() ? spec.fallback : given->second;
    if (value.is_null()) {
      if (spec.required) throw Error(errc::invalid_argument, "the input '" + spec.name + "' is required");
      values[spec.name];
      continue;
    }
    if (!has_type(value, spec.type)) {
      throw Error(errc::invalid_argument, "the input '" + spec.name + "' must be a " + spec.type);
    }
    values[spec.name] = display(value);
  }
  return fill_in(definition.instructions, values);
}

std::string note_line(const Note& note) {
  return "\n- " + note.text;
}

/// Leaves out what an earlier turn of this conversation has put before the model.
void erase_known(std::vector<Note>& notes, const std::vector<Message>& conversation) {
  std::string known;
  for (const Message& message : conversation) {
    if (message.role != Role::user) continue;
    if (std::string text = message.text(); text.starts_with(kNotesHead)) known += text + "\n";
  }
  std::erase_if(notes, [&known](const Note& note) { return known.find(note_line(note) + "\n") != std::string::npos; });
}

SENNIT_OUT_OF_FRAME std::optional<Message> notes_message(const std::vector<Note>& notes) {
  if (notes.empty()) return std::nullopt;
  std::string text(kNotesHead);
  for (const Note& note : notes) text += note_line(note);
  return user_message(std::move(text));
}

/// Puts the notes that match before the model. A memory that fails is told of, and the run goes on without it.
SENNIT_OUT_OF_FRAME asio::awaitable<void> recall_notes(Effects::State& state, std::string input) {
  if (!state.parts.memory || !state.parts.definition.memory.recall) co_return;
  Effects effects(state);
  std::vector<Note> notes;
  try {
    notes = co_await effects.recall(std::move(input), state.parts.definition.memory.recall_limit);
  } catch (const Error& error) {
    if (error.code() != errc::storage) throw;
    state.emit(Notice{"nothing is recalled: " + error.describe()});
  }
  erase_known(notes, state.conversation);
  std::optional<Message> message = notes_message(notes);
  if (!message) co_return;
  MemoryRecalled recalled;
  for (const Note& note : notes) recalled.notes.push_back(note.text);
  state.emit(std::move(recalled));
  state.add_message(std::move(*message));
}

SENNIT_OUT_OF_FRAME void tell_uncounted_cost(Effects::State& state) {
  const std::string why = state.budget.uncounted_cost();
  if (why.empty()) return;
  state.emit(Notice{"limits.cost does not count " + state.backend->info().id + ": " + why});
}

/// Everything before the planner: cancellable like the planner itself.
SENNIT_OUT_OF_FRAME asio::awaitable<void> prepare(Effects::State& state, std::string input) {
  const Definition& definition = state.parts.definition;
  state.instructions = render_instructions(definition, state.run.options.inputs);
  std::string notice = co_await state.select_backend();
  state.emit(RunStarted{state.run.id, state.session.id, definition.name, state.backend->info().id});
  if (!notice.empty()) state.emit(Notice{std::move(notice)});
  tell_uncounted_cost(state);
  if (state.store != nullptr) {
    state.store->begin_run({state.run.id, state.session.id, definition.name, state.backend->info().id,
                            state.parts.digest, input, state.run.environment->wall_now(), std::nullopt, nullptr});
  }
  co_await recall_notes(state, input);
  state.add_message(user_message(std::move(input)));
  co_await state.committed();  // what the person said is kept, whatever becomes of the answer
}

/// What a run that its program did not survive had on disk of each tool call: by the call's id, true where it ended.
using CallRecords = std::map<std::string, std::pair<bool, json::object>, std::less<>>;

asio::awaitable<CallRecords> call_records(Store& store, std::string session) {
  CallRecords calls;
  const std::vector<RunRecord> last = co_await store.runs(std::move(session), 1);
  if (last.empty()) co_return calls;
  for (const JournalEntry& entry : co_await store.journal_of(last.front().id)) {
    if (entry.kind != "tool" || entry.effect.find('/') != std::string::npos) continue;
    std::optional<json::value> data = parse_json(entry.data);
    if (!data || !data->is_object()) continue;
    std::string call(find_string(*data, "call"));
    calls.insert_or_assign(std::move(call), std::pair(entry.finished, std::move(data->get_object())));
  }
  co_return calls;
}

struct OpenedSession {
  std::vector<Message> conversation;
  CallRecords calls;  // only where calls were left open
};

asio::awaitable<OpenedSession> read_session(Store& store, std::string session) {
  OpenedSession opened;
  opened.conversation = co_await store.messages(session);
  if (!open_calls(opened.conversation).empty()) opened.calls = co_await call_records(store, std::move(session));
  co_return opened;
}

/// Takes the session's conversation. Throws Error(errc::busy).
SENNIT_OUT_OF_FRAME asio::awaitable<OpenedSession> open_session(Session::State& session) {
  Runtime::State& runtime = *session.parts->runtime;
  const bool taken = [&] {
    if (session.kept()) return runtime.sessions->acquire(session.id);
    const std::lock_guard lock(session.mutex);
    return !std::exchange(session.running, true);
  }();
  if (!taken) throw session_is_busy(session.kept() ? session.id : std::string{});
  if (!session.kept()) {
    const std::lock_guard lock(session.mutex);
    session.run_starts.push_back(session.messages.size());
    co_return OpenedSession{session.messages, {}};
  }
  std::optional<Error> failure;
  try {
    co_return co_await read_session(*runtime.store, session.id);
  } catch (...) {
    failure = current_error();
  }
  runtime.sessions->release(session.id);
  throw Error(std::move(*failure));
}

/// Gives every call that was left open a result that says what is known of it.
SENNIT_OUT_OF_FRAME void close_open_calls(Effects::State& state, const CallRecords& calls,
                                          const std::string& not_done) {
  for (const ToolCall& call : open_calls(state.conversation)) {
    ToolResult result{call.id, call.name, not_done, true};
    if (const auto known = calls.find(call.id); known != calls.end()) {
      const auto& [ended, data] = known->second;
      const json::value* failed = data.if_contains("is_error");
      result.content = ended ? std::string(find_string(data, "content"))
                             : "the program ended while this ran: it is not known whether it was done; find out "
                               "before you do it again";
      result.is_error = !ended || (failed != nullptr && *failed == json::value(true));
    }
    state.add_message(tool_message(std::move(result)));
  }
}

SENNIT_OUT_OF_FRAME void close_session(Session::State& session, std::vector<Message> conversation) {
  if (session.kept()) return session.parts->runtime->sessions->release(session.id);
  const std::lock_guard lock(session.mutex);
  session.messages = std::move(conversation);
  session.running = false;
}

/// Leaves a conversation that any provider accepts, with what the person has read in it.
SENNIT_OUT_OF_FRAME void settle_conversation(Effects::State& state, const Outcome& outcome) {
  if (!state.partial_text.empty()) state.add_message(assistant_message(state.partial_text));
  close_open_calls(state, {}, "not done: the run ended before (" + std::string(to_string(outcome.ending)) + ")");
}

std::chrono::microseconds since(const Run::State& run, SteadyTime begun) {
  return std::chrono::duration_cast<std::chrono::microseconds>(run.environment->now() - begun);
}

/// Brings the end of the run to the disk. The failure, if that cannot be done.
SENNIT_OUT_OF_FRAME asio::awaitable<std::optional<Error>> keep_end(Effects::State& state, const Outcome& outcome) {
  if (state.store == nullptr) co_return std::nullopt;
  state.store->end_run(state.run.id, state.run.environment->wall_now(), outcome);
  try {
    co_await state.store->committed();
  } catch (...) {
    co_return current_error();
  }
  co_return std::nullopt;
}

/// The planner's part of the run, in a coroutine that can be cancelled apart from the one that finishes the run.
asio::awaitable<void> plan_cancellably(Effects::State& state, Outcome& outcome) {
  if (state.run.cancelled) {
    outcome = outcome_of(state, Error(errc::cancelled, state.run.cancel_reason));
    co_return;
  }
  auto planning = run_planner(state, outcome);
  co_await asio::co_spawn(state.run.environment->executor(), std::move(planning),
                          asio::bind_cancellation_slot(state.run.stop.slot(), asio::use_awaitable));
}

SENNIT_OUT_OF_FRAME asio::awaitable<void> take_conversation(Effects::State& state) {
  OpenedSession opened = co_await open_session(state.session);
  state.conversation = std::move(opened.conversation);
  close_open_calls(state, opened.calls, "not done: the program ended before");
}

/// All of a run but its last event. The outcome is the caller's: each coroutine that handed it on would hold another.
asio::awaitable<void> work(Run::State& run, Session::State& session, std::string& input, Outcome& outcome) {
  const SteadyTime begun = run.environment->now();
  Effects::State state(run, session);
  co_await take_conversation(state);
  state.input = std::move(input);
  co_await plan_cancellably(state, outcome);
  settle_conversation(state, outcome);
  outcome.duration = since(run, begun);
  if (std::optional<Error> failure = co_await keep_end(state, outcome)) {
    outcome.ending = Ending::failed;
    outcome.error = std::move(failure);
  }
  close_session(session, std::move(state.conversation));
}

SENNIT_OUT_OF_FRAME void finish(Run::State& run, Outcome outcome) {
  run.emit("", RunFinished{std::move(outcome)});
}

asio::awaitable<void> drive(std::shared_ptr<Run::State> run, std::shared_ptr<Session::State> session,
                            std::string input) {
  Outcome outcome;
  try {
    co_await work(*run, *session, input, outcome);
  } catch (...) {
    outcome.ending = Ending::failed;
    outcome.error = current_error();
  }
  finish(*run, std::move(outcome));
  session->parts->runtime->remove(run);
}

}  // namespace

SENNIT_OUT_OF_FRAME Outcome outcome_of(const Effects::State& state, Error error) {
  Outcome outcome;
  outcome.text = state.partial_text;
  if (error.code() == errc::cancelled && state.run.cancelled) {
    outcome.ending = Ending::cancelled;
    outcome.detail = state.run.cancel_reason;
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

Error in_terms_of_the_run(Error failure) {
  const bool time_is_up = failure.code() == errc::timeout && failure.message().starts_with(kTimeLimit);
  if (time_is_up) failure = Error(errc::limit, failure.message());
  return failure;
}

asio::awaitable<void> plan_into(Effects::State& state, Outcome& outcome) {
  if (state.input) co_await prepare(state, std::move(*state.input));
  Effects effects(state);
  outcome = co_await state.parts.planner->plan(effects);
}

SENNIT_OUT_OF_FRAME void count_up(const Effects::State& state, Outcome& outcome) {
  outcome.usage = state.budget.usage();
  outcome.cost = state.budget.cost();
  outcome.steps = state.budget.steps();
  outcome.tool_calls = state.budget.tool_calls();
}

}  // namespace

asio::awaitable<void> run_planner(Effects::State& state, Outcome& outcome) {
  std::optional<Error> failure;
  try {
    auto plan = plan_into(state, outcome);
    co_await with_timeout(*state.run.environment, state.parts.definition.limits.time, std::move(plan), kTimeLimit);
  } catch (...) {
    failure = current_error();
  }
  if (failure) outcome = outcome_of(state, in_terms_of_the_run(std::move(*failure)));
  count_up(state, outcome);
}

asio::awaitable<Outcome> run_child(Effects::State& parent, std::shared_ptr<const Agent::Parts> agent, std::string task,
                                   std::string call_id, std::string effect) {
  if (parent.levels_left == 0) {
    throw Error(errc::limit, "limits.depth: sub-agents may be nested " + std::to_string(parent.depth) + " deep");
  }
  Effects::State state(parent, *agent, call_id, effect);
  state.instructions = render_instructions(agent->definition, {});
  state.emit(Delegated{agent->definition.name, task});
  std::string notice = co_await state.select_backend();
  if (!notice.empty()) state.emit(Notice{std::move(notice)});
  tell_uncounted_cost(state);
  co_await recall_notes(state, task);
  state.add_message(user_message(std::move(task)));
  Outcome outcome;
  co_await run_planner(state, outcome);
  if (outcome.ending == Ending::cancelled) throw Error(errc::cancelled, outcome.detail);
  co_return outcome;
}

SENNIT_OUT_OF_FRAME std::vector<ToolCall> open_calls(const std::vector<Message>& conversation) {
  std::vector<ToolCall> open;
  const auto is_calling = [](const Message& message) { return !message.tool_calls().empty(); };
  const auto last = std::find_if(conversation.rbegin(), conversation.rend(), is_calling);
  if (last == conversation.rend()) return open;
  for (const ToolCall* call : last->tool_calls()) open.push_back(*call);
  for (auto message = last.base(); message != conversation.end(); ++message) {
    for (const Part& part : message->parts) {
      const auto* result = std::get_if<ToolResult>(&part);
      if (result == nullptr) continue;
      std::erase_if(open, [&](const ToolCall& call) { return call.id == result->call_id; });
    }
  }
  return open;
}

Run start_run(std::shared_ptr<Session::State> session, std::string input, RunOptions options) {
  Runtime::State& runtime = *session->parts->runtime;
  const std::size_t shard = runtime.next_shard.fetch_add(1, std::memory_order_relaxed) % runtime.shards.size();
  auto run = std::make_shared<Run::State>(runtime.shards[shard], runtime.new_id(), std::move(options));
  if (!runtime.add(run)) {
    Outcome outcome;
    outcome.ending = Ending::failed;
    outcome.error = Error(errc::busy, "the runtime is shutting down");
    run->emit("", RunFinished{std::move(outcome)});
    run->over = true;
    return Run(std::move(run));
  }
  // The runtime's set of active runs owns the coroutine: shutdown cancels it and waits until it has left the set.
  auto driving = drive(run, std::move(session), std::move(input));
  asio::co_spawn(run->environment->executor(), std::move(driving), [](const std::exception_ptr&) {});
  return Run(std::move(run));
}

}  // namespace sennit
