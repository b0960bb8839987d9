// Private: The `usageMetadata` of a Gemini answer. Streams repeat it, growing, and may leave a field out again: the
// last number of each field counts. https://ai.google.dev/api/generate-content#UsageMetadata
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/agent/usage.hpp>

#include <cstdint>
#include <optional>

namespace sennit {

class GeminiUsage {
 public:
  /// False if it holds no count.
  bool take(const json::object& usage);
  /// The numbers of the wire.
  [[nodiscard]] Usage counts() const;
  /// What they mean: the wire counts thoughts beside the output, and what the server's own tools found beside the
  /// prompt. All four together are its total, and all are to be paid.
  [[nodiscard]] Usage meaning() const;
  /// Puts the numbers of `usage` into `sent`: see note_counts().
  static void note(const json::object& usage, json::object& sent);

 private:
  std::optional<std::int64_t> prompt_;
  std::optional<std::int64_t> candidates_;
  std::optional<std::int64_t> cached_;
  std::optional<std::int64_t> thoughts_;
  std::optional<std::int64_t> tool_results_;
};

}  // namespace sennit
