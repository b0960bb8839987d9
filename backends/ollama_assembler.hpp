// Private: Turns the objects of an answer of Ollama's own protocol (/api/chat) into events. A stream is one object a
// line; each holds a piece of the message, the last one has `done` and the counts. Knows nothing of bytes, framing or
// HTTP (see answer_decoder.hpp). https://docs.ollama.com/api/chat
#pragma once

#include <sennit/backends/answer_assembler.hpp>
#include <sennit/backends/think_splitter.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace sennit {

class OllamaAssembler final : public AnswerAssembler {
 public:
  /// `verbatim`: see AnswerAssembler. Else calls that say nothing are left out, too.
  OllamaAssembler(ThinkStart think, bool verbatim) noexcept : AnswerAssembler(verbatim), think_(think) {}

  bool chunk(const json::object& chunk, std::vector<Event>& events) override;
  void document(const json::object& answer, std::vector<Event>& events) override;
  void close(bool complete, std::vector<Event>& events) override;

 private:
  bool take(const json::object& chunk);
  void take_message(const json::object& message);
  void take_call(const json::object& call);
  void take_finish_reason(const json::value& reason);
  void take_end(const json::value* prompt_count, const json::value* answer_count);
  void emit_text(std::string_view text);
  void emit_reasoning(std::string_view text);

  ThinkSplitter think_;
  std::uint32_t calls_ = 0;
};

}  // namespace sennit
