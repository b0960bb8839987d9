// What is on the terminal, line by line: wraps words, puts prefixes before lines, switches styles, and lets nothing
// harmful through.
//
// Everything that others wrote (models, tools, files) reaches the terminal through put(). The result does not depend
// on how the text was cut into calls.
#pragma once

#include <sennit/app/style.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace sennit::app {

class Page {
 public:
  struct Options {
    std::size_t width = 0;  ///< columns to wrap at; 0: never
    bool colour = false;    ///< whether escape sequences may be written
  };

  /// Appends to `out`, which must outlive the page.
  Page(std::string& out, Options options) : out_(out), options_(options) {}

  /// Writes text. A line end starts a new line; so does a word that does not fit (where wrapping is on).
  void put(std::string_view text, const Style& style = kPlain);
  /// Part of a line that another page drew, its sequences included; it begins and ends in plain style.
  void put_drawn(std::string_view drawn, std::size_t width);
  /// What precedes the next line to begin, and the lines after it.
  void prefix(std::string first, std::string rest);
  void prefix(const std::string& every) { prefix(every, every); }
  void wrap(bool on);
  /// Writes the word that is being held back.
  void flush();
  /// Ends the line unless nothing is on it.
  void end_line();
  /// An empty line before what follows, unless there is one or nothing was written.
  void gap();
  /// Something else moved the cursor to the start of a line.
  void reset_line();
  void resize(std::size_t width) { options_.width = width; }

  [[nodiscard]] bool at_line_start() const { return column_ == 0 && word_.empty() && blanks_ == 0; }
  /// What stands on the current line, without what is being held back.
  [[nodiscard]] std::size_t column() const { return column_; }
  [[nodiscard]] const Options& options() const { return options_; }

 private:
  void put_code(char32_t code, const Style& style);
  void put_blank(const Style& style);
  void put_visible(char32_t code, int width, const Style& style);
  void break_line(bool wrapped);
  void begin_line();
  void write_blanks();
  void change(const Style& style);
  void show(const Style& style);

  std::string& out_;
  Options options_;
  std::string first_prefix_;
  std::string rest_prefix_;
  std::string partial_;  // the beginning of a character whose bytes have not all come
  std::string word_;     // held back, styles included
  std::size_t word_width_ = 0;
  std::size_t blanks_ = 0;  // spaces before word_
  std::size_t column_ = 0;
  std::size_t empty_lines_ = 2;  // at the top of the page a gap is not needed
  Style style_;                  // of the end of word_
  Style shown_;                  // what the terminal is set to now
  bool wrap_ = true;
  bool after_wide_ = false;
};

}  // namespace sennit::app
