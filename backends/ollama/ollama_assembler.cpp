#include <sennit/backends/chat/chat_usage.hpp>
#include <sennit/backends/ollama/ollama_assembler.hpp>
#include <sennit/backends/wire/json_fields.hpp>

#include <array>
#include <string>
#include <utility>

namespace sennit {

namespace {

constexpr std::array<std::string_view, 6> kChunkKeys = {"message",           "done",      "done_reason", "error",
                                                        "prompt_eval_count", "eval_count"};
constexpr std::array<std::string_view, 3> kMessageKeys = {"content", "thinking", "tool_calls"};

}  // namespace

bool OllamaAssembler::take_chunk(const json::object& chunk) {
  const auto [message, done, reason, error, prompt_count, answer_count] = fields(chunk, kChunkKeys);
  if (present(error)) {
    const json::value document(chunk);
    take_error(read_provider_error(&document, 0, {}), says_something(error));
  }
  if (const json::object* said = as_object(message)) take_message(*said);
  if (present(reason)) take_reason(*reason);  // `load` and `unload` answer a request without messages: no failure
  if (says_something(done)) take_end(prompt_count, answer_count);
  return present(error) || present(message) || present(done) || present(reason);
}

void OllamaAssembler::take_message(const json::object& message) {
  understood_ = true;
  const auto [content, thinking, tool_calls] = fields(message, kMessageKeys);
  think(as_text(thinking));
  say(as_text(content));
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
  ToolCallDelta delta;
  delta.call = new_call(id, name);
  delta.id = word_of(id);
  delta.name = as_text(name);
  if (arguments != nullptr) {
    delta.arguments = text_of(*arguments);
    delta.whole = !arguments->is_string();
  }
  append_call(std::move(delta));
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

}  // namespace sennit
