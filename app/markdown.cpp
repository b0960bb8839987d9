#include <sennit/app/markdown.hpp>
#include <sennit/app/markdown_table.hpp>

#include <algorithm>
#include <utility>

namespace sennit::app {
namespace {

/// A line that has not told what it is after so many bytes is text.
constexpr std::size_t kStartBytes = 200;
/// A table is held back until it ends, but not beyond this.
constexpr std::size_t kTableRows = 500;
constexpr std::size_t kTableLine = 4096;
constexpr std::size_t kQuoteDepth = 8;

bool all_of(std::string_view text, char mark) {
  return text.find_first_not_of(std::string{mark, ' ', '\t'}) == std::string_view::npos;
}

std::size_t count_of(std::string_view text, char mark) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), mark));
}

}  // namespace

void Markdown::feed(std::string_view text) {
  for (const char byte : text) step(byte);
}

void Markdown::finish() {
  if (mode_ == Mode::line_start && !start_.empty()) {
    if (start_[0] == '|')
      table_.push_back(std::exchange(start_, {}));
    else
      begin_block(std::exchange(start_, {}), true);
  }
  if (!table_.empty()) draw_table();
  if (mode_ == Mode::fence_info) open_fence();
  if (mode_ == Mode::text) end_text();
  page_.end_line();
  page_.wrap(true);
  page_.prefix("");
  mode_ = Mode::line_start;
  start_.clear();
  quote_.clear();
  info_.clear();
  anything_ = false;
  blank_ = 0;
}

void Markdown::step(char byte) {
  switch (mode_) {
    case Mode::line_start:
      line_start(byte);
      break;
    case Mode::text:
      if (byte == '\n')
        end_text();
      else if (byte != '\r')
        inline_.feed(byte);
      break;
    case Mode::fence_info:
      if (byte == '\n')
        open_fence();
      else if (byte != '\r')
        info_ += byte;
      break;
    case Mode::code:
      code_byte(byte);
      break;
  }
}

void Markdown::line_start(char byte) {
  if (byte == '\r') return;
  const bool row = quote_.empty() && (start_.empty() ? byte : start_[0]) == '|';
  if (!row && !table_.empty()) draw_table();
  if (byte != '\n') {
    start_ += byte;
    if (row && start_.size() < kTableLine) return;
    if (begin_block(start_, start_.size() > kStartBytes)) start_.clear();
    return;
  }
  const std::string line = std::exchange(start_, {});
  if (row) {
    table_.push_back(line);
    if (table_.size() > kTableRows) draw_table();
  } else if (line.find_first_not_of(" \t>") == std::string::npos) {
    quote_.clear();
    ++blank_;
  } else {
    begin_block(line, true);
    if (mode_ == Mode::text)
      end_text();
    else if (mode_ == Mode::fence_info)
      open_fence();
  }
}

/// Decides what a line is by its start. False: more of it is needed. `complete`: there is no more.
bool Markdown::begin_block(std::string_view start, bool complete) {
  const std::size_t indent = start.find_first_not_of(" \t");
  if (indent == std::string_view::npos) return complete;
  std::string_view rest = start.substr(indent);
  const std::string margin(std::min<std::size_t>(indent, 12), ' ');
  const char mark = rest[0];

  if (mark == '>' && count_of(quote_, ' ') < kQuoteDepth) {
    if (rest.size() == 1 && !complete) return false;
    quote_ += "│ ";
    rest.remove_prefix(rest.size() > 1 && rest[1] == ' ' ? 2 : 1);
    start_ = rest;  // what is quoted is a line of its own
    if (!complete) return start_.empty() || begin_block(std::string(start_), false);
    return begin_block(std::string(start_), true);
  }
  const std::size_t run = std::min(rest.find_first_not_of(mark), rest.size());
  const bool open = run == rest.size() && !complete;  // the run of marks may go on
  if (mark == '#' && run <= 6) {
    if (open) return false;
    if (run < rest.size() && rest[run] == ' ') {
      Style style = base_;
      style.bold = true;
      style.underline = run == 1;
      style.colour = run <= 2 ? Colour::magenta : base_.colour;
      begin_text(rest.substr(run + 1), margin, margin, style);
      return true;
    }
  }
  if (mark == '`' || mark == '~') {
    if (run < 3 && open) return false;
    if (run >= 3 && !open && rest.substr(run).find('`') == std::string_view::npos) {
      fence_ = rest.substr(0, run);
      fence_indent_ = indent;
      info_ = rest.substr(run);
      mode_ = Mode::fence_info;
      return true;
    }
    if (run >= 3 && open) return false;
  }
  if (mark == '-' || mark == '*' || mark == '_') {
    const bool only_marks = all_of(rest, mark);
    if (only_marks && complete && count_of(rest, mark) >= 3) return rule(), true;
    if (only_marks && !complete) return false;
  }
  if ((mark == '-' || mark == '*' || mark == '+') && rest.size() > 1 && rest[1] == ' ') {
    std::string_view item = rest.substr(2);
    if (item.substr(0, 1) == "[" && item.size() < 4 && !complete) return false;
    std::string bullet = "• ";
    if (item.substr(0, 4) == "[ ] ")
      bullet = "☐ ", item.remove_prefix(4);
    else if (item.substr(0, 4) == "[x] " || item.substr(0, 4) == "[X] ")
      bullet = "☑ ", item.remove_prefix(4);
    begin_text(item, margin + bullet, margin + "  ", base_);
    return true;
  }
  if ((mark == '-' || mark == '*' || mark == '+') && rest.size() == 1 && !complete) return false;
  if (mark >= '0' && mark <= '9') {
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (digits < 10 && rest.size() < digits + 2 && !complete) return false;
    if (digits < 10 && rest.size() >= digits + 2 && (rest[digits] == '.' || rest[digits] == ')') &&
        rest[digits + 1] == ' ') {
      const std::string number(rest.substr(0, digits + 2));
      begin_text(rest.substr(digits + 2), margin + number, margin + std::string(number.size(), ' '), base_);
      return true;
    }
  }
  begin_text(rest, margin, margin, base_);
  return true;
}

