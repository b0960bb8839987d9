#include <sennit/backends/chat/chat_assembler.hpp>
#include <sennit/backends/gemini/gemini_assembler.hpp>
#include <sennit/backends/messages/messages_assembler.hpp>
#include <sennit/backends/ollama/ollama_assembler.hpp>
#include <sennit/backends/responses/responses_assembler.hpp>
#include <sennit/backends/wire/answer_api.hpp>

#include <array>

namespace sennit {
namespace {

// In the order of Api.
constexpr std::array<std::string_view, 5> kNames = {"chat-completions", "messages", "responses", "generate-content",
                                                    "ollama-chat"};

}  // namespace

std::string_view to_string(Api api) noexcept {
  return kNames.at(static_cast<std::size_t>(api));
}

std::optional<Api> parse_api(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames.at(i) == name) return static_cast<Api>(i);
  }
  return std::nullopt;
}

std::span<const std::string_view> api_names() noexcept {
  return kNames;
}

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
