// Private: a text that comes in pieces and is let out once it has passed. Sans-I/O.
//
// What is let out is no part of a match of up to `window` bytes, whatever comes behind it: so many bytes are always
// held back. A longer match is found as well, but its beginning may be out by then. `^`, `$` and `\b` mean the text,
// not its pieces.
#pragma once

#include <sennit/agent/guardrail.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// A stretch of text that has passed, or what stands in its place.
struct PassedText {
  std::string text;
  std::size_t length = 0;  ///< bytes of the original
  bool masked = false;
};

class TextWindow {
 public:
  /// `window`: 0 holds everything back until the end. `step`: how much more is gathered before it is looked at.
  TextWindow(const std::vector<const Guardrail*>& rails, std::size_t window, std::size_t step)
      : rails_(&rails), window_(window), step_(step) {}

  void push(std::string_view piece) { text_ += piece; }
  [[nodiscard]] std::size_t held() const noexcept { return text_.size() - out_; }
  /// Enough has come for something to be let out.
  [[nodiscard]] bool is_due() const noexcept { return window_ > 0 && held() >= wanted_; }

  /// What is held, and what was let out just before it: what a command is asked about.
  [[nodiscard]] std::string_view seen() const noexcept { return text_; }
  /// The pattern that refuses it; null: none does. `ends`: nothing more comes.
  [[nodiscard]] const Guardrail* refused(bool ends) const;
  /// Lets out what has passed. REQUIRES: nobody refused it. `ends`: all of it.
  void release(bool ends, std::vector<PassedText>& passed);

 private:
  /// How far patterns may look: behind that is at least a character for `$` and `\b`.
  [[nodiscard]] std::size_t horizon(bool ends) const;
  [[nodiscard]] std::vector<Match> masks(std::size_t until) const;
  [[nodiscard]] std::size_t cut(const std::vector<Match>& masks, std::size_t until) const;
  [[nodiscard]] std::size_t good_end(std::size_t limit) const;
  void forget();

  const std::vector<const Guardrail*>* rails_;
  std::size_t window_;
  std::size_t step_;
  std::size_t wanted_ = window_ + step_;
  std::string text_;        // what was let out last, for what is looked around, then what is held
  std::size_t out_ = 0;     // of text_
  bool whole_ = true;       // text_ begins where the text does
  bool mask_open_ = false;  // a mask was the last that was let out, of a match that was longer than the window
};

}  // namespace sennit
