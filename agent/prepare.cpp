// Before the planner: the instructions are filled in, the model is chosen, notes are recalled, the input is heard.
#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/find_tools.hpp>
#include <sennit/agent/guardrail_run.hpp>
#include <sennit/agent/pin.hpp>
#include <sennit/agent/runtime_state.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace sennit {
namespace {

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
  Message message;
  for (const Note& note : notes) {
    text += note_line(note);
    message.labels.add(note.labels);
  }
  message.parts.emplace_back(Text{std::move(text)});
  return message;
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
    state.notify("nothing is recalled: " + error.describe());
  }
  erase_known(notes, state.conversation);
  std::optional<Message> message = notes_message(notes);
  if (!message) co_return;
  MemoryRecalled recalled;
  for (const Note& note : notes) recalled.notes.push_back(note.text);
  state.emit(std::move(recalled));
  co_await effects.say(std::move(*message));  // an effect: told again, it is not kept again
}

SENNIT_OUT_OF_FRAME void tell_uncounted_cost(Effects::State& state) {
  std::string why = state.uncounted_cost();
  if (!why.empty()) state.emit(Notice{std::move(why)});
}

// ---- the first effect of each agent: who it is, and which model it got ----

/// The record is of an agent that asked the same of its model. Otherwise Error(errc::diverged).
void compare_agents(const Effects::State& state, const std::string& effect, const Recorded& recorded) {
  const std::string_view was = find_string(recorded.in, "pin");
  if (was == state.parts.digest || state.journal.tells_loosely()) return;
  const auto& pins = state.journal.pins();
  const auto body = pins.find(was);
  if (body == pins.end()) return;
  const std::string difference = prompt_difference(body->second, state.parts.pin);
  if (difference.empty()) return;
  throw Error(errc::diverged, "the agent is another one than when the run was recorded:\n" + difference)
      .at("effect " + effect);
}

json::value describe_start(const Effects::State& state) {
  json::object in{{"agent", state.parts.definition.name}, {"pin", state.parts.digest}};
  if (!state.say.empty()) in["say"] = state.say;  // heard later: until then it is on disk here
  const bool has_history = state.parent == nullptr && !state.keep_messages && !state.conversation.empty();
  if (!has_history) return in;
  json::array history;
  for (const Message& message : state.conversation) history.push_back(to_json(message));
  in["history"] = std::move(history);
  return in;
}

/// The first of the agent's models that is there (`auto` may find none), and what there is to say about it.
SENNIT_OUT_OF_FRAME asio::awaitable<std::string> select_first(Effects::State& state) {
  std::string passed_over;
  while (true) {
    std::optional<Error> failure;
    std::string notice;
    try {
      notice = co_await state.select_backend();
    } catch (...) {
      failure = current_error();
    }
    if (!failure) {
      if (!passed_over.empty() && !notice.empty()) passed_over += "; ";
      co_return passed_over.append(notice);
    }
    const bool another = state.at < state.parts.definition.model.fallback.size();
    if (!another || failure->code() == errc::cancelled || failure->code() == errc::limit) throw Error(*failure);
    passed_over.append(passed_over.empty() ? "" : "; ").append(failure->describe());
    ++state.at;
  }
}

/// What there is to say about the choice of the model.
SENNIT_OUT_OF_FRAME asio::awaitable<std::string> start_agent(Effects::State& state) {
  const std::string effect = state.new_effect();
  if (const json::value* known = state.answered(effect, "start", nullptr)) {
    const Recorded& recorded = *state.journal.find(effect);
    compare_agents(state, effect, recorded);
    if (state.journal.tells_loosely()) state.journal.hand_over(effect, state.parts.digest);
    state.say = find_string(recorded.in, "say");
    state.model = read_recorded(effect, [&] { return model_of(*known); });
    state.budget.set_prices(state.model.prices);
    co_return std::string(find_string(*known, "notice"));
  }
  const json::value in = state.journals() ? describe_start(state) : json::value();
  std::string notice = co_await select_first(state);
  if (!state.opening_notice.empty())
    notice = std::exchange(state.opening_notice, {}) + (notice.empty() ? "" : "; " + notice);
  state.journal.whole(effect, "start", in, describe_model(state.model, notice), state.wall_now());
  if (state.parent == nullptr && state.journal.kept()) state.journal.log()->set_model(state.model.id);
  co_return notice;
}

