// Markdown as it streams in, drawn on a Page: headings, lists, quotes, code blocks, tables, rules.
//
// A line-based state machine: the first characters of a line are held back until they tell what the line is; the rest
// goes through InlineMarkdown. Any cut of the text into pieces gives the same page. What is not understood is shown as
// it was written.
#pragma once

#include <sennit/app/inline_markdown.hpp>
#include <sennit/app/page.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {

class Markdown {
 public:
  /// `base`: how plain text looks (dim for a model's reasoning). `margin` precedes every line.
  explicit Markdown(Page& page, const Style& base = kPlain, std::string margin = {})
      : page_(page), inline_(page), base_(base), margin_(std::move(margin)) {}

  void feed(std::string_view text);
  /// The text has ended: what is held back comes out and the last line is ended.
  void finish();

 private:
  enum class Mode { line_start, text, fence_info, code };

  void step(char byte);
  void line_start(char byte);
  bool begin_block(std::string_view start, bool complete);
  void begin_lines();
  void begin_text(std::string_view rest, const std::string& first, const std::string& hang, const Style& style);
  void end_text();
  void rule();
  void open_fence();
  void code_byte(char byte);
  void draw_table();

  Page& page_;
  InlineMarkdown inline_;
  Style base_;
  std::string margin_;
  Mode mode_ = Mode::line_start;
  std::string start_;  // of the line that is being understood
  std::string quote_;  // bars of the quote that the line is in
  std::string fence_;  // the marker that closes the code block
  std::size_t fence_indent_ = 0;
  bool code_line_ = false;          // the beginning of a line of code was shown
  std::string info_;                // what follows the marker
  std::vector<std::string> table_;  // rows held back until the table ends
  bool anything_ = false;           // leading empty lines are dropped
  std::size_t blank_ = 0;           // empty lines held back: trailing ones are dropped
};

}  // namespace sennit::app
