// Private: The `usage` of a Messages answer. It comes in pieces: the input counts as the answer begins, the output
// counts as it ends, and either event may repeat what the other has said. They are totals, so the last number of each
// field counts. https://docs.anthropic.com/en/docs/build-with-claude/streaming
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/agent/usage.hpp>

#include <cstdint>
#include <optional>

namespace sennit {

class MessagesUsage {
 public:
  /// False if it holds no count.
  bool take(const json::object& usage);
  /// The numbers of the wire.
  [[nodiscard]] Usage counts() const;
  /// What they mean: the wire's input is only what was neither read from the prompt cache nor written to it.
  [[nodiscard]] Usage meaning() const;
  /// Puts the numbers of `usage` into `sent`: see note_counts().
  static void note(const json::object& usage, json::object& sent);

 private:
  std::optional<std::int64_t> input_;
  std::optional<std::int64_t> output_;
  std::optional<std::int64_t> cache_read_;
  std::optional<std::int64_t> cache_written_;
  std::optional<std::int64_t> thinking_;
};

}  // namespace sennit
