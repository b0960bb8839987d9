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

 private:
  std::optional<std::int64_t> input_;
  std::optional<std::int64_t> output_;
  std::optional<std::int64_t> cache_read_;
  std::optional<std::int64_t> cache_written_;
  std::optional<std::int64_t> thinking_;
};

/// Puts the numbers of `usage` into `sent`, an object of {input, output, cached_input, reasoning} that holds what came
/// before, null where nothing did.
void note_usage(const json::object& usage, json::object& sent);

}  // namespace sennit
