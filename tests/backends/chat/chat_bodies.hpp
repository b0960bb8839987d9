// Bodies for the tests of chat completions, in words of our own.
#pragma once

#include "backends/wire/answers.hpp"

#include <string>
#include <string_view>

namespace sennit::testing {

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

}  // namespace sennit::testing
