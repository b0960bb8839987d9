#include <sennit/backends/chat/chat_assembler.hpp>
#include <sennit/backends/gemini/gemini_assembler.hpp>
#include <sennit/backends/messages/messages_assembler.hpp>
#include <sennit/backends/ollama/ollama_assembler.hpp>
#include <sennit/backends/responses/responses_assembler.hpp>
#include <sennit/backends/wire/answer_api.hpp>

namespace sennit {

std::unique_ptr<AnswerAssembler> make_assembler(Api api, ThinkStart think, bool verbatim) {
  switch (api) {
    case Api::messages:
      return std::make_unique<MessagesAssembler>(think, verbatim);
    case Api::responses:
      return std::make_unique<ResponsesAssembler>(think, verbatim);
    case Api::generate_content:
      return std::make_unique<GeminiAssembler>(think, verbatim);
    case Api::ollama_chat:
      return std::make_unique<OllamaAssembler>(think, verbatim);
    case Api::chat_completions:
      break;
  }
  return std::make_unique<ChatAssembler>(think, verbatim);
}

}  // namespace sennit
