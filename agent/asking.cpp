#include <sennit/agent/asking.hpp>
#include <sennit/agent/guardrail_run.hpp>
#include <sennit/agent/hook_asking.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/agent/redaction.hpp>
#include <sennit/agent/retry.hpp>
#include <sennit/agent/routing.hpp>
#include <sennit/agent/runtime_state.hpp>
#include <sennit/agent/schema/read_answer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace sennit {
namespace {

constexpr std::size_t kBytesPerToken = 4;  // a usual ratio: for limits and rules, not for money

/// Whether the model, rather than what it was asked, may be what failed.
bool is_outage(const Error& error) {
  switch (error.code()) {
    case errc::connect_failed:
    case errc::timeout:
    case errc::truncated:
    case errc::quota:
    case errc::rate_limited:
    case errc::overloaded:
    case errc::server:
    case errc::authentication:
      return true;
    default:
      return false;
  }
}

/// Whether another model may do what this one could not.
bool is_worth_another(const Error& error) {
  switch (error.code()) {
    case errc::invalid_argument:  // it takes no images
    case errc::not_found:
    case errc::bad_request:
    case errc::permission:
    case errc::protocol:
    case errc::context_length:
    case errc::empty_response:
    case errc::too_large:
      return true;
    default:
      return is_outage(error);
  }
}

const RetrySettings& retry_of(const Effects::State& state) {
  return state.parts.definition.model.retry;
}

/// A cheap model answers, and another one is there to take over.
bool may_escalate(const Effects::State& state) {
  const std::string& to = state.parts.definition.model.route.escalate.to;
  return !to.empty() && !state.escalated && state.model.id != to;
}

SENNIT_OUT_OF_FRAME std::unique_ptr<TokenStream> open_stream(const Effects::State& state, CompletionChange change) {
  std::string instructions;
  CompletionRequest request;
  request.instructions = state.instructions;
  if (may_escalate(state) && state.parts.definition.model.route.escalate.on_doubt) {
    instructions =
        fmt::format("{}{}{}", state.instructions, state.instructions.empty() ? "" : "\n\n", doubt_instructions());
    request.instructions = instructions;
  }
  request.messages = state.conversation;
  request.tools = state.descriptions();
  request.output_schema = state.parts.definition.output ? &*state.parts.definition.output : nullptr;
  request.tool_choice = change.tool_choice;
  request.options = state.parts.models[state.at].spec.options;
  return state.backend->stream(*state.run.environment, request);
}

/// Shows a batch, or keeps it in `held`, and adds it to the completion. The failure, if it holds one.
SENNIT_OUT_OF_FRAME std::optional<Error> take_batch(Effects::State& state, std::span<Event> batch, std::size_t pieces,
                                                    CompletionBuilder& builder, StepRecord& record,
                                                    std::vector<EventData>* held, std::size_t unseen) {
  const bool kept = state.journal.kept();
  for (Event& event : batch) {
    if (auto* failed = std::get_if<Failed>(&event.data)) return std::move(failed->error);
    builder.take(event);
    if (std::holds_alternative<UsageUpdate>(event.data) || std::holds_alternative<Finished>(event.data)) continue;
    if (held != nullptr) {
      held->push_back(std::move(event.data));
      continue;
    }
    if (kept) record.trace.take(event.data);
    state.emit(std::move(event.data));
  }
  state.budget.check_in_flight(builder.usage(), builder.written() + unseen, pieces);
  return std::nullopt;
}

/// Of an answer that is cut short: what might have become a secret.
SENNIT_OUT_OF_FRAME void take_rest(Effects::State& state, DeltaRedaction& redaction, CompletionBuilder& builder,
                                   StepRecord& record, std::vector<EventData>* held) {
  for (Event& event : redaction.rest()) {
    builder.take(event);
    if (held != nullptr) {
      held->push_back(std::move(event.data));
      continue;
    }
    show(state, record, std::move(event.data));
  }
}

/// What an attempt cost that came to nothing.
SENNIT_OUT_OF_FRAME void charge_broken(Effects::State& state, const Usage& usage, std::size_t written,
                                       std::size_t pieces, StepRecord& record) {
  json::value cost = to_json(state.budget.charge_in_flight(usage, written, pieces));
  if (state.parts.models.size() > 1) cost.as_object()["model"] = describe_model(state.model, {});
  record.broken.push_back(std::move(cost));
}

/// Asks once: pulls the stream to its end, showing what arrives. Like all below it fills the caller's Attempt: each
/// coroutine that handed one on would hold another while it waits. REQUIRES: `made` is clear.
asio::awaitable<void> attempt_completion(Effects::State& state, CompletionChange change, StepRecord& record,
                                         std::vector<EventData>* held, Attempt& made) {
  CompletionBuilder builder(state.model.provider);
  // However this ends, what a person has already read is not lost, and what a broken attempt cost is counted.
  struct Settle {
    Effects::State& state;
    const CompletionBuilder& builder;
    StepRecord& record;
    const std::vector<EventData>* held;
    const std::unique_ptr<OutputRails> rails;
    std::size_t pieces = 0;
    bool whole = false;
    [[nodiscard]] std::size_t unseen() const { return rails ? rails->unseen() : 0; }
    ~Settle() {
      if (held == nullptr) state.partial_text = builder.text();
      if (rails && rails->refused()) record.say = rails->say();
      if (!whole) charge_broken(state, builder.usage(), builder.written() + unseen(), pieces, record);
    }
  } settle{state, builder, record, held, make_output_rails(state)};
  DeltaRedaction redaction;
  std::optional<Error> failure;
  try {
    const std::unique_ptr<TokenStream> stream = open_stream(state, change);
    state.budget.expect_prompt(prompt_bytes(state));
    while (!failure) {
      const std::span<Event> batch = co_await stream->next();
      if (batch.empty()) break;
      settle.pieces = stream->pieces();
      // A model's words pass here, and nowhere else: without secrets first, then as far as the guardrails let them.
      std::span<Event> passed = redaction.take(batch);
      if (settle.rails) {
        auto passing = settle.rails->take(passed);
        passed = co_await std::move(passing);
      }
      failure = take_batch(state, passed, settle.pieces, builder, record, held, settle.unseen());
      if (!failure && !state.run.has_room()) co_await state.run.room();
    }
  } catch (...) {
    failure = current_error();
    if (!settle.rails) take_rest(state, redaction, builder, record, held);
    if (!is_worth_another(*failure)) throw;  // the run's own end
  }
  made.visible = held == nullptr && builder.visible();
  made.error = std::move(failure);
  if (made.error) co_return;
  settle.whole = true;
  made.written = builder.written();
  made.pieces = settle.pieces;
  made.completion = std::move(builder).finish();
}

/// An attempt within what `model.rate` allows.
asio::awaitable<void> attempt_in_turn(Effects::State& state, CompletionChange change, StepRecord& record,
                                      std::vector<EventData>* held, Attempt& made) {
  const std::shared_ptr<ModelGate> gate = state.parts.models[state.at].gate;
  const milliseconds patience = state.parts.models[state.at].spec.total_timeout;
  const auto expected = static_cast<std::int64_t>(prompt_bytes(state) / kBytesPerToken);
  ModelGate::Place place;
  try {
    auto entering = ModelGate::enter(gate, *state.run.environment, expected);
    place = co_await with_timeout(*state.run.environment, patience, std::move(entering),
                                  "model.timeouts.total: the wait for its turn (model.rate)");
  } catch (...) {
    made.error = current_error();
    if (!is_worth_another(*made.error)) throw;
  }
  if (made.error) co_return;
  co_await attempt_completion(state, change, record, held, made);
  if (made.error) co_return;
  const Usage& usage = made.completion.usage;
  const std::int64_t used =
      usage.input.value_or(expected) + usage.output.value_or(static_cast<std::int64_t>(made.written / kBytesPerToken));
  gate->settle(used - expected, state.run.environment->now());
}

/// How long to wait before the next attempt; nothing where there is to be none.
SENNIT_OUT_OF_FRAME std::optional<milliseconds> next_delay(Effects::State& state, std::uint32_t attempt,
                                                           const Attempt& broken, StepRecord& record) {
  const RetrySettings& retry = retry_of(state);
  const milliseconds delay = retry_delay(retry, attempt + 1, *broken.error, state.run.environment->random());
  const bool shown = broken.visible && !retry.after_output;
  if (!broken.error->retryable() || shown || attempt >= retry.attempts || delay > retry.longest) return std::nullopt;
  const Retried retried{attempt + 1, delay, *broken.error};
  if (state.journal.kept()) record.trace.take(retried);
  state.emit(retried);
  return delay;
}

/// Why a cheap model's answer is not good enough; empty if it is.
SENNIT_OUT_OF_FRAME std::string doubtful(const Effects::State& state, const Completion& completion) {
  const Escalation& escalate = state.parts.definition.model.route.escalate;
  if (!completion.message.tool_calls().empty()) return {};
  const std::string text = completion.message.text();
  if (escalate.on_doubt && is_doubt(text)) return "it was not sure";
  std::string wrong;
  if (!escalate.on_schema || !state.parts.output || read_answer(text, *state.parts.output, wrong)) return {};
  return "its answer does not fit the output schema";
}

/// A function: the empty one would stand in the frame of who clears.
SENNIT_OUT_OF_FRAME void clear(Attempt& made) {
  made = {};
}

/// Shows what was kept back until the answer was found good; one that is not is as if it had failed.
SENNIT_OUT_OF_FRAME void judge_held(Effects::State& state, std::vector<EventData>& held, Attempt& made,
                                    StepRecord& record) {
  std::string why = doubtful(state, made.completion);
  if (!why.empty()) {
    charge_broken(state, made.completion.usage, made.written, made.pieces, record);
    clear(made);
    made.error = Error(errc::empty_response, std::move(why));
    made.doubted = true;
    return;
  }
  for (EventData& data : held) show(state, record, std::move(data));
}

/// Asks the model that is chosen until it answers, or there is no sense in asking it again.
asio::awaitable<void> ask_chosen(Effects::State& state, CompletionChange change, StepRecord& record, Attempt& made) {
  const std::shared_ptr<ModelGate> gate = state.parts.models[state.at].gate;
  const RateLimits& rate = state.parts.models[state.at].spec.rate;
  const bool hold = may_escalate(state);
  for (std::uint32_t attempt = 1;; ++attempt) {
    std::vector<EventData> held;
    clear(made);
    if (rate == RateLimits{}) {
      co_await attempt_completion(state, change, record, hold ? &held : nullptr, made);
    } else {
      co_await attempt_in_turn(state, change, record, hold ? &held : nullptr, made);
    }
    if (!made.error) {
      gate->succeeded();
      if (hold) judge_held(state, held, made, record);
      co_return;
    }
    const std::optional<milliseconds> delay = next_delay(state, attempt, made, record);
    if (is_outage(*made.error)) gate->failed(state.run.environment->now(), !delay);
    if (!delay) co_return;
    co_await state.run.environment->sleep(*delay);
  }
}

/// The models that may answer a step, in the order in which they are asked, and why the first of them is.
struct Order {
  std::vector<std::size_t> models;
  std::string reason;
};

std::size_t index_of(const Effects::State& state, std::string_view model) {
  const auto& models = state.parts.models;
  const auto found = std::ranges::find_if(models, [&](const auto& candidate) { return candidate.spec.name == model; });
  return found == models.end() ? 0 : static_cast<std::size_t>(found - models.begin());
}

SENNIT_OUT_OF_FRAME Order order_of(Effects::State& state, CompletionChange change) {
  const ModelSpec& spec = state.parts.definition.model;
  Order order;
  std::size_t first = 0;
  if (may_escalate(state) && spec.route.escalate.on_tool_error && calls_failed(state.conversation)) {
    state.escalated = true;
    order.reason = "a call that the model before it made failed";
  }
  if (!spec.route.escalate.to.empty() && !may_escalate(state)) {
    first = index_of(state, spec.route.escalate.to);
  } else if (!spec.route.rules.empty()) {
    StepFacts step;
    step.prompt_tokens = static_cast<std::int64_t>(prompt_bytes(state) / kBytesPerToken);
    step.images = state.images;
    step.tools = !state.descriptions().empty() && change.tool_choice != ToolChoice::none;
    step.tags = state.run.options.tags;
    step.budget_left = state.budget.left();
    const Route route = route_of(spec.route, step);
    if (!route.model.empty()) first = index_of(state, route.model);
    order.reason = route.reason.empty() ? "no rule of model.route holds" : route.reason;
  }
  order.models.push_back(first);
  for (std::size_t i = 0; i <= spec.fallback.size(); ++i) {
    if (i != first) order.models.push_back(i);
  }
  return order;
}

/// The model, and that it answers from here on.
asio::awaitable<void> use_model(Effects::State& state, std::size_t index, const std::string& reason,
                                StepRecord& record) {
  if (state.backend && state.backend_of == index) co_return;
  const std::string before = state.model.id;
  state.at = index;
  const std::string notice = co_await state.select_backend();
  record.chose_model = true;
  if (!notice.empty()) show(state, record, Notice{notice});
  if (before.empty() || before == state.model.id) co_return;
  show(state, record, ModelChosen{state.model.id, reason.empty() ? "it comes first" : reason});
  if (state.parent == nullptr && state.journal.kept()) state.journal.log()->set_model(state.model.id);
  const std::string uncounted = state.uncounted_cost();
  if (!uncounted.empty()) show(state, record, Notice{uncounted});
}

SENNIT_OUT_OF_FRAME std::string left_alone(const std::string& model, milliseconds pause) {
  return fmt::format("{} failed before and is left alone for {} s", model, (pause.count() + 999) / 1000);
}

/// A cheap model hands over, here and now: who takes over, then the fallbacks that were not asked yet.
SENNIT_OUT_OF_FRAME void hand_over(Effects::State& state, Order& order, std::size_t asked) {
  state.escalated = true;
  order.models.resize(asked);
  const auto add = [&](std::size_t index) {
    if (std::ranges::find(order.models, index) == order.models.end()) order.models.push_back(index);
  };
  add(index_of(state, state.parts.definition.model.route.escalate.to));
  for (std::size_t i = 1; i <= state.parts.definition.model.fallback.size(); ++i) add(i);
}

/// Whether there is a next one to ask, after `made`, of the model `order.models[asked]`, came to nothing.
SENNIT_OUT_OF_FRAME bool ask_another(Effects::State& state, Order& order, std::size_t asked, bool cheap,
                                     const Attempt& made) {
  const std::string& name = state.parts.models[order.models[asked]].spec.name;
  if (cheap && made.doubted) {
    order.reason = fmt::format("{} handed over: {}", name, made.error->message());
    hand_over(state, order, asked + 1);
    return true;
  }
  order.reason = fmt::format("{} failed: {}", name, made.error->message());
  const bool shown = made.visible && !retry_of(state).after_output;
  return !shown && is_worth_another(*made.error);
}

/// Whether a model that failed before is left alone now. The last that is left is asked, whatever was: to say that
/// nobody is there helps nobody.
SENNIT_OUT_OF_FRAME bool is_left_alone(const Effects::State& state, Order& order, std::size_t next, bool only_hope) {
  if (order.models.size() == 1) return false;
  const auto& model = state.parts.models[order.models[next]];
  const auto pause = model.gate->pause_left(state.run.environment->now());  // who asks keeps the others away
  if (!pause || only_hope) return false;
  order.reason = left_alone(model.spec.name, *pause);
  return true;
}

/// Asks one model, whatever comes of it.
asio::awaitable<void> ask_one(Effects::State& state, std::size_t index, const std::string& reason,
                              CompletionChange change, StepRecord& record, Attempt& made) {
  clear(made);
  try {
    co_await use_model(state, index, reason, record);
  } catch (...) {
    made.error = current_error();
    if (!is_worth_another(*made.error)) throw;
  }
  if (!made.error) co_return co_await ask_chosen(state, change, record, made);
  state.at = state.backend ? state.backend_of : index;
  state.parts.models[index].gate->failed(state.run.environment->now(), true);
}

/// The hooks' say in an answer that has come: where they block it, it was asked for in vain.
asio::awaitable<void> hear_hooks(Effects::State& state, Attempt& made, StepRecord& record) {
  std::optional<Error> failure;
  try {
    auto hearing = after_model(state, made, record);
    co_await std::move(hearing);
  } catch (...) {
    failure = current_error();
  }
  if (!failure) co_return;
  state.partial_text = made.completion.message.text();
  charge_broken(state, made.completion.usage, made.written, made.pieces, record);
  throw Error(std::move(*failure));
}

}  // namespace

void show(Effects::State& state, StepRecord& record, EventData data) {
  if (state.journal.kept()) record.trace.take(data);
  state.emit(std::move(data));
}

std::size_t prompt_bytes(const Effects::State& state) {
  return state.instructions.size() + state.conversation_bytes;
}

asio::awaitable<void> ask_model(Effects::State& state, CompletionChange change, StepRecord& record, Attempt& made) {
  Order order = order_of(state, change);
  for (std::size_t i = 0; i < order.models.size(); ++i) {
    const bool only_hope = i + 1 == order.models.size() && !made.error;
    if (is_left_alone(state, order, i, only_hope)) continue;
    const bool cheap = may_escalate(state);
    co_await ask_one(state, order.models[i], order.reason, change, record, made);
    if (!made.error) {
      if (has_after_model(state)) co_await hear_hooks(state, made, record);
      co_return;
    }
    if (!ask_another(state, order, i, cheap, made)) break;
  }
  throw Error(*made.error);
}

}  // namespace sennit
