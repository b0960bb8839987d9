// The protocols in which models are asked and answer.
#pragma once

#include <cstdint>
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

/// As agent files, `sennit decode --api` and recordings name it: "chat-completions".
[[nodiscard]] std::string_view to_string(Api api) noexcept;
[[nodiscard]] std::optional<Api> parse_api(std::string_view name) noexcept;
[[nodiscard]] std::span<const std::string_view> api_names() noexcept;

}  // namespace sennit
