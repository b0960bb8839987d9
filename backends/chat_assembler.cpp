#include <sennit/backends/chat_assembler.hpp>
#include <sennit/backends/chat_json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

namespace sennit {

namespace {

/// The members of `object` under `keys`, null where absent, found in one pass: in a stream of tokens, looking for each
/// key by itself costs as much as parsing.
template <std::size_t N>
std::array<const json::value*, N> fields(const json::object& object, const std::array<std::string_view, N>& keys) {
  std::array<const json::value*, N> found{};
  for (const auto& [key, value] : object) {
    for (std::size_t i = 0; i < N; ++i) {
      if (key.size() == keys[i].size() && key == keys[i]) found[i] = &value;
    }
  }
  return found;
}

constexpr std::array<std::string_view, 4> kChunkKeys = {"error", "usage", "x_groq", "choices"};
constexpr std::array<std::string_view, 5> kChoiceKeys = {"index", "delta", "message", "finish_reason", "error"};
constexpr std::array<std::string_view, 5> kWordKeys = {"content", "refusal", "reasoning_content", "reasoning",
                                                       "thinking"};
constexpr std::array<std::string_view, 2> kCallKeys = {"tool_calls", "function_call"};

bool present(const json::value* value) {
  return value != nullptr && !value->is_null();
}
const json::object* as_object(const json::value* value) {
  return value != nullptr ? value->if_object() : nullptr;
}
const json::array* as_array(const json::value* value) {
  return value != nullptr ? value->if_array() : nullptr;
}
std::string_view as_text(const json::value* value) {
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

const json::value* member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return present(value) ? value : nullptr;
}
const json::object* object_at(const json::object& object, std::string_view key) {
  return as_object(object.if_contains(key));
}
std::string_view text_at(const json::object& object, std::string_view key) {
  return as_text(object.if_contains(key));
}

/// What a scripting language calls true: servers write false, 0, "" and {} where they mean "none".
bool says_something(const json::value* value) {
  if (value == nullptr) return false;
  switch (value->kind()) {
    case json::kind::null:
      return false;
    case json::kind::bool_:
      return value->get_bool();
    case json::kind::int64:
      return value->get_int64() != 0;
    case json::kind::uint64:
      return value->get_uint64() != 0;
    case json::kind::double_:
      return value->get_double() != 0;
    case json::kind::string:
      return !value->get_string().empty();
    case json::kind::array:
      return !value->get_array().empty();
    case json::kind::object:
      return !value->get_object().empty();
  }
  return false;
}

std::optional<std::int64_t> count_at(const json::object* object, std::string_view key) {
  const json::value* value = object != nullptr ? object->if_contains(key) : nullptr;
  if (value == nullptr) return {};
  if (const std::int64_t* number = value->if_int64()) return *number;
  if (const double* number = value->if_double(); number != nullptr && *number > -9e15 && *number < 9e15) {
    return static_cast<std::int64_t>(*number);
  }
  return {};
}

std::optional<std::int64_t> first_count(std::initializer_list<std::optional<std::int64_t>> counts) {
  for (const auto& count : counts) {
    if (count) return count;
  }
  return {};
}

std::string json_text(const json::value& value) {
  std::string text;
  append_json(text, value);
  return text;
}

/// The wire's index as a key: mostly a number, but any JSON may stand there. Empty where there is none.
std::string index_key(const json::object& delta) {
  const json::value* index = member(delta, "index");
  if (index == nullptr) return {};
  if (const double* number = index->if_double(); number != nullptr && *number > -9e15 && *number < 9e15 &&
                                                 *number == static_cast<double>(static_cast<std::int64_t>(*number))) {
    return std::to_string(static_cast<std::int64_t>(*number));
  }
  return json_text(*index);
}

std::string id_text(const json::value* id) {
  if (id == nullptr || !says_something(id)) return {};
  return id->is_string() ? std::string(id->get_string()) : json_text(*id);
}

}  // namespace

void ChatAssembler::chunk(const json::object& chunk, std::vector<Event>& events) {
  events_ = &events;
  const auto [error, usage, x_groq, choices] = fields(chunk, kChunkKeys);
  if (present(error)) {
    const json::value document(chunk);
    take_error(read_provider_error(&document, 0, {}), says_something(error));
  }
  take_usage(usage, x_groq);
  const json::object* groq = as_object(x_groq);
  const json::value* words = groq != nullptr ? groq->if_contains("error") : nullptr;
  if (words != nullptr && says_something(words)) {
    ProviderError groq_error;
    groq_error.message = words->is_string() ? *words : json::value(json_text(*words));
    take_error(error_ ? *error_ : std::move(groq_error), true);
  }
  take_choices(choices, false);
}

void ChatAssembler::document(const json::object& answer, std::vector<Event>& events) {
  events_ = &events;
  const auto [error, usage, x_groq, choices] = fields(answer, kChunkKeys);
  take_usage(usage, x_groq);
  if (says_something(error)) {
    const json::value document(answer);
    take_error(read_provider_error(&document, 0, {}), true);
  }
  take_choices(choices, true);
}

void ChatAssembler::take_choices(const json::value* choices, bool whole) {
  const json::array* items = as_array(choices);
  if (items == nullptr) return;
  understood_ = true;
  for (const json::value& item : *items) {
    const json::object* choice = item.if_object();
    if (choice == nullptr) continue;
    const auto [index, delta, message, reason, error] = fields(*choice, kChoiceKeys);
    if (says_something(index)) continue;  // a choice without an index is the first one
    if (const json::object* said = as_object(whole ? message : delta)) {
      take_words(*said);
      take_calls(*said, whole);
    }
    if (present(reason)) take_finish_reason(*reason);
    if (as_object(error) != nullptr) take_choice_error(*error);
    if (whole) return;
  }
}

void ChatAssembler::close(bool complete, std::vector<Event>& events) {
  events_ = &events;
  std::string reasoning;
  std::string answer;
  think_.finish(complete && calls_.empty(), reasoning, answer);
  append_reasoning(reasoning);
  append_text(answer);
}

void ChatAssembler::take_calls(const json::object& said, bool whole) {
  const auto [tool_calls, function_call] = fields(said, kCallKeys);
  if (const json::array* calls = as_array(tool_calls)) {
    for (const json::value& item : *calls) {
      const json::object* call = item.if_object();
      if (call == nullptr) continue;
      if (whole) {
        open_call({}, call->if_contains("id"), object_at(*call, "function"));
      } else {
        take_tool_call(*call);
      }
    }
  }
  const json::object* function = as_object(function_call);
  if (function == nullptr || function->empty()) return;
  if (whole) {
    open_call({}, nullptr, function);
  } else {
    take_function_call(*function);
  }
}

void ChatAssembler::take_words(const json::object& said) {
  const auto [content, refusal, reasoning_content, reasoning, thinking] = fields(said, kWordKeys);
  // A server that reasons in a field may repeat it under a second name: the first one that says something counts.
  for (const json::value* thought : {reasoning_content, reasoning, thinking}) {
    const std::string_view text = as_text(thought);
    if (text.empty()) continue;
    emit_reasoning(text);
    break;
  }
  if (present(content)) take_content(*content);
  if (const std::string_view text = as_text(refusal); !text.empty()) {
    refused_ = true;
    RefusalDelta* last = events_->empty() ? nullptr : std::get_if<RefusalDelta>(&events_->back().data);
    if (last != nullptr) {
      last->text += text;
    } else {
      events_->push_back(Event{{}, RefusalDelta{std::string(text)}});
    }
  }
}

void ChatAssembler::take_content(const json::value& content) {
  if (const json::string* text = content.if_string()) return emit_text(*text);
  const json::array* parts = content.if_array();
  if (parts == nullptr) return;
  for (const json::value& part : *parts) {
    if (const json::string* text = part.if_string()) emit_text(*text);
    if (const json::object* fields = part.if_object()) take_part(*fields);
  }
}

void ChatAssembler::take_part(const json::object& part) {
  const std::string_view type = text_at(part, "type");
  if (type == "text") return emit_text(text_at(part, "text"));
  if (type != "thinking") return;
  if (const std::string_view text = text_at(part, "thinking"); !text.empty()) return emit_reasoning(text);
  const json::array* pieces = as_array(part.if_contains("thinking"));
  if (pieces == nullptr) return;
  for (const json::value& piece : *pieces) {
    if (const json::object* fields = piece.if_object()) emit_reasoning(text_at(*fields, "text"));
  }
}

std::optional<std::size_t> ChatAssembler::find_index(std::string_view index) const {
  for (std::size_t i = calls_.size(); i-- > 0;) {
    if (calls_[i].index == index) return i;
  }
  return {};
}

std::optional<std::size_t> ChatAssembler::find_call(const json::object& delta, std::string_view index,
                                                    std::string_view id, std::string_view name) const {
  if (member(delta, "index") != nullptr) {
    const auto found = find_index(index);
    // Some servers number every call 0: a new id together with a name is a new call.
    const bool another = found && !id.empty() && !calls_[*found].id.empty() && calls_[*found].id != id && !name.empty();
    return another ? std::nullopt : found;
  }
  if (!id.empty()) {
    const auto found = std::find_if(calls_.begin(), calls_.end(), [id](const Call& call) { return call.id == id; });
    if (found == calls_.end()) return {};
    return static_cast<std::size_t>(found - calls_.begin());
  }
  if (name.empty() && !calls_.empty()) return calls_.size() - 1;
  return {};
}

void ChatAssembler::open_call(std::string index, const json::value* id, const json::object* function) {
  const bool named = function != nullptr && says_something(function->if_contains("name"));
  const bool argued = function != nullptr && says_something(function->if_contains("arguments"));
  if (!verbatim_ && !named && !argued && !says_something(id)) return;
  if (calls_.size() >= kMaxCalls) {
    throw Error(errc::too_large, fmt::format("a completion with more than {} tool calls", kMaxCalls));
  }
  calls_.push_back(Call{{}, std::move(index), false});
  emit_call(calls_.size() - 1, true, id, function);
}

void ChatAssembler::take_tool_call(const json::object& delta) {
  const json::object* function = object_at(delta, "function");
  const std::string id = id_text(delta.if_contains("id"));
  const std::string_view name = function != nullptr ? text_at(*function, "name") : std::string_view();
  std::string index = index_key(delta);
  const auto found = find_call(delta, index, id, name);
  if (found) return emit_call(*found, false, delta.if_contains("id"), function);
  open_call(std::move(index), delta.if_contains("id"), function);
}

void ChatAssembler::take_function_call(const json::object& function) {
  // The protocol before tools: one call, without id and index. Its key is no JSON, so no index can equal it.
  constexpr std::string_view kLegacy = "function_call";
  const auto found = find_index(kLegacy);
  if (found) return emit_call(*found, false, nullptr, &function);
  open_call(std::string(kLegacy), nullptr, &function);
}

void ChatAssembler::emit_call(std::size_t call, bool opened, const json::value* id, const json::object* function) {
  Call& known = calls_[call];
  ToolCallDelta delta;
  delta.call = static_cast<std::uint32_t>(call);
  if (known.id.empty()) delta.id = known.id = id_text(id);
  const std::string_view name = function != nullptr ? text_at(*function, "name") : std::string_view();
  if (!known.named && !name.empty()) {
    delta.name = name;
    known.named = true;
  }
  const json::value* arguments = function != nullptr ? member(*function, "arguments") : nullptr;
  if (arguments != nullptr) {
    delta.whole = !arguments->is_string();
    delta.arguments = delta.whole ? json_text(*arguments) : std::string(arguments->get_string());
  }
  const bool only_arguments = delta.id.empty() && delta.name.empty();
  if (only_arguments && !opened && !delta.arguments) return;
  ToolCallDelta* last = events_->empty() ? nullptr : std::get_if<ToolCallDelta>(&events_->back().data);
  if (last != nullptr && last->call == delta.call && only_arguments && !delta.whole && !last->whole && !opened) {
    if (!last->arguments) last->arguments.emplace();
    *last->arguments += *delta.arguments;
    return;
  }
  events_->push_back(Event{{}, std::move(delta)});
}

void ChatAssembler::take_usage(const json::value* usage, const json::value* x_groq) {
  if (!says_something(usage)) {
    const json::object* groq = as_object(x_groq);
    usage = groq != nullptr ? groq->if_contains("usage") : nullptr;
  }
  const json::object* sent = as_object(usage);
  if (sent == nullptr || sent->empty()) return;
  understood_ = true;
  Usage counts;
  counts.input = count_at(sent, "prompt_tokens");
  counts.output = count_at(sent, "completion_tokens");
  counts.cached_input = first_count({count_at(object_at(*sent, "prompt_tokens_details"), "cached_tokens"),
                                     count_at(sent, "prompt_cache_hit_tokens"), count_at(sent, "cached_tokens")});
  counts.reasoning = first_count({count_at(object_at(*sent, "completion_tokens_details"), "reasoning_tokens"),
                                  count_at(sent, "reasoning_tokens")});
  if (!verbatim_) {
    // xAI counts reasoning beside the output, and Azure's Grok cached tokens beside the input; their totals show it.
    const auto total = count_at(sent, "total_tokens");
    if (total && counts.input && counts.output && counts.reasoning.value_or(0) > 0 &&
        *total == *counts.input + *counts.output + *counts.reasoning) {
      *counts.output += *counts.reasoning;
    }
    if (counts.input && counts.cached_input && *counts.cached_input > *counts.input)
      *counts.input += *counts.cached_input;
  }
  if (usage_ == counts) return;
  usage_ = counts;
  events_->push_back(Event{{}, UsageUpdate{counts}});
}

void ChatAssembler::take_finish_reason(const json::value& reason) {
  finish_reason_ = reason.is_string() ? std::string(reason.get_string()) : json_text(reason);
  if (!finish_reason_->empty()) reason_ = *finish_reason_;
}

void ChatAssembler::take_error(ProviderError error, bool breaks) {
  error_ = std::move(error);
  failed_ = failed_ || breaks;
  understood_ = understood_ || breaks;
}

void ChatAssembler::take_choice_error(const json::value& error) {
  const json::value document(json::object{{"error", error}});
  take_error(read_provider_error(&document, 0, {}), says_something(&error));
}

void ChatAssembler::emit_text(std::string_view text) {
  if (text.empty()) return;
  if (think_.passes()) return append_text(text);
  std::string reasoning;
  std::string answer;
  think_.push(text, reasoning, answer);
  append_reasoning(reasoning);
  append_text(answer);
}

void ChatAssembler::emit_reasoning(std::string_view text) {
  if (text.empty()) return;
  if (!think_.passes()) {
    std::string answer;
    think_.server_splits(answer);
    append_text(answer);
  }
  append_reasoning(text);
}

void ChatAssembler::append_text(std::string_view text) {
  if (text.empty()) return;
  TextDelta* last = events_->empty() ? nullptr : std::get_if<TextDelta>(&events_->back().data);
  if (last != nullptr) {
    last->text += text;
  } else {
    events_->emplace_back().data.emplace<TextDelta>().text = text;
  }
}

void ChatAssembler::append_reasoning(std::string_view text) {
  if (text.empty()) return;
  ReasoningDelta* last = events_->empty() ? nullptr : std::get_if<ReasoningDelta>(&events_->back().data);
  if (last != nullptr) {
    last->text += text;
  } else {
    events_->emplace_back().data.emplace<ReasoningDelta>().text = text;
  }
}

}  // namespace sennit