/// The empty lines before a block, unless it is the first one.
void Markdown::begin_lines() {
  if (anything_ && blank_ > 0) {
    page_.prefix(margin_.substr(0, margin_.find_last_not_of(' ') + 1));
    page_.put(std::string(blank_, '\n'));
  }
  blank_ = 0;
  anything_ = true;
}

void Markdown::begin_text(std::string_view rest, const std::string& first, const std::string& hang,
                          const Style& style) {
  begin_lines();
  page_.prefix(margin_ + quote_ + first, margin_ + quote_ + hang);
  inline_.begin(style);
  mode_ = Mode::text;
  const std::string text(rest);  // `rest` may lie in start_, which the caller clears
  for (const char byte : text) inline_.feed(byte);
}

void Markdown::end_text() {
  inline_.finish();
  page_.put("\n", kPlain);
  page_.prefix("");
  quote_.clear();
  mode_ = Mode::line_start;
}

void Markdown::rule() {
  begin_text({}, {}, {}, base_);
  const std::size_t width = page_.options().width == 0 ? 40 : std::min<std::size_t>(page_.options().width, 40);
  std::string line;
  for (std::size_t i = 0; i < width; ++i) line += "─";
  page_.put(line, kDim);
}

void Markdown::open_fence() {
  if (info_.find('`') != std::string::npos) {  // code within a line, not a block
    begin_text(std::exchange(fence_, {}) + std::exchange(info_, {}), {}, {}, base_);
    end_text();
    return;
  }
  begin_text({}, "  ", "  ", base_);
  page_.wrap(false);
  const std::size_t first = info_.find_first_not_of(' ');
  if (first != std::string::npos) page_.put(info_.substr(first) + "\n", kDim);
  info_.clear();
  start_.clear();
  code_line_ = false;
  mode_ = Mode::code;
}

/// Code is shown as it comes; only what may be the closing marker is held back.
void Markdown::code_byte(char byte) {
  if (byte == '\r') return;
  start_ += byte;
  const std::size_t first = std::min(start_.find_first_not_of(' '), start_.size());
  const std::string_view rest = std::string_view(start_).substr(first);
  const std::size_t run = std::min(rest.find_first_not_of(fence_[0]), rest.size());
  const bool marks_only = !code_line_ && rest.find_first_not_of(" \n", run) == std::string_view::npos;
  if (byte == '\n' && marks_only && run >= fence_.size()) {
    start_.clear();
    page_.wrap(true);
    page_.prefix("");
    quote_.clear();
    mode_ = Mode::line_start;
  } else if (byte == '\n' || !marks_only || start_.size() > kStartBytes) {
    Style style = base_;
    style.colour = Colour::cyan;
    // Code inside a list item is indented as its fence is.
    page_.put(std::string_view(start_).substr(code_line_ ? 0 : std::min(first, fence_indent_)), style);
    code_line_ = byte != '\n';
    start_.clear();
  }
}

void Markdown::draw_table() {
  begin_lines();
  app::draw_table(page_, std::exchange(table_, {}), margin_, base_);
}

}  // namespace sennit::app
