// What a decoder gives for a body, taken apart: for the tests of all protocols.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/backends/wire/answer_decoder.hpp>
#include <sennit/backends/wire/answer_reading.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sennit::testing {

/// `data:` events, one a string, without an end mark.
inline std::string sse(std::initializer_list<std::string_view> events) {
  std::string body;
  for (const std::string_view event : events) body.append("data: ").append(event).append("\n\n");
  return body;
}

inline constexpr std::string_view kDone = "[DONE]";

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

inline Event event(EventData data) {
  return Event{{}, std::move(data)};
}

inline const Finished& finished(const std::vector<Event>& events) {
  REQUIRE_FALSE(events.empty());
  REQUIRE(std::holds_alternative<Finished>(events.back().data));
  return std::get<Finished>(events.back().data);
}

inline const Error& failed(const std::vector<Event>& events) {
  REQUIRE_FALSE(events.empty());
  REQUIRE(std::holds_alternative<Failed>(events.back().data));
  return std::get<Failed>(events.back().data).error;
}

/// Without what every answer has: counts and the end.
inline std::vector<Event> content_of(std::vector<Event> events) {
  std::erase_if(events, [](const Event& event) {
    return std::holds_alternative<UsageUpdate>(event.data) || std::holds_alternative<Finished>(event.data) ||
           std::holds_alternative<Failed>(event.data);
  });
  return events;
}

/// The same events, however the body is cut.
inline std::vector<Event> decode_in_pieces(std::string_view body, const DecoderOptions& options) {
  std::vector<Event> whole = decode(body, options);
  for (const std::size_t piece : {1UL, 7UL, 64UL}) {
    INFO("pieces of " << piece << " bytes");
    CHECK(decode(body, options, piece) == whole);
  }
  return whole;
}

/// A verbatim reading, however the body is cut. `differences`: the keys that differ from an empty one, as JSON.
inline void check_reading(const ReadingOptions& options, std::string_view what, std::string_view body,
                          std::string_view differences) {
  INFO(what);
  json::object expected{
      {"text", ""},
      {"reasoning", ""},
      {"refusal", nullptr},
      {"tool_calls", json::array()},
      {"finish_reason", nullptr},
      {"finish_detail", nullptr},
      {"usage",
       json::object{{"input", nullptr}, {"output", nullptr}, {"cached_input", nullptr}, {"reasoning", nullptr}}},
      {"error", nullptr}};
  const std::optional<json::value> parsed = parse_json(differences);
  REQUIRE(parsed);
  for (const auto& [key, value] : parsed->as_object()) expected[key] = value;
  CHECK(json::value(read_answer(body, options, {})) == json::value(expected));
  for (const std::size_t size : {1UL, 2UL, 3UL, 7UL, 64UL}) {
    INFO("pieces of " << size << " bytes");
    CHECK(json::value(read_answer(body, options, std::array{size})) == json::value(expected));
  }
}

/// `form` with `filling` for each `@`.
inline std::string filled(std::string_view form, std::string_view filling) {
  std::string text(form);
  for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@', at + filling.size())) {
    text.replace(at, 1, filling);
  }
  return text;
}

}  // namespace sennit::testing
