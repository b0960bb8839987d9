// Private: Reads what a local model writes: bytes in, events out.
//
// Thoughts stand in <think>, calls of tools in <tool_call>, and everything else is text. A call's arguments are handed
// on while they are written, as those of a remote model are.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/backends/wire/think_splitter.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

inline constexpr std::string_view kCallBegin = "<tool_call>";
inline constexpr std::string_view kCallEnd = "</tool_call>";

struct LlamaReading {
  bool tools = false;  ///< <tool_call> is a call, not text
  ThinkStart think = ThinkStart::off;
  std::vector<std::string> stop;  ///< the answer ends before the first of these
};

/// Pure. Its memory is bounded by the longest call, and that by the model's context.
class LlamaAnswer {
 public:
  explicit LlamaAnswer(LlamaReading reading);

  /// Appends the events that the bytes settle. A character or a mark that is not complete yet is kept back.
  void push(std::string_view bytes, std::vector<Event>& events);
  /// Appends what was kept back. `complete`: the model ended by itself.
  void finish(bool complete, std::vector<Event>& events);
  /// One of the `stop` texts has been written: the model can be stopped, and what it writes is no longer read.
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  /// So far.
  [[nodiscard]] std::uint32_t calls() const noexcept { return calls_; }

 private:
  enum class State : std::uint8_t { text, head, arguments, tail };

  void read(std::string_view text, std::vector<Event>& events);
  void take_answer(std::string_view text, std::vector<Event>& events);
  bool take_text(std::vector<Event>& events);
  bool take_head(std::vector<Event>& events);
  bool take_arguments(std::vector<Event>& events);
  bool take_tail();
  void take_whole(std::string_view call, std::vector<Event>& events);
  void say(std::string text, std::vector<Event>& events);

  LlamaReading reading_;
  ThinkSplitter splitter_;
  std::string bytes_;   // may be a stop text, or the beginning of a character
  std::string answer_;  // not settled yet
  State state_ = State::text;
  std::size_t depth_ = 0;  // of the arguments
  bool quoted_ = false;
  bool escaped_ = false;
  bool spoke_ = false;  // text that is not white space
  bool stopped_ = false;
  std::uint32_t calls_ = 0;
};

}  // namespace sennit
