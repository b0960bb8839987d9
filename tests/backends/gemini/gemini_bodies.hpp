// Chunks of Gemini's answers, for tests, in words of our own.
#pragma once

#include "backends/wire/answers.hpp"

#include <string>
#include <string_view>

namespace sennit::testing::gemini {

/// A chunk with one candidate: `parts` and `rest` are JSON text, `rest` begins with a comma.
inline std::string parts(std::string_view parts, std::string_view rest = "") {
  return std::string(R"({"candidates":[{"content":{"role":"model","parts":[)")
      .append(parts)
      .append("]}")
      .append(rest)
      .append(R"(}],"modelVersion":"m"})");
}

inline std::string text(std::string_view words, std::string_view rest = "") {
  return parts(json::serialize(json::object{{"text", words}}), rest);
}

inline std::string thought(std::string_view words) {
  return parts(json::serialize(json::object{{"text", words}, {"thought", true}}));
}

inline std::string call(std::string_view function) {
  return parts(std::string(R"({"functionCall":)").append(function).append("}"));
}

/// The last chunk: no parts, a reason, counts.
inline std::string end(std::string_view reason) {
  return std::string(R"({"candidates":[{"content":{"role":"model"},"finishReason":")")
      .append(reason)
      .append(R"("}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"totalTokenCount":7}})");
}

}  // namespace sennit::testing::gemini
