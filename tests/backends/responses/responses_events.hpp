// What a decoder gives for a body in the Responses protocol, taken apart for tests.
#pragma once

#include "backends/responses/responses_bodies.hpp"
#include "backends/wire/answers.hpp"
#include <sennit/agent/completion.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sennit::testing::responses {

inline constexpr std::string_view kHello =
    R"({"type":"message","id":"m","role":"assistant","content":[{"type":"output_text","text":"hello"}]})";

inline std::vector<Event> decode_responses(std::string_view body, ThinkStart think = ThinkStart::off) {
  DecoderOptions options;
  options.api = Api::responses;
  options.think = think;
  options.names.title = "the server";
  return decode_in_pieces(body, options);
}

inline std::string refusal_of(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) {
    if (const auto* delta = std::get_if<RefusalDelta>(&event.data)) text += delta->text;
  }
  return text;
}

inline std::vector<ToolCall> calls_of(const std::vector<Event>& events) {
  CompletionBuilder builder("test");
  for (const Event& event : events) builder.take(event);
  std::vector<ToolCall> calls;
  const Completion completion = std::move(builder).finish();
  for (const ToolCall* call : completion.message.tool_calls()) calls.push_back(*call);
  return calls;
}

inline std::vector<json::value> blocks_of(const std::vector<Event>& events) {
  std::vector<json::value> blocks;
  for (const Event& event : events) {
    const auto* delta = std::get_if<ReasoningDelta>(&event.data);
    if (delta != nullptr && !delta->opaque.is_null()) blocks.push_back(delta->opaque);
  }
  return blocks;
}

inline json::value parsed(std::string_view text) {
  return json::parse(text);
}

}  // namespace sennit::testing::responses
