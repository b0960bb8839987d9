// Models of all forms, and what is asked of them, for the tests of Messages' request bodies.
#pragma once

#include "backends/wire/asked.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sennit::testing {

/// Models of all forms, so that the tests do not depend on what the shipped catalogue says of anybody.
inline std::shared_ptr<const Catalogue> models_of_messages() {
  static const std::shared_ptr<const Catalogue> kModels = known_from(R"(
version: 2026-11-26
providers:
  anthropic: {title: Claude, apis: {messages: "https://a/v1"}}
  other: {title: Other, apis: {messages: "https://o/v1"}, replay: always}
  deepseek: {title: DeepSeek, apis: {messages: "https://d/v1"}, reasoning: deepseek, replay: always,
             replay_needs_presence: true}
models:
  - {id: "anthropic/claude-new*", thinking: adaptive, sampling: false, efforts: [low, medium, high, xhigh, max],
     output: 128000, abilities: [tools, reasoning, schema, strict_tools, caching]}
  - {id: "anthropic/claude-mid*", thinking: adaptive, efforts: [none, low, medium, high, max], output: 64000,
     abilities: [tools, reasoning, schema, strict_tools, caching]}
  - {id: "anthropic/claude-old*", thinking: budget, output: 16000, abilities: [tools, reasoning, caching]}
  - {id: "anthropic/claude-plain*", thinking: none, efforts: [], output: 4096, abilities: [tools]}
  - {id: "deepseek/*", thinking: budget}
)");
  return kModels;
}

inline std::string bytes_of(const Asked& asked, const ModelSpec& spec) {
  return asked.body(spec, models_of_messages());
}

inline std::string bytes_of(const Asked& asked, std::string name = "anthropic/claude-new") {
  return bytes_of(asked, named(std::move(name)));
}

inline json::object body_of(const Asked& asked, std::string name = "anthropic/claude-new") {
  return parse_object(bytes_of(asked, std::move(name)));
}

inline Asked saying(std::string text) {
  Asked asked;
  asked.messages = {user_message(std::move(text))};
  return asked;
}

inline Asked with_effort(std::string effort) {
  Asked asked = saying("Go.");
  asked.options.reasoning_effort = std::move(effort);
  return asked;
}

/// The messages as one line each, without marks: "user: text(Hello) tool_result(c1)".
inline std::string lines_of(const json::object& body) {
  std::string all;
  for (const json::value& message : messages_of(body)) {
    if (!all.empty()) all += '\n';
    all += std::string(message.at("role").as_string()) + ":";
    for (const json::value& block : message.at("content").as_array()) {
      std::string inner;
      for (const char* const key : {"text", "thinking", "data", "tool_use_id", "id"}) {
        if (const json::value* value = find(block, key)) inner = std::string(value->as_string());
      }
      all += fmt::format(" {}({})", std::string(block.at("type").as_string()), inner);
    }
  }
  return all;
}

inline Reasoning thought(std::string text, std::string signature, std::string model = "anthropic/claude-new") {
  return {std::move(text), "messages/" + std::move(model), json::object{{"signature", std::move(signature)}}};
}

inline std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

inline constexpr std::string_view kMark = R"(,"cache_control":{"type":"ephemeral"})";

inline std::string without_marks(std::string text) {
  for (std::size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark)) text.erase(at, kMark.size());
  return text;
}

}  // namespace sennit::testing
