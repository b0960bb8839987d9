#include <sennit/agent/effects.hpp>
#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/runtime_state.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace sennit {
namespace {

// The one retry loop of the library. Only for failures that a repeat may cure, and only while nothing was shown.
constexpr std::uint32_t kMaxAttempts = 4;
constexpr milliseconds kFirstDelay{500};
constexpr milliseconds kLongestDelay{30'000};  // a longer Retry-After is reported, not slept

/// How long to wait before `attempt` (2, 3, …): what the server asked for, else doubling with jitter.
milliseconds retry_delay(std::uint32_t attempt, const Error& error, std::uint64_t random) {
  if (error.retry_after()) return *error.retry_after();
  const milliseconds base = kFirstDelay * (1U << (attempt - 2));
  const auto jitter = static_cast<std::int64_t>(random % static_cast<std::uint64_t>(base.count()));
  return std::min(base / 2 + milliseconds(jitter), kLongestDelay);
}

/// What a completion was asked, small enough to keep: a step of a long run must not cost more than a short one's.
json::object describe_request(const Effects::State& state, const CompletionChange& change) {
  json::object out{{"model", state.backend->info().id}, {"messages", state.conversation.size()}};
  if (change.tool_choice == ToolChoice::none) out["tools"] = false;
  return out;
}

json::object describe_completion(const Completion& completion) {
  json::object out{{"message", to_json(completion.message)},
                   {"reason", to_string(completion.reason)},
                   {"usage", to_json(completion.usage)}};
  if (!completion.refusal.empty()) out["refusal"] = completion.refusal;
  return out;
}

/// What came of asking once.
struct Attempt {
  Completion completion;
  std::optional<Error> error;
  bool visible = false;     ///< something was shown: it must not be asked again silently
  std::size_t written = 0;  ///< bytes that the model wrote
};

SENNIT_OUT_OF_FRAME std::unique_ptr<TokenStream> open_stream(const Effects::State& state, CompletionChange change) {
  CompletionRequest request;
  request.instructions = state.instructions;
  request.messages = state.conversation;
  request.tools = state.parts.descriptions;
  request.output_schema = state.parts.definition.output ? &*state.parts.definition.output : nullptr;
  request.tool_choice = change.tool_choice;
  request.options = state.parts.definition.model.options;
  return state.backend->stream(*state.run.environment, request);
}

/// Shows a batch and adds it to the completion. The failure, if it holds one.
SENNIT_OUT_OF_FRAME std::optional<Error> take_batch(Effects::State& state, std::span<Event> batch,
                                                    CompletionBuilder& builder) {
  for (Event& event : batch) {
    if (auto* failed = std::get_if<Failed>(&event.data)) return std::move(failed->error);
    builder.take(event);
    if (std::holds_alternative<UsageUpdate>(event.data) || std::holds_alternative<Finished>(event.data)) continue;
    state.emit(std::move(event.data));
  }
  state.budget.check_in_flight(builder.usage(), builder.written());
  return std::nullopt;
}

/// Asks once: pulls the stream to its end, showing what arrives.
asio::awaitable<Attempt> attempt_completion(Effects::State& state, CompletionChange change) {
  CompletionBuilder builder(state.backend->info().provider);
  // However this ends, what a person has already read is not lost, and what a broken attempt cost is counted.
  struct Settle {
    Effects::State& state;
    const CompletionBuilder& builder;
    bool whole = false;
    ~Settle() {
      state.partial_text = builder.text();
      if (!whole) state.budget.charge_in_flight(builder.usage(), builder.written());
    }
  } settle{state, builder};
  const std::unique_ptr<TokenStream> stream = open_stream(state, change);
  while (true) {
    const std::span<Event> batch = co_await stream->next();
    if (batch.empty()) break;
    if (auto error = take_batch(state, batch, builder)) co_return Attempt{{}, std::move(error), builder.visible()};
    if (!state.run.has_room()) co_await state.run.room();
  }
  settle.whole = true;
  const std::size_t written = builder.written();
  co_return Attempt{std::move(builder).finish(), {}, true, written};
}

/// Servers that send no ids, or number their calls from the start in each turn, still need calls that can be told
/// apart.
void complete_call_ids(Completion& completion, const std::vector<Message>& conversation, std::uint32_t step) {
  if (completion.message.tool_calls().empty()) return;
  std::set<std::string, std::less<>> used;
  for (const Message& message : conversation) {
    for (const ToolCall* call : message.tool_calls()) used.insert(call->id);
  }
  std::size_t index = 0;
  for (Part& part : completion.message.parts) {
    auto* call = std::get_if<ToolCall>(&part);
    if (call == nullptr) continue;
    if (call->id.empty() || used.contains(call->id)) {
      const std::string base = "call_" + std::to_string(step) + "_" + std::to_string(index);
      call->id = base;
      for (int again = 2; used.contains(call->id); ++again) call->id = base + "_" + std::to_string(again);
    }
    used.insert(call->id);
    ++index;
  }
}

}  // namespace

Effects::State::State(Run::State& of_run, Session::State& of_session)
    : run(of_run),
      session(of_session),
      parts(*of_session.parts),
      store(parts.runtime->store.get()),
      backend(parts.backend),
      levels_left(parts.definition.limits.depth),
      keep_messages(session.kept()),
      budget(parts.definition.limits, nullptr) {}

Effects::State::State(State& above, const Agent::Parts& agent, const std::string& call_id, const std::string& effect)
    : run(above.run),
      session(above.session),
      parts(agent),
      store(above.store),
      backend(agent.backend),
      parent(&above),
      path(above.path.empty() ? call_id : above.path + "/" + call_id),
      scope(effect + "/"),
      depth(above.depth + 1),
      levels_left(std::min(above.levels_left - 1, parts.definition.limits.depth)),
      budget(agent.definition.limits, &above.budget) {}

asio::awaitable<std::string> Effects::State::select_backend() {
  Selection selection = co_await parts.backend->select(*run.environment);
  if (selection.backend) backend = std::move(selection.backend);
  budget.set_prices(backend->info().prices);
  co_return std::move(selection.notice);
}

void Effects::State::journal_start(const std::string& effect, std::string_view kind, const json::object& data) {
  if (store != nullptr) store->journal({run.id, effect, std::string(kind), false, json::serialize(data)});
}

void Effects::State::journal_end(const std::string& effect, std::string_view kind, const json::object& data) {
  if (store != nullptr) store->journal({run.id, effect, std::string(kind), true, json::serialize(data)});
}

void Effects::State::add_message(Message message) {
  if (keep_messages && store != nullptr) {
    store->add_message(session.id, static_cast<std::int64_t>(conversation.size()), run.id, message);
  }
  conversation.push_back(std::move(message));
}

asio::awaitable<void> Effects::State::committed() {
  if (store != nullptr) co_await store->committed();
}

const Definition& Effects::definition() const {
  return state_.parts.definition;
}
const std::vector<Message>& Effects::conversation() const {
  return state_.conversation;
}
std::uint32_t Effects::steps() const {
  return state_.budget.steps();
}
void Effects::notice(std::string message) {
  state_.emit(Notice{std::move(message)});
}

namespace {

SENNIT_OUT_OF_FRAME void begin_step(Effects::State& state, const std::string& effect, const CompletionChange& change) {
  if (state.store != nullptr) state.journal_start(effect, "complete", describe_request(state, change));
  state.emit(StepStarted{state.budget.steps()});
}

/// What the model has read: for servers that do not count it.
std::size_t prompt_bytes(const Effects::State& state) {
  std::size_t bytes = state.instructions.size();
  for (const Message& message : state.conversation) {
    for (const Part& part : message.parts) bytes += size_of(part);
  }
  return bytes;
}

SENNIT_OUT_OF_FRAME void end_step(Effects::State& state, const std::string& effect, Attempt& made) {
  Completion& completion = made.completion;
  const std::uint32_t step = state.budget.steps();
  complete_call_ids(completion, state.conversation, step);
  state.budget.charge(completion.usage, {completion.usage.input ? 0 : prompt_bytes(state), made.written});
  if (state.store != nullptr) state.journal_end(effect, "complete", describe_completion(completion));
  state.partial_text.clear();
  if (!completion.message.parts.empty()) state.add_message(completion.message);
  state.emit(StepFinished{step, completion.reason, completion.usage});
}

/// How long to wait before the next attempt. Throws `error` where there is to be none.
SENNIT_OUT_OF_FRAME milliseconds next_delay(Effects::State& state, const std::string& effect, std::uint32_t attempt,
                                            const Attempt& broken) {
  const milliseconds delay = retry_delay(attempt + 1, *broken.error, state.run.environment->random());
  if (!broken.error->retryable() || broken.visible || attempt == kMaxAttempts || delay > kLongestDelay) {
    state.journal_end(effect, "complete", {{"error", to_json(*broken.error)}});
    throw *broken.error;
  }
  state.emit(Retried{attempt + 1, delay, *broken.error});
  return delay;
}

}  // namespace

asio::awaitable<Completion> Effects::complete(CompletionChange change) {
  State& state = state_;
  state.budget.begin_step();
  const std::string effect = state.new_effect();
  begin_step(state, effect, change);
  for (std::uint32_t attempt = 1;; ++attempt) {
    Attempt made = co_await attempt_completion(state, change);
    if (!made.error) {
      end_step(state, effect, made);
      co_return std::move(made.completion);
    }
    co_await state.run.environment->sleep(next_delay(state, effect, attempt, made));
  }
}

asio::awaitable<std::vector<ToolResult>> Effects::call_tools(std::vector<ToolCall> calls) {
  co_return co_await sennit::call_tools(state_, std::move(calls));
}

asio::awaitable<void> Effects::say(Message message) {
  const std::string effect = state_.new_effect();
  state_.journal_end(effect, "say", {{"message", to_json(message)}});
  state_.add_message(std::move(message));
  co_return;
}

asio::awaitable<std::vector<Note>> Effects::recall(std::string query, std::size_t limit) {
  if (!state_.parts.memory) co_return std::vector<Note>{};
  const std::string effect = state_.new_effect();
  state_.journal_start(effect, "recall", {{"query", query}, {"limit", limit}});
  std::vector<Note> notes = co_await state_.parts.memory->recall(*state_.run.environment, std::move(query), limit);
  json::array texts;
  for (const Note& note : notes) texts.emplace_back(note.text);
  state_.journal_end(effect, "recall", {{"notes", std::move(texts)}});
  co_return notes;
}

asio::awaitable<void> Effects::remember(std::string text) {
  if (!state_.parts.memory) throw Error(errc::invalid_argument, "this agent has no memory: set `memory: true`");
  const std::string effect = state_.new_effect();
  state_.journal_start(effect, "remember", {{"text", text}});
  const std::int64_t id = co_await state_.parts.memory->remember(*state_.run.environment, std::move(text));
  state_.journal_end(effect, "remember", {{"id", id}});
}

asio::awaitable<std::string> Effects::ask(std::string question) {
  std::string effect = state_.new_effect();
  co_return co_await ask_question(state_, std::move(effect), std::move(question));
}

asio::awaitable<void> Effects::sleep(milliseconds duration) {
  const std::string effect = state_.new_effect();
  state_.journal_start(effect, "sleep", {{"milliseconds", duration.count()}});
  co_await state_.run.environment->sleep(duration);
  state_.journal_end(effect, "sleep", {});
}

asio::awaitable<WallTime> Effects::now() {
  const std::string effect = state_.new_effect();
  const WallTime now = state_.run.environment->wall_now();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  state_.journal_end(effect, "now", {{"microseconds", micros}});
  co_return now;
}

asio::awaitable<std::uint64_t> Effects::random() {
  const std::string effect = state_.new_effect();
  const std::uint64_t value = state_.run.environment->random();
  state_.journal_end(effect, "random", {{"value", value}});
  co_return value;
}

}  // namespace sennit
