#include <sennit/agent/asking.hpp>
#include <sennit/agent/effects.hpp>
#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/hook_asking.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/runtime_state.hpp>
#include <sennit/agent/step_trace.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace sennit {
namespace {

/// What a completion is asked, small enough to keep: a step of a long run must not cost more than a short one's.
json::value describe_request(const Effects::State& state, const CompletionChange& change, const std::string& said) {
  constexpr std::size_t kDigest = 16;  // of the digest's digits: nobody forges his own journal
  json::object in{{"messages", state.conversation.size()},
                  {"conversation", state.conversation_digest.substr(0, kDigest)}};
  if (!said.empty()) in["said"] = said;
  if (change.tool_choice == ToolChoice::none) in["tools"] = "none";
  if (change.tool_choice == ToolChoice::required) in["tools"] = "required";
  return in;
}

/// What a person says to a run at this point of it, to be heard with the completion `effect`.
SENNIT_OUT_OF_FRAME std::string hear(Effects::State& state, const std::string& effect) {
  const Recorded* known = state.journal.find(effect);
  if (known != nullptr) {
    std::string said(find_string(known->in, "said"));
    if (said.empty()) return said;
    state.say.clear();
    state.adopt(user_message(said));
    return said;
  }
  std::string said = std::exchange(state.say, {});
  if (!said.empty()) state.add_message(user_message(said));
  return said;
}

/// Servers that send no ids, or number their calls from the start in each turn, still need calls that can be told
/// apart.
void complete_call_ids(Completion& completion, const Effects::State& state, std::uint32_t step) {
  std::set<std::string, std::less<>> used;  // of this completion
  const auto taken = [&](const std::string& id) { return used.contains(id) || state.call_ids.contains(id); };
  std::size_t index = 0;
  for (Part& part : completion.message.parts) {
    auto* call = std::get_if<ToolCall>(&part);
    if (call == nullptr) continue;
    if (call->id.empty() || taken(call->id)) {
      const std::string base = "call_" + std::to_string(step) + "_" + std::to_string(index);
      call->id = base;
      for (int again = 2; taken(call->id); ++again) call->id = base + "_" + std::to_string(again);
    }
    used.insert(call->id);
    ++index;
  }
}

/// Counts a completion in, and gives its calls their ids.
SENNIT_OUT_OF_FRAME void settle_step(Effects::State& state, Attempt& made) {
  Completion& completion = made.completion;
  complete_call_ids(completion, state, state.budget.steps());
  completion.message.labels = state.labels;  // it may say again whatever the model has read
  state.budget.charge(completion.usage, {completion.usage.input ? 0 : prompt_bytes(state), made.written, made.pieces});
  state.partial_text.clear();
}

SENNIT_OUT_OF_FRAME void keep_step(Effects::State& state, const std::string& effect, const Attempt& made,
                                   const StepRecord& record) {
  if (!state.journal.kept()) return;
  const Completion& completion = made.completion;
  json::object out{{"trace", record.trace.to_json()},
                   {"reason", to_string(completion.reason)},
                   {"usage", to_json(completion.usage)}};
  if (!completion.usage.output && made.pieces > 0) out["pieces"] = made.pieces;
  if (!record.broken.empty()) out["broken"] = record.broken;
  if (record.chose_model) out["model"] = describe_model(state.model, {});
  const Message* message = completion.message.parts.empty() ? nullptr : state.kept(completion.message);
  state.journal.end(effect, "complete", out, state.wall_now(), message, state.next_position);
}

/// What the person gets in the place of what a guardrail held back: it is what was answered.
SENNIT_OUT_OF_FRAME void say_instead(Effects::State& state, StepRecord& record) {
  if (!record.say || record.say->empty()) return;
  std::string text = (state.partial_text.empty() ? "" : "\n\n") + *record.say;
  state.partial_text += text;
  show(state, record, TextDelta{std::move(text)});
}

SENNIT_OUT_OF_FRAME void keep_broken_step(Effects::State& state, const std::string& effect, const Error& error,
                                          const StepRecord& record) {
  if (!state.journal.kept() || state.leaving()) return;
  json::object out = failure_of(error);
  out["trace"] = record.trace.to_json();
  out["broken"] = record.broken;
  if (record.chose_model) out["model"] = describe_model(state.model, {});
  state.journal.end(effect, "complete", out, state.wall_now());
}

SENNIT_OUT_OF_FRAME void tell_step(Effects::State& state) {
  state.emit(StepStarted{state.budget.steps()});
}

/// Adds what the model said to the conversation, and tells of the step's end: now, or once it is on disk.
SENNIT_OUT_OF_FRAME void finish_step(Effects::State& state, const Completion& completion, bool on_disk) {
  if (!completion.message.parts.empty()) state.adopt(completion.message);
  const StepFinished finished{state.budget.steps(), completion.reason, completion.usage};
  if (on_disk) return state.emit(finished);
  state.hold(finished);
}

/// What an attempt cost that came to nothing; of another model than the one that answered, at its prices.
struct BrokenCost {
  Usage usage;
  std::optional<std::optional<Prices>> prices;
};

/// What the journal has of a completion.
struct RecordedStep {
  std::optional<ModelInfo> model;  // where it was chosen for it
  std::vector<EventData> shown;
  std::vector<BrokenCost> broken;
  bool failed = false;
  Usage usage;
  StopReason reason = StopReason::other;
  std::size_t pieces = 0;
};

SENNIT_OUT_OF_FRAME RecordedStep read_step(const json::value& out) {
  RecordedStep step;
  if (const json::value* model = find(out, "model")) step.model = model_of(*model);
  step.shown = StepTrace::events(out.at("trace"));
  if (const json::value* broken = find(out, "broken")) {
    for (const json::value& cost : broken->as_array()) {
      BrokenCost& broken_cost = step.broken.emplace_back();
      broken_cost.usage = usage_from_json(cost);
      if (const json::value* by = find(cost, "model")) broken_cost.prices.emplace(model_of(*by).prices);
    }
  }
  step.failed = find(out, "error") != nullptr;
  if (step.failed) return step;
  step.usage = usage_from_json(out.at("usage"));
  step.reason = parse_stop_reason(find_string(out, "reason")).value_or(StopReason::other);
  step.pieces = static_cast<std::size_t>(find_int(out, "pieces").value_or(0));
  return step;
}

/// The completion as it was: what it showed, what it cost, what it gave.
asio::awaitable<void> retell_step(Effects::State& state, const std::string& effect, const Recorded& recorded,
                                  Attempt& made) {
  RecordedStep step = read_recorded(effect, [&] { return read_step(recorded.out); });
  if (step.model) {
    state.model = *std::move(step.model);
    state.budget.set_prices(state.model.prices);
  }
  CompletionBuilder builder(state.model.provider);
  for (EventData& data : step.shown) {
    // What came before was void.
    if (std::holds_alternative<Retried>(data) || std::holds_alternative<ModelChosen>(data)) {
      builder = CompletionBuilder(state.model.provider);
    }
    builder.take(Event{{}, data});
    state.emit(std::move(data));
    if (!state.run.has_room()) co_await state.run.room();
  }
  for (const BrokenCost& cost : step.broken) {
    if (cost.prices) state.budget.set_prices(*cost.prices);
    state.budget.charge_in_flight(cost.usage, 0);
    if (cost.prices) state.budget.set_prices(state.model.prices);
  }
  if (step.failed) {
    state.partial_text = builder.text();
    throw Error(state.error_of(effect, recorded));
  }
  builder.take(Event{{}, UsageUpdate{step.usage}});
  builder.take(Event{{}, Finished{step.reason, {}}});
  made.written = builder.written();
  made.pieces = step.pieces;
  made.completion = std::move(builder).finish();
  settle_step(state, made);
  finish_step(state, made.completion, true);
}

}  // namespace

