#include <sennit/backends/chat/chat_assembler.hpp>
#include <sennit/backends/chat/chat_usage.hpp>
#include <sennit/backends/wire/json_fields.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

namespace sennit {

namespace {

constexpr std::array<std::string_view, 4> kChunkKeys = {"error", "usage", "x_groq", "choices"};
constexpr std::array<std::string_view, 5> kChoiceKeys = {"index", "delta", "message", "finish_reason", "error"};
constexpr std::array<std::string_view, 5> kWordKeys = {"content", "refusal", "reasoning_content", "reasoning",
                                                       "thinking"};
constexpr std::array<std::string_view, 2> kCallKeys = {"tool_calls", "function_call"};

}  // namespace

bool ChatAssembler::take_chunk(const json::object& chunk) {
  whole_ = false;
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
    groq_error.message = words->is_string() ? *words : json::value(wire_text(*words));
    if (const ProviderError* known = AnswerAssembler::error()) groq_error = *known;
    take_error(std::move(groq_error), true);
  }
  take_choices(choices);
  return present(error) || present(usage) || present(x_groq) || present(choices);
}

void ChatAssembler::take_document(const json::object& answer) {
  whole_ = true;
  const auto [error, usage, x_groq, choices] = fields(answer, kChunkKeys);
  take_usage(usage, x_groq);
  if (says_something(error)) {
    const json::value document(answer);
    take_error(read_provider_error(&document, 0, {}), true);
  }
  take_choices(choices);
}

void ChatAssembler::take_choices(const json::value* choices) {
  const json::array* items = as_array(choices);
  if (items == nullptr) return;
  understood_ = true;
  for (const json::value& item : *items) {
    const json::object* choice = item.if_object();
    if (choice == nullptr) continue;
    const auto [index, delta, message, reason, error] = fields(*choice, kChoiceKeys);
    if (says_something(index)) continue;  // a choice without an index is the first one
    if (const json::object* said = as_object(whole_ ? message : delta)) {
      take_words(*said);
      take_calls(*said);
    }
    // A stream of whole messages. Perplexity sends both in each event: its deltas count, for the messages repeat them.
    if (!whole_ && !verbatim_ && !spoke_ && as_object(message) != nullptr) only_message_ = *message;
    if (present(reason)) take_reason(*reason);
    if (as_object(error) != nullptr) take_choice_error(*error);
    if (whole_) return;
  }
}

void ChatAssembler::settle() {
  take_only_message();
}

void ChatAssembler::take_only_message() {
  const json::object* message = spoke_ ? nullptr : only_message_.if_object();
  if (message == nullptr) return;
  whole_ = true;
  if (!reasoned_) {
    take_words(*message);
  } else if (const json::value* content = member(*message, "content")) {
    take_content(*content);
  }
  take_calls(*message);
}

void ChatAssembler::take_calls(const json::object& said) {
  const auto [tool_calls, function_call] = fields(said, kCallKeys);
  if (const json::array* calls = as_array(tool_calls)) {
    for (const json::value& item : *calls) {
      const json::object* call = item.if_object();
      if (call == nullptr) continue;
      if (whole_) {
        open_call({}, call->if_contains("id"), object_at(*call, "function"));
      } else {
        take_tool_call(*call);
      }
    }
  }
  const json::object* function = as_object(function_call);
  if (function == nullptr || function->empty()) return;
  if (whole_) {
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
    spoke_ = true;
    refuse(text);
  }
}

void ChatAssembler::take_content(const json::value& content) {
  if (const json::string* text = content.if_string()) return emit_text(*text);
  if (const json::object* object = verbatim_ ? nullptr : content.if_object()) {
    // Cloudflare parses an answer that is JSON.
    return object->contains("type") ? take_part(*object) : emit_text(wire_text(content));
  }
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
  const std::uint32_t call = new_call(nullptr, nullptr);
  calls_.push_back(Call{{}, std::move(index), false});
  spoke_ = true;
  emit_call(call, true, id, function);
}

void ChatAssembler::take_tool_call(const json::object& delta) {
  const json::object* function = object_at(delta, "function");
  const std::string id = word_of(delta.if_contains("id"));
  const std::string_view name = function != nullptr ? text_at(*function, "name") : std::string_view();
  const json::value* place = member(delta, "index");
  std::string index = place != nullptr ? index_key(*place) : std::string();
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
  if (known.id.empty()) delta.id = known.id = word_of(id);
  const std::string_view name = function != nullptr ? text_at(*function, "name") : std::string_view();
  if (!known.named && !name.empty()) {
    delta.name = name;
    known.named = true;
  }
  if (verbatim_) note_sent(sent_.calls[call], id, function);
  const json::value* arguments = function != nullptr ? member(*function, "arguments") : nullptr;
  if (arguments != nullptr) {
    delta.whole = !arguments->is_string();
    delta.arguments = delta.whole ? wire_text(*arguments) : std::string(arguments->get_string());
  }
  const bool only_arguments = delta.id.empty() && delta.name.empty();
  if (only_arguments && !opened && !delta.arguments) return;
  append_call(std::move(delta));
}

/// The first id and name that say something count; but a whole call's empty name is its name.
void ChatAssembler::note_sent(SentAnswer::Call& sent, const json::value* id, const json::object* function) const {
  if (sent.id.is_null() && says_something(id)) sent.id = *id;
  const json::value* name = function != nullptr ? member(*function, "name") : nullptr;
  if (sent.name.is_null() && name != nullptr && (whole_ || says_something(name))) sent.name = *name;
}

void ChatAssembler::take_usage(const json::value* usage, const json::value* x_groq) {
  if (!says_something(usage)) {
    const json::object* groq = as_object(x_groq);
    usage = groq != nullptr ? groq->if_contains("usage") : nullptr;
  }
  const json::object* sent = as_object(usage);
  if (sent == nullptr || sent->empty()) return;
  understood_ = true;
  if (verbatim_) sent_.usage = usage_as_sent(*sent);
  append_usage(verbatim_ ? counts_of(*sent) : usage_of(*sent));
}

void ChatAssembler::take_choice_error(const json::value& error) {
  const json::value document(json::object{{"error", error}});
  take_error(read_provider_error(&document, 0, {}), says_something(&error));
}

void ChatAssembler::emit_text(std::string_view text) {
  spoke_ = spoke_ || !text.empty();
  say(text);
}

void ChatAssembler::emit_reasoning(std::string_view text) {
  reasoned_ = reasoned_ || !text.empty();
  think(text);
}

}  // namespace sennit
