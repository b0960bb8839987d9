// Private: Turns the objects of an answer of Ollama's own protocol (/api/chat) into events. A stream is one object a
// line; each holds a piece of the message, the last one has `done` and the counts. Knows nothing of bytes, framing or
// HTTP (see answer_decoder.hpp). https://docs.ollama.com/api/chat
#pragma once

#include <sennit/backends/wire/answer_assembler.hpp>

namespace sennit {

class OllamaAssembler final : public AnswerAssembler {
 public:
  using AnswerAssembler::AnswerAssembler;

 private:
  bool take_chunk(const json::object& chunk) override;
  void take_document(const json::object& answer) override { (void)take_chunk(answer); }

  void take_message(const json::object& message);
  void take_call(const json::object& call);
  void take_end(const json::value* prompt_count, const json::value* answer_count);
};

}  // namespace sennit
