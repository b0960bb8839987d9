// Events of streams in Anthropic's Messages protocol, for tests, in words of our own.
#pragma once

#include "backends/wire/answers.hpp"

#include <string>
#include <string_view>

namespace sennit::testing::messages {

inline constexpr std::string_view kStart =
    R"({"type":"message_start","message":{"type":"message","role":"assistant","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}})";
inline constexpr std::string_view kStop = R"({"type":"message_stop"})";
inline constexpr std::string_view kPing = R"({"type":"ping"})";

inline std::string open(std::string_view index, std::string_view block) {
  return std::string(R"({"type":"content_block_start","index":)")
      .append(index)
      .append(R"(,"content_block":)")
      .append(block)
      .append("}");
}

inline std::string delta(std::string_view index, std::string_view piece) {
  return std::string(R"({"type":"content_block_delta","index":)")
      .append(index)
      .append(R"(,"delta":)")
      .append(piece)
      .append("}");
}

inline std::string text(std::string_view index, std::string_view words) {
  return delta(index, json::serialize(json::object{{"type", "text_delta"}, {"text", words}}));
}

inline std::string thought(std::string_view index, std::string_view words) {
  return delta(index, json::serialize(json::object{{"type", "thinking_delta"}, {"thinking", words}}));
}

inline std::string signature(std::string_view index, std::string_view words) {
  return delta(index, json::serialize(json::object{{"type", "signature_delta"}, {"signature", words}}));
}

inline std::string input(std::string_view index, std::string_view piece) {
  return delta(index, json::serialize(json::object{{"type", "input_json_delta"}, {"partial_json", piece}}));
}

inline std::string tool(std::string_view index, std::string_view id, std::string_view name,
                        std::string_view given = "{}") {
  return open(index, std::string(R"({"type":"tool_use","id":")")
                         .append(id)
                         .append(R"(","name":")")
                         .append(name)
                         .append(R"(","input":)")
                         .append(given)
                         .append("}"));
}

inline std::string close(std::string_view index) {
  return std::string(R"({"type":"content_block_stop","index":)").append(index).append("}");
}

inline std::string end(std::string_view reason, std::string_view rest = "") {
  return std::string(R"({"type":"message_delta","delta":{"stop_reason":")")
      .append(reason)
      .append("\"")
      .append(rest)
      .append(R"(},"usage":{"output_tokens":7}})");
}

inline constexpr std::string_view kText = R"({"type":"text","text":""})";
inline constexpr std::string_view kThinking = R"({"type":"thinking","thinking":"","signature":""})";

}  // namespace sennit::testing::messages
