// Private: The conversation as Anthropic Messages wants it: two speakers in turn, each turn a list of blocks.
#pragma once

#include <sennit/backends/wire/turns.hpp>
#include <sennit/backends/wire/wire_model.hpp>

#include <span>
#include <string>
#include <string_view>

namespace sennit {

/// What differs from model to model.
struct MessagesStyle {
  /// Checks the signatures of thoughts, and refuses those that have none. Servers that only speak Claude's protocol
  /// often sign nothing.
  bool signs = false;
  /// The value of `cache_control` where the server shall keep what it read so far; null: nowhere.
  json::value cache_mark;
};

/// True where the answer that is due goes on with calls before which the model did not think, or thought something that
/// is not sent back: another model made them, say.
[[nodiscard]] bool goes_on_without_thought(const WireModel& model, const MessagesStyle& style,
                                           std::span<const Turn> turns);

/// Appends the array of messages. Throws Error(errc::invalid_argument) for a file that the protocol has no place for.
void append_messages(std::string& out, const WireModel& model, const MessagesStyle& style, std::span<const Turn> turns);

/// Appends a text block of the instructions, with `mark` if that is not null.
void append_text_block(std::string& out, std::string_view text, const json::value& mark);

}  // namespace sennit
