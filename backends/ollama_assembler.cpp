#include <sennit/backends/chat_usage.hpp>
#include <sennit/backends/json_fields.hpp>
#include <sennit/backends/ollama_assembler.hpp>

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

namespace sennit {

namespace {

constexpr std::array<std::string_view, 6> kChunkKeys = {"message",           "done",      "done_reason", "error",
                                                        "prompt_eval_count", "eval_count"};
constexpr std::array<std::string_view, 3> kMessageKeys = {"content", "thinking", "tool_calls"};

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : wire_text(value);
}

}  // namespace

bool OllamaAssembler::chunk(const json::object& chunk, std::vector<Event>& events) {
  events_ = &events;
  worded_ = false;
  const bool known = take(chunk);
  if (worded_) ++pieces_;
  return known;
}

void OllamaAssembler::document(const json::object& answer, std::vector<Event>& events) {
  events_ = &events;
  take(answer);
}

bool OllamaAssembler::take(const json::object& chunk) {
  const auto [message, done, reason, error, prompt_count, answer_count] = fields(chunk, kChunkKeys);
  if (present(error)) {
    const json::value document(chunk);
    take_error(read_provider_error(&document, 0, {}), says_something(error));
  }
  if (const json::object* said = as_object(message)) take_message(*said);
  if (present(reason)) take_finish_reason(*reason);
  if (says_something(done)) take_end(prompt_count, answer_count);
  return present(error) || present(message) || present(done) || present(reason);
}

void OllamaAssembler::close(bool complete, std::vector<Event>& events) {
  events_ = &events;
  std::string reasoning;
  std::string answer;
  think_.finish(complete && calls_ == 0, reasoning, answer);
  append_reasoning(reasoning);
  append_text(answer);
}

void OllamaAssembler::take_message(const json::object& message) {
  understood_ = true;
  const auto [content, thinking, tool_calls] = fields(message, kMessageKeys);
  emit_reasoning(as_text(thinking));
  emit_text(as_text(content));
  const json::array* calls = as_array(tool_calls);
  if (calls == nullptr) return;
  for (const json::value& call : *calls) {
    if (const json::object* fields = call.if_object()) take_call(*fields);
  }
}

/// A call comes whole. Older servers give it no id, and the reason to stop does not tell of it.
void OllamaAssembler::take_call(const json::object& call) {
  const json::value* id = call.if_contains("id");
  const json::object* function = object_at(call, "function");
  const json::value* name = function != nullptr ? member(*function, "name") : nullptr;
  const json::value* arguments = function != nullptr ? member(*function, "arguments") : nullptr;
  if (!verbatim_ && !says_something(id) && !says_something(name) && !says_something(arguments)) return;
  if (calls_ >= kMaxCalls) {
    throw Error(errc::too_large, fmt::format("a completion with more than {} tool calls", kMaxCalls));
  }
  if (verbatim_) {
    SentAnswer::Call& sent = sent_.calls.emplace_back();
    if (says_something(id)) sent.id = *id;
    if (name != nullptr) sent.name = *name;
  }
  ToolCallDelta delta;
  delta.call = calls_++;
  if (says_something(id)) delta.id = text_of(*id);
  delta.name = as_text(name);
  if (arguments != nullptr) {
    delta.arguments = text_of(*arguments);
    delta.whole = !arguments->is_string();
    worded_ = worded_ || !delta.arguments->empty();
  }
  append_call(std::move(delta));
}

/// `load` and `unload` answer a request without messages: odd, but no failure.
void OllamaAssembler::take_finish_reason(const json::value& reason) {
  if (verbatim_) sent_.finish_reason = reason;
  std::string word = text_of(reason);
  if (!word.empty()) reason_ = std::move(word);
}

void OllamaAssembler::take_end(const json::value* prompt_count, const json::value* answer_count) {
  understood_ = true;
  // A recording may hold the answers of several turns; what it says is shown to its end.
  ended_ = !verbatim_;
  if (prompt_count == nullptr && answer_count == nullptr && !verbatim_) return;
  json::object counts;
  if (prompt_count != nullptr) counts["prompt_tokens"] = *prompt_count;
  if (answer_count != nullptr) counts["completion_tokens"] = *answer_count;
  if (verbatim_) sent_.usage = usage_as_sent(counts);
  append_usage(usage_of(counts));
}

void OllamaAssembler::emit_text(std::string_view text) {
  if (text.empty()) return;
  worded_ = true;
  if (think_.passes()) return append_text(text);
  std::string reasoning;
  std::string answer;
  think_.push(text, reasoning, answer);
  append_reasoning(reasoning);
  append_text(answer);
}

void OllamaAssembler::emit_reasoning(std::string_view text) {
  if (text.empty()) return;
  worded_ = true;
  if (!think_.passes()) {
    std::string answer;
    think_.server_splits(answer);
    append_text(answer);
  }
  append_reasoning(text);
}

}  // namespace sennit
