// Turns the JSON objects of a chat-completions answer into events: which fields count, which tool call a delta belongs
// to, what the usage means. Knows nothing of bytes, framing or HTTP (see chat_decoder.hpp).
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/backends/chat_error.hpp>
#include <sennit/backends/think_splitter.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

class ChatAssembler {
 public:
  /// `verbatim`: for showing what was sent. Else counts are translated to what agent/usage.hpp means by them, and
  /// calls that say nothing (some servers send an empty `function_call` with every answer) are left out.
  ChatAssembler(ThinkStart think, bool verbatim) noexcept : think_(think), verbatim_(verbatim) {}

  /// One chunk of a stream. Adjacent deltas of the same kind are merged into the last of `events`. False if it had
  /// nothing that a chunk has.
  bool chunk(const json::object& chunk, std::vector<Event>& events);
  /// A whole answer that was not streamed.
  void document(const json::object& answer, std::vector<Event>& events);
  /// No chunk follows: appends text that was kept back in case it was a tag. `complete`: not cut off.
  void close(bool complete, std::vector<Event>& events);

  /// The last error that arrived, if any; `failed` tells whether it breaks the completion (`"error": false` does not).
  [[nodiscard]] const ProviderError* error() const noexcept { return error_.get(); }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  struct SentCall {
    json::value id;
    json::value name;
  };
  /// What the events cannot carry, as the wire had it; null where it had nothing.
  struct Sent {
    json::value finish_reason;    ///< the last one
    json::object usage;           ///< see usage_as_sent(); empty where none came
    std::vector<SentCall> calls;  ///< by the number of the call
  };
  /// REQUIRES: verbatim.
  [[nodiscard]] const Sent& sent() const noexcept { return sent_; }
  /// The last finish_reason that says something; empty if none did.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
  /// Something was a chat completion at all: choices, usage or an error.
  [[nodiscard]] bool understood() const noexcept { return understood_; }
  [[nodiscard]] bool refused() const noexcept { return refused_; }
  /// Chunks that brought words: text, reasoning, a refusal, arguments.
  [[nodiscard]] std::size_t pieces() const noexcept { return pieces_; }
  [[nodiscard]] bool has_calls() const noexcept { return !calls_.empty(); }

  static constexpr std::size_t kMaxCalls = 1024;  ///< tool calls of one completion

 private:
  struct Call {
    std::string id;
    std::string index;  ///< as JSON text; empty where the wire has none
    bool named = false;
  };

  void take_choices(const json::value* choices);
  void take_words(const json::object& said);
  void take_calls(const json::object& said);
  void take_only_message();
  void take_content(const json::value& content);
  void take_part(const json::object& part);
  void take_tool_call(const json::object& delta);
  void take_function_call(const json::object& function);
  void take_usage(const json::value* usage, const json::value* x_groq);
  void take_finish_reason(const json::value& reason);
  void take_error(ProviderError error, bool breaks);
  void take_choice_error(const json::value& error);

  [[nodiscard]] std::optional<std::size_t> find_call(const json::object& delta, std::string_view index,
                                                     std::string_view id, std::string_view name) const;
  [[nodiscard]] std::optional<std::size_t> find_index(std::string_view index) const;
  void open_call(std::string index, const json::value* id, const json::object* function);
  void emit_call(std::size_t call, bool opened, const json::value* id, const json::object* function);
  void note_sent(SentCall& sent, const json::value* id, const json::object* function) const;
  void emit_text(std::string_view text);
  void emit_reasoning(std::string_view text);
  void append_text(std::string_view text);
  void append_reasoning(std::string_view text);

  ThinkSplitter think_;
  bool verbatim_;
  bool failed_ = false;
  bool understood_ = false;
  bool refused_ = false;
  bool spoke_ = false;     // text, a refusal or a call has come
  bool reasoned_ = false;  // reasoning has come
  bool whole_ = false;     // what is being read is a whole answer, not a chunk
  bool worded_ = false;    // the running chunk has brought words
  std::size_t pieces_ = 0;
  std::vector<Event>* events_ = nullptr;  // where the running call appends
  std::vector<Call> calls_;
  std::unique_ptr<ProviderError> error_;
  Sent sent_;
  json::value only_message_;  // of a stream in which no delta said anything
  std::string reason_;
  std::optional<Usage> usage_;
};

}  // namespace sennit
