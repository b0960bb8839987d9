// Private: The arguments of a tool call that Gemini sends in pieces, each with the path of its place. The path is a
// JSON Path of names and indexes only ("$.stops[0].city", "$['odd name']").
// https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling
#pragma once

#include <sennit/agent/io/json.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace sennit {

class PartialArguments {
 public:
  /// `given`: what the call opened with, null for nothing.
  explicit PartialArguments(const json::object* given);

  /// A piece: {jsonPath, stringValue | numberValue | boolValue | nullValue}. Text is appended to text, anything else
  /// replaces what stood there. Throws Error(errc::too_large) if a bound is exceeded.
  void take(const json::object& piece);
  /// What has come so far: always an object.
  [[nodiscard]] const json::value& value() const noexcept { return value_; }

  static constexpr std::size_t kMaxDepth = 128;  ///< steps of a path; a JSON text of them must still be readable
  /// Elements that may be left out before later ones: else a few bytes on the wire could ask for any amount of memory.
  static constexpr std::size_t kMaxGaps = 4'096;

 private:
  struct Step {
    std::string_view name;
    std::size_t index = 0;
    bool is_index = false;
  };

  void read_path(std::string_view path);
  [[nodiscard]] std::string_view read_bracket(std::string_view path);
  void add_step(const Step& step);
  [[nodiscard]] json::value& place();
  [[nodiscard]] json::value& element(json::value& of, std::size_t index);

  json::value value_;
  std::vector<Step> steps_;  // of the running piece; kept for its memory
  std::size_t gaps_ = 0;
};

}  // namespace sennit
