// The protocols in which models answer, and what reads each of them.
#pragma once

#include <sennit/backends/wire/answer_assembler.hpp>
#include <sennit/backends/wire/think_splitter.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace sennit {

enum class Api : std::uint8_t {
  chat_completions,  ///< OpenAI Chat Completions, and all that speak it
  messages,          ///< Anthropic Messages
  responses,         ///< OpenAI Responses, and Open Responses
  generate_content,  ///< Gemini
  ollama_chat,       ///< Ollama's own
};

/// As `sennit decode --api` and recordings name it: "chat-completions".
[[nodiscard]] std::string_view to_string(Api api) noexcept;
[[nodiscard]] std::optional<Api> parse_api(std::string_view name) noexcept;
[[nodiscard]] std::span<const std::string_view> api_names() noexcept;

/// `think`, `verbatim`: see AnswerAssembler.
[[nodiscard]] std::unique_ptr<AnswerAssembler> make_assembler(Api api, ThinkStart think, bool verbatim);

}  // namespace sennit