SENNIT_OUT_OF_FRAME asio::awaitable<void> hear(Effects::State& state, std::string input) {
  Effects effects(state);
  static const std::vector<Blob> kNone;
  const bool own = state.parent == nullptr;
  const std::vector<Blob>& files = own ? state.run.options.attachments : kNone;
  Message message = user_message(std::move(input), files);
  message.labels = own ? state.run.options.labels : state.parent->labels;
  if (!files.empty()) message.labels.add_untrusted("attachment");
  co_await effects.say(std::move(message));
}

SENNIT_OUT_OF_FRAME void tell_start(Effects::State& state, std::string notice) {
  if (state.parent == nullptr) {
    state.emit(RunStarted{state.run.id, state.session.id, state.parts.definition.name, state.model.id});
  }
  if (!notice.empty()) state.emit(Notice{std::move(notice)});
  tell_uncounted_cost(state);
}

/// What the person said has to pass before anybody hears of it. Nothing: it has.
SENNIT_OUT_OF_FRAME asio::awaitable<std::optional<Error>> refusal(Effects::State& state, std::string start,
                                                                  std::string& input) {
  try {
    const bool was_heard = state.journal.find(state.scope + std::to_string(state.next_effect)) != nullptr;
    const std::string own = start + ".input";
    if (has_input_rails(state, own)) co_await check_input(state, own, input, was_heard);
    const std::string of_fork = start + ".say";
    const bool says = !state.say.empty() && has_input_rails(state, of_fork);
    if (says) co_await check_input(state, of_fork, state.say, state.journal.replaying());
  } catch (const Error& error) {
    if (error.code() != errc::content_filter) throw;
    co_return error;
  }
  co_return std::nullopt;
}

}  // namespace

json::value describe_model(const ModelInfo& model, const std::string& notice) {
  json::object out{{"model", model.id}, {"provider", model.provider}};
  if (!notice.empty()) out["notice"] = notice;
  if (!model.prices) return out;
  out["prices"] = {
      {"input", model.prices->input}, {"output", model.prices->output}, {"currency", model.prices->currency}};
  json::object& prices = out["prices"].as_object();
  if (model.prices->cached_input) prices["cached_input"] = *model.prices->cached_input;
  if (model.prices->cache_write) prices["cache_write"] = *model.prices->cache_write;
  return out;
}

ModelInfo model_of(const json::value& out) {
  ModelInfo model;
  model.id = find_string(out, "model");
  model.provider = find_string(out, "provider");
  const json::value* prices = find(out, "prices");
  if (prices == nullptr) return model;
  Prices& known = model.prices.emplace();
  known.input = prices->at("input").to_number<double>();
  known.output = prices->at("output").to_number<double>();
  known.currency = find_string(*prices, "currency");
  if (const json::value* price = find(*prices, "cached_input")) known.cached_input = price->to_number<double>();
  if (const json::value* price = find(*prices, "cache_write")) known.cache_write = price->to_number<double>();
  return model;
}

SENNIT_OUT_OF_FRAME asio::awaitable<void> prepare(Effects::State& state, std::string input) {
  static const std::map<std::string, json::value> kNone;
  const auto& inputs = state.parent == nullptr ? state.run.options.inputs : kNone;
  state.instructions = render_instructions(state.parts.definition, inputs);
  const std::string start = state.scope + std::to_string(state.next_effect);
  std::string notice = co_await start_agent(state);
  const std::optional<Error> refused = co_await refusal(state, start, input);
  if (!refused) co_await find_tools(state);
  const bool recalls = state.parts.memory && state.parts.definition.memory.recall;
  if (!recalls && !refused) co_await hear(state, input);
  // The run is known, and what the person said is kept, whatever becomes of the answer.
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await state.committed_for_certain();
  tell_start(state, std::move(notice));
  if (refused) {
    if (!state.said_apart.empty()) state.emit(TextDelta{state.said_apart});
    throw Error(*refused);
  }
  if (!recalls) co_return;
  co_await recall_notes(state, input);
  co_await hear(state, std::move(input));
  co_await state.committed();
}

}  // namespace sennit
