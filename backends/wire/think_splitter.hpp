// Splits `<think>…</think>` out of a model's text while it streams.
//
// Local engines without a reasoning parser leave the model's thoughts in the text. Text that was handed on cannot be
// taken back, so where to begin is a decision made before the first byte, by model (see providers.hpp), never a guess
// made in the middle:
//   tagged  the text itself must open with <think>; anything else is an answer, and stays one
//   inside  the prompt already ended with <think> (R1 distills), so thoughts come first and only </think> is sent
// Only the head of a completion is looked at: tags that come later belong to the answer (code, quotations).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sennit {

enum class ThinkStart : std::uint8_t { off, tagged, inside };

class ThinkSplitter {
 public:
  explicit ThinkSplitter(ThinkStart start = ThinkStart::off) noexcept;

  /// Appends what `text` settles to `reasoning` and `answer`; a possible piece of a tag is kept back (at most
  /// kMaxHeld bytes). Within one call all reasoning comes before all answer. White space around the tags is dropped.
  void push(std::string_view text, std::string& reasoning, std::string& answer);
  /// Ends the text and appends what was kept back. `complete`: the model ended by itself, was not cut off. A complete
  /// text that began `inside` without any tag was no thought at all: it is appended to `answer` as well, because an
  /// answer that is shown twice is better than one that is lost.
  void finish(bool complete, std::string& reasoning, std::string& answer);
  /// The server has sent reasoning in a field of its own: all text is answer from here on.
  void server_splits(std::string& answer);
  /// True if push() would only copy.
  [[nodiscard]] bool passes() const noexcept { return state_ == State::answer; }

  static constexpr std::size_t kMaxHeld = 4096;           ///< white space before an opening tag
  static constexpr std::size_t kMaxRecoverable = 65'536;  ///< an `inside` text longer than this was reasoning

 private:
  enum class State : std::uint8_t { head, thinking_head, thinking, answer_head, answer };

  void take_head(std::string& answer);
  void take_thinking_head();
  void take_thinking(std::string& reasoning);
  void take_answer_head(std::string& answer);

  State state_ = State::answer;
  bool began_inside_ = false;  // without a tag so far
  bool may_repeat_tag_ = false;
  bool closed_ = false;
  std::string held_;  // not yet settled
  std::string copy_;  // what an unclosed `inside` text would be as an answer
};

}  // namespace sennit