asio::awaitable<Completion> Effects::complete(CompletionChange change) {
  State& state = state_;
  co_await state.settle();
  const std::string effect = state.new_effect();
  const std::string said = hear(state, effect);
  if (has_before_model(state, effect)) {
    auto asking = before_model(state, effect);
    co_await std::move(asking);
  }
  const json::value in = state.journals() ? describe_request(state, change, said) : json::value();
  Attempt made;
  if (const Recorded* recorded = state.told(effect, "complete", in)) {
    state.budget.retell_step();
    tell_step(state);
    co_await retell_step(state, effect, *recorded, made);
    co_return std::move(made.completion);
  }
  state.budget.begin_step();
  StepRecord record;
  record.chose_model = !state.backend;  // what chose it before was told
  state.journal.start(effect, "complete", in, state.wall_now());
  tell_step(state);
  std::optional<Error> failure;
  try {
    co_await ask_model(state, change, record, made);
  } catch (...) {
    failure = current_error();
  }
  if (failure) {
    say_instead(state, record);
    keep_broken_step(state, effect, *failure, record);
    throw Error(std::move(*failure));
  }
  settle_step(state, made);
  keep_step(state, effect, made, record);
  // Nobody hears of its end, and no tool begins, before it is on disk. A cancellation is for what comes next.
  const bool waits = !state.journal.kept() || !made.completion.message.tool_calls().empty();
  if (waits) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await state.committed_for_certain();
  }
  finish_step(state, made.completion, waits);
  co_return std::move(made.completion);
}

asio::awaitable<std::vector<ToolResult>> Effects::call_tools(std::vector<ToolCall> calls) {
  co_await state_.settle();
  co_return co_await sennit::call_tools(state_, std::move(calls));
}

