// Private: A conversation in the order that every protocol wants: what was said in several messages is one turn, every
// tool call is answered right after the turn that made it, and nothing answers a call that nobody made.
#pragma once

#include <sennit/agent/message.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

struct Turn {
  Role role = Role::user;
  /// Of user, system and assistant, in order. Of one message or of several that follow one another.
  std::vector<const Part*> parts;
  /// Of role tool: one for each call of the assistant's turn before, in the order of the calls.
  std::vector<const ToolResult*> results;
  bool running = false;  ///< after the last thing that the person said: the turn that is at work

  /// All text parts of it, joined; several messages of a person are set apart by an empty line.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::vector<const ToolCall*> tool_calls() const;
};

/// The turns of a conversation. Keeps what it had to add; points into the messages for the rest.
class Turns {
 public:
  /// `messages` must outlive this. A turn of the assistant's without calls for which `says_nothing` is true, because
  /// what it holds is not sent back, is left out: an empty message is refused by many servers.
  Turns(std::span<const Message> messages, const std::function<bool(const Turn& turn)>& says_nothing);
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  [[nodiscard]] const std::vector<Turn>& all() const noexcept { return turns_; }

 private:
  void say(Role role, const Message& message);
  std::size_t answer(std::span<const Message> messages, std::size_t next, const std::vector<const ToolCall*>& calls);

  std::vector<Turn> turns_;
  std::deque<Part> added_;
};

/// How many messages of the system stand before all others: what they say belongs to the instructions.
[[nodiscard]] std::size_t leading_system(std::span<const Message> messages);

/// A name that servers accept. Models invent others (`multi_tool_use.parallel`, none at all), and a history that holds
/// one is refused for ever.
[[nodiscard]] std::string wire_function_name(std::string_view name);

/// An id that servers accept: no more than 64 letters, digits, `_`, `-` and characters of `also`. Others are renamed,
/// the same in call and answer: other providers gave them, and a history that holds one is refused for ever.
/// https://github.com/HKUDS/nanobot/pull/4356 https://github.com/fawney19/Aether/pull/829
[[nodiscard]] std::string wire_call_id(std::string_view id, std::string_view also = {});

/// `id` if it is `length` letters and digits, else so many that come from it.
[[nodiscard]] std::string short_call_id(std::string_view id, std::size_t length);

/// Arguments as a JSON object's text. Servers parse those of earlier calls and refuse the whole request if they cannot:
/// what the model wrote otherwise is wrapped, so that it still sees its mistake.
[[nodiscard]] std::string wire_arguments(std::string_view arguments);

/// Appends them as an object: what the model wrote, digit for digit, unless servers would refuse it so.
void append_wire_arguments(std::string& out, std::string_view arguments);

/// What a tool gave, never empty, which servers refuse.
[[nodiscard]] std::string_view wire_result(const ToolResult& result);
/// The same where no field says that it is an error.
[[nodiscard]] std::string wire_result_in_words(const ToolResult& result);

/// Where the bytes of a file are: its address, or a data: URL that holds them.
[[nodiscard]] std::string wire_url(const Blob& blob);

}  // namespace sennit
