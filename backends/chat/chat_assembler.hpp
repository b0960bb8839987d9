// Turns the JSON objects of a chat-completions answer into events: which fields count, which tool call a delta belongs
// to, what the usage means. Knows nothing of bytes, framing or HTTP (see answer_decoder.hpp).
#pragma once

#include <sennit/backends/wire/answer_assembler.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

class ChatAssembler final : public AnswerAssembler {
 public:
  using AnswerAssembler::AnswerAssembler;

 private:
  bool take_chunk(const json::object& chunk) override;
  void take_document(const json::object& answer) override;
  void settle() override;

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
  void take_choice_error(const json::value& error);

  [[nodiscard]] std::optional<std::size_t> find_call(const json::object& delta, std::string_view index,
                                                     std::string_view id, std::string_view name) const;
  [[nodiscard]] std::optional<std::size_t> find_index(std::string_view index) const;
  void open_call(std::string index, const json::value* id, const json::object* function);
  void emit_call(std::size_t call, bool opened, const json::value* id, const json::object* function);
  void note_sent(SentAnswer::Call& sent, const json::value* id, const json::object* function) const;
  void emit_text(std::string_view text);
  void emit_reasoning(std::string_view text);

  bool spoke_ = false;     // text, a refusal or a call has come
  bool reasoned_ = false;  // reasoning has come
  bool whole_ = false;     // what is being read is a whole answer, not a chunk
  std::vector<Call> calls_;
  json::value only_message_;  // of a stream in which no delta said anything
};

}  // namespace sennit