asio::awaitable<void> Effects::say(Message message) {
  State& state = state_;
  const std::string effect = state.new_effect();
  // Its labels are what is known of it, not what was said: a run from before they were known says the same.
  const json::value in{{"message", without_labels(message)}};
  if (const json::value* out = state.answered(effect, "say", in)) {
    if (const json::value* labels = find(*out, "labels")) message.labels.add(labels_from_json(*labels));
  } else {
    const json::value labels =
        message.labels.empty() ? json::value() : json::value{{"labels", to_json(message.labels)}};
    state.journal.whole(effect, "say", in, labels, state.wall_now(), state.kept(message), state.next_position);
  }
  state.adopt(std::move(message));
  co_return;
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
  state_.notify(std::move(message));
}

namespace {

std::int64_t micros_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}
WallTime time_of(const json::value& micros) {
  return WallTime(std::chrono::microseconds(micros.to_number<std::int64_t>()));
}

asio::awaitable<json::value> recall_notes(Effects::State& state, std::string query, std::size_t limit) {
  const std::vector<Note> notes = co_await state.parts.memory->recall(*state.run.environment, std::move(query), limit);
  json::array out;
  for (const Note& note : notes) {
    json::object entry{
        {"id", note.id}, {"text", note.text}, {"created", micros_of(note.created)}, {"score", note.score}};
    if (!note.labels.empty()) entry["labels"] = to_json(note.labels);
    out.push_back(std::move(entry));
  }
  co_return json::value{{"notes", std::move(out)}};
}

asio::awaitable<json::value> keep_note(Effects::State& state, std::string text) {
  const std::int64_t id = co_await state.parts.memory->remember(*state.run.environment, std::move(text), state.labels);
  co_return json::value{{"id", id}};
}

}  // namespace

asio::awaitable<std::vector<Note>> Effects::recall(std::string query, std::size_t limit) {
  std::vector<Note> notes;
  if (!state_.parts.memory) co_return notes;
  json::value in{{"query", query}, {"limit", limit}};
  auto recalling = recall_notes(state_, std::move(query), limit);
  const json::value out = co_await state_.perform("recall", std::move(in), std::move(recalling));
  read_recorded("recall", [&] {
    for (const json::value& note : out.at("notes").as_array()) {
      notes.push_back({note.at("id").to_number<std::int64_t>(), std::string(find_string(note, "text")),
                       time_of(note.at("created")), note.at("score").to_number<double>(),
                       find(note, "labels") == nullptr ? Labels{} : labels_from_json(*find(note, "labels"))});
    }
  });
  co_return notes;
}

asio::awaitable<void> Effects::remember(std::string text) {
  text = secrets::redact(std::move(text));
  if (!state_.parts.memory) throw Error(errc::invalid_argument, "this agent has no memory: set `memory: true`");
  json::value in{{"text", text}};
  auto keeping = keep_note(state_, std::move(text));
  co_await state_.perform("remember", std::move(in), std::move(keeping));
}

asio::awaitable<std::string> Effects::ask(std::string question) {
  co_await state_.settle();
  std::string effect = state_.new_effect();
  co_return co_await ask_question(state_, std::move(effect), state_.scope, std::move(question));
}

asio::awaitable<void> Effects::sleep(milliseconds duration) {
  State& state = state_;
  co_await state.settle();
  const std::string effect = state.new_effect();
  const json::value in{{"milliseconds", duration.count()}};
  if (state.answered(effect, "sleep", in) != nullptr) co_return;
  // After a resume only the rest is slept.
  const Recorded* begun = state.journal.find(effect);
  const WallTime since = begun == nullptr ? state.wall_now() : begun->started_at;
  if (begun == nullptr) state.journal.start(effect, "sleep", in, since);
  co_await state.committed();  // a long one outlives its program
  const auto rest = std::chrono::duration_cast<milliseconds>(since + duration - state.wall_now());
  if (rest > milliseconds::zero()) co_await state.run.environment->sleep(std::min(rest, duration));
  state.journal.end(effect, "sleep", nullptr, state.wall_now());
}

asio::awaitable<WallTime> Effects::now() {
  State& state = state_;
  const std::string effect = state.new_effect();
  if (const json::value* known = state.answered(effect, "now", nullptr)) {
    co_return read_recorded(effect, [&] { return time_of(*known); });
  }
  const std::int64_t now = micros_of(state.wall_now());
  state.journal.whole(effect, "now", nullptr, now, state.wall_now());
  co_return time_of(now);
}

asio::awaitable<std::uint64_t> Effects::random() {
  State& state = state_;
  const std::string effect = state.new_effect();
  if (const json::value* known = state.answered(effect, "random", nullptr)) {
    co_return read_recorded(effect, [&] { return known->to_number<std::uint64_t>(); });
  }
  const std::uint64_t value = state.run.environment->random();
  state.journal.whole(effect, "random", nullptr, value, state.wall_now());
  co_return value;
}

}  // namespace sennit
