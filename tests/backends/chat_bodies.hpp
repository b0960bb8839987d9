// Bodies for the tests of chat completions, in words of our own.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/backends/answer_decoder.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {

/// `data:` events, one a string, without an end mark.
inline std::string sse(std::initializer_list<std::string_view> events) {
  std::string body;
  for (const std::string_view event : events) body.append("data: ").append(event).append("\n\n");
  return body;
}

inline constexpr std::string_view kDone = "[DONE]";

/// A chunk with one choice: `delta` and `rest` are JSON text, `rest` begins with a comma.
inline std::string chunk(std::string_view delta, std::string_view rest = "") {
  return std::string(R"({"choices":[{"index":0,"delta":)").append(delta).append(rest).append("}]}");
}

inline std::string text_chunk(std::string_view text) {
  return chunk(json::serialize(json::object{{"content", text}}));
}

inline std::string finish_chunk(std::string_view reason) {
  return chunk("{}", std::string(R"(,"finish_reason":")").append(reason).append("\""));
}

/// Everything a decoder gives for a body that arrives in pieces of `piece` bytes.
inline std::vector<Event> decode(std::string_view body, DecoderOptions options = {},
                                 std::size_t piece = std::string::npos) {
  AnswerDecoder decoder(options);
  std::vector<Event> events;
  while (!body.empty()) {
    decoder.push(body.substr(0, piece), events);
    body.remove_prefix(std::min(piece, body.size()));
  }
  decoder.finish(events);
  return events;
}

inline std::string text_of(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) {
    if (const auto* delta = std::get_if<TextDelta>(&event.data)) text += delta->text;
  }
  return text;
}

inline std::string reasoning_of(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) {
    if (const auto* delta = std::get_if<ReasoningDelta>(&event.data)) text += delta->text;
  }
  return text;
}

}  // namespace sennit::testing
