#include <sennit/app/page.hpp>
#include <sennit/app/unicode.hpp>

#include <utility>

namespace sennit::app {
namespace {

constexpr std::size_t kTabStop = 4;

/// A word is held back until its end is known, but not longer than this.
constexpr std::size_t kLongestWord = 400;

/// Marks that must not begin a line in scripts that break anywhere.
bool closes(char32_t code) {
  return std::u32string_view(U"，。、；：？！）」』】》〉”’…ー").find(code) != std::u32string_view::npos;
}

}  // namespace

void Page::put(std::string_view text, const Style& style) {
  std::string joined;
  if (!partial_.empty()) {
    joined = std::exchange(partial_, {}) + std::string(text);
    text = joined;
  }
  while (!text.empty()) {
    const Decoded next = decode_utf8(text);
    if (next.bytes == 0) {
      partial_ = text;
      return;
    }
    put_code(next.code, style);
    text.remove_prefix(next.bytes);
  }
}

void Page::put_code(char32_t code, const Style& style) {
  if (code == U'\n') {
    break_line(false);
  } else if (code == U'\r') {
    // Half of a line end, or a progress bar that would overwrite the line.
  } else if (code == U' ' && wrap_ && options_.width != 0 && column_ + word_width_ > 0) {
    put_blank(style);
  } else if (code == U'\t') {
    const std::size_t at = column_ + blanks_ + word_width_;
    for (std::size_t i = kTabStop - at % kTabStop; i > 0; --i) put_visible(U' ', 1, style);
  } else {
    const char32_t shown = harmless(code);
    put_visible(shown, columns(shown), style);
  }
}

void Page::put_blank(const Style& style) {
  flush();
  // The line under a link must not run on under the space behind it.
  if (blanks_ == 0 && (style.underline != style_.underline || style.strike != style_.strike)) show(style);
  ++blanks_;
}

void Page::put_visible(char32_t code, int width, const Style& style) {
  const bool wide = width == 2;  // scripts without spaces may break at any character
  if (width != 0 && ((wide && !closes(code)) || (!wide && after_wide_) || word_.size() > kLongestWord)) flush();
  if (width != 0) after_wide_ = wide;
  change(style);
  append_utf8(word_, code);
  word_width_ += static_cast<std::size_t>(width);
  if (!wrap_ || options_.width == 0) flush();
}

void Page::change(const Style& style) {
  if (style == style_) return;
  style_ = style;
  if (options_.colour) word_ += sgr(style);
}

void Page::show(const Style& style) {
  change(style);
  out_ += std::exchange(word_, {});
  shown_ = style_;
}

void Page::flush() {
  if (word_.empty()) return;
  if (wrap_ && options_.width != 0 && column_ > columns(std::string_view(rest_prefix_)) &&
      column_ + blanks_ + word_width_ > options_.width) {
    break_line(true);
  }
  if (column_ == 0) begin_line();
  write_blanks();
  show(style_);
  column_ += std::exchange(word_width_, 0);
  empty_lines_ = 0;
}

void Page::write_blanks() {
  out_.append(blanks_, ' ');
  column_ += std::exchange(blanks_, 0);
}

void Page::begin_line() {
  if (first_prefix_.empty()) return;
  if (options_.colour) out_ += sgr(kDim);
  out_ += first_prefix_;
  if (options_.colour) out_ += sgr(shown_);
  column_ += columns(std::string_view(first_prefix_));
}

void Page::break_line(bool wrapped) {
  if (!wrapped) {
    flush();
    if (style_ != kPlain) show(kPlain);
    if (column_ == 0 && first_prefix_.find_first_not_of(' ') != std::string::npos) begin_line();
  }
  out_ += '\n';
  blanks_ = 0;
  empty_lines_ = column_ == 0 ? empty_lines_ + 1 : 0;
  column_ = 0;
  first_prefix_ = rest_prefix_;
}

void Page::put_drawn(std::string_view drawn, std::size_t width) {
  flush();
  if (style_ != kPlain) show(kPlain);
  if (width == 0) return;
  if (column_ == 0) begin_line();
  write_blanks();
  out_ += drawn;
  column_ += width;
  empty_lines_ = 0;
}

void Page::prefix(std::string first, std::string rest) {
  flush();
  first_prefix_ = std::move(first);
  rest_prefix_ = std::move(rest);
}

void Page::wrap(bool on) {
  flush();
  wrap_ = on;
}

void Page::end_line() {
  if (!partial_.empty()) put_visible(0xFFFD, 1, style_);
  partial_.clear();
  flush();
  if (style_ != kPlain) show(kPlain);
  blanks_ = 0;
  if (column_ != 0) break_line(false);
}

void Page::gap() {
  end_line();
  if (empty_lines_ == 0) {
    out_ += '\n';
    empty_lines_ = 1;
  }
}

void Page::reset_line() {
  end_line();
  column_ = 0;
  empty_lines_ = 0;
}

}  // namespace sennit::app
