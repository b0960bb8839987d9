#include <sennit/app/inline_markdown.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace sennit::app {
namespace {

/// What is held back while a marker waits for its partner; a link's address may be long.
constexpr std::size_t kHeldBytes = 1024;
constexpr int kNesting = 4;

bool is_space(char c) {
  return c == ' ' || c == '\t';
}
bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
/// Escapes that stand for the character itself. Brackets are missing: models write formulas as \( … \).
bool is_escapable(char c) {
  return std::string_view("\\`*_#+-.!~>|<&{}\"'$").find(c) != std::string_view::npos;
}

struct Entity {
  std::string_view name;
  std::string_view text;
};
constexpr std::array<Entity, 7> kEntities{{{"&amp;", "&"},
                                           {"&lt;", "<"},
                                           {"&gt;", ">"},
                                           {"&quot;", "\""},
                                           {"&#39;", "'"},
                                           {"&apos;", "'"},
                                           {"&nbsp;", "\u00A0"}}};

std::size_t run_length(std::string_view text, std::size_t at) {
  const std::size_t end = text.find_first_not_of(text[at], at);
  return (end == std::string_view::npos ? text.size() : end) - at;
}

}  // namespace

void InlineMarkdown::begin(const Style& base) {
  base_ = base;
  held_.clear();
  barren_.clear();
  before_ = ' ';
}

void InlineMarkdown::emit(std::string_view text, const Style& style) {
  if (text.empty()) return;
  page_.put(text, style);
  before_ = text.back();
}

void InlineMarkdown::feed(char byte) {
  step(byte);
  while (!again_.empty()) {
    const std::string again = std::exchange(again_, {});
    for (std::size_t i = 0; i < again.size(); ++i) {
      step(again[i]);
      if (!again_.empty()) {
        again_ += again.substr(i + 1);
        break;
      }
    }
  }
}

void InlineMarkdown::step(char byte) {
  if (!held_.empty()) {
    held_ += byte;
    settle(false);
  } else if (std::string_view("\\`*_~[!<&").find(byte) != std::string_view::npos) {
    held_ = byte;
  } else {
    emit(byte);
  }
}

void InlineMarkdown::finish() {
  while (!held_.empty()) {
    settle(true);
    const std::string again = std::exchange(again_, {});
    for (const char byte : again) feed(byte);
  }
}

std::string InlineMarkdown::opener() const {
  const char mark = held_[0];
  if (mark == '[' || mark == '!' || mark == '<' || mark == '&' || mark == '\\') return std::string(1, mark);
  return held_.substr(0, run_length(held_, 0));
}

bool InlineMarkdown::opens() const {
  const std::string mark = opener();
  if (barren_.contains(mark)) return false;
  if (mark[0] == '`') return true;
  if (mark[0] == '~') return mark.size() == 2;
  if (mark[0] != '*' && mark[0] != '_') return true;
  const bool inside_word = is_alnum(before_) && (mark[0] == '_' || mark.size() == 1);
  return mark.size() <= 3 && !inside_word && !is_space(held_[mark.size()]);
}

void InlineMarkdown::settle(bool at_end) {
  const std::string mark = opener();
  if (mark.size() == held_.size() && held_.size() <= kHeldBytes && !at_end) return;  // the marker itself may go on
  const bool possible = mark.size() < held_.size() && opens();
  const Span span = possible ? judge(at_end) : Span{.never = true};
  if (span.end != 0) {
    render(span);
  } else if (span.never || at_end || held_.size() > kHeldBytes) {
    give_up();
  }
}

/// The marker is plain text; what follows it is looked at anew.
void InlineMarkdown::give_up() {
  const std::string mark = opener();
  if (mark != "\\" && mark != "&") barren_.insert(mark);
  const std::string held = std::exchange(held_, {});
  emit(mark, base_);
  again_ = held.substr(mark.size()) + again_;
}

InlineMarkdown::Span InlineMarkdown::judge(bool at_end) const {
  switch (held_[0]) {
    case '\\':
      return is_escapable(held_[1]) ? Span{.end = 2} : Span{.never = true};
    case '`':
      return judge_code(at_end);
    case '<':
      return judge_address();
    case '&':
      return judge_entity();
    case '[':
    case '!':
      return judge_link();
    default:
      return judge_emphasis(at_end);
  }
}

InlineMarkdown::Span InlineMarkdown::judge_code(bool at_end) const {
  // Only a byte behind a run of backticks tells how long the run is.
  const std::size_t open = opener().size();
  if (!at_end && (held_.back() == '`' || held_[held_.size() - 2] != '`')) return {};
  for (std::size_t at = held_.find('`', open); at != std::string::npos;) {
    const std::size_t length = run_length(held_, at);
    if (length == open) return {.end = at + length};
    at = held_.find('`', at + length);
  }
  return {};
}

InlineMarkdown::Span InlineMarkdown::judge_emphasis(bool at_end) const {
  const char mark = held_[0];
  const std::size_t open = opener().size();
  if (!at_end && (held_.back() == mark || held_[held_.size() - 2] != mark)) return {};
  bool in_code = false;
  for (std::size_t at = open; at < held_.size();) {
    if (held_[at] == '`') in_code = !in_code;
    if (held_[at] != mark || in_code) {
      at += held_[at] == '\\' ? 2 : 1;
      continue;
    }
    const std::size_t length = run_length(held_, at);
    const bool behind_text = !is_space(held_[at - 1]);
    const bool before_word = at + length < held_.size() && mark == '_' && is_alnum(held_[at + length]);
    const bool partner = open == 1 ? length % 2 == 1 : length >= open;
    if (behind_text && !before_word && partner) return {.end = at + length};
    at += length;
  }
  return {};
}

InlineMarkdown::Span InlineMarkdown::judge_link() const {
  const std::size_t start = held_[0] == '!' ? 1 : 0;
  if (held_[start] != '[') return {.never = true};
  const std::size_t close = held_.find(']', start);
  if (close == std::string::npos || close + 1 == held_.size()) return {};
  if (held_[close + 1] != '(') return {.never = true};
  if (held_.back() != ')') return {};
  // Addresses may hold balanced parentheses.
  const auto opened = std::count(held_.begin() + static_cast<std::ptrdiff_t>(close), held_.end(), '(');
  const auto closed = std::count(held_.begin() + static_cast<std::ptrdiff_t>(close), held_.end(), ')');
  return opened == closed ? Span{.end = held_.size()} : Span{};
}

InlineMarkdown::Span InlineMarkdown::judge_address() const {
  const std::string_view address = std::string_view(held_).substr(1);
  const auto fits = [&](std::string_view scheme) {
    return address.substr(0, scheme.size()) == scheme.substr(0, address.size());
  };
  if (!fits("https://") && !fits("http://") && !fits("mailto:")) return {.never = true};
  if (is_space(held_.back())) return {.never = true};
  return held_.back() == '>' ? Span{.end = held_.size()} : Span{};
}

InlineMarkdown::Span InlineMarkdown::judge_entity() const {
  bool possible = false;
  for (const Entity& entity : kEntities) {
    if (held_ == entity.name) return {.end = held_.size()};
    possible = possible || entity.name.starts_with(held_);
  }
  return {.never = !possible};
}

void InlineMarkdown::nested(std::string_view text, const Style& style) {
  InlineMarkdown inner(page_, depth_ + 1);
  inner.begin(style);
  inner.before_ = before_;
  for (const char byte : text) inner.feed(byte);
  inner.finish();
  if (!text.empty()) before_ = text.back();
}

void InlineMarkdown::render(const Span& span) {
  const std::string held = std::exchange(held_, held_.substr(0, span.end));
  again_ = held.substr(span.end) + again_;
  const std::size_t open = opener().size();
  const std::string_view text = std::string_view(held_).substr(0, span.end);
  Style style = base_;
  switch (held_[0]) {
    case '\\':
      emit(text.substr(1), base_);
      break;
    case '&':
      for (const Entity& entity : kEntities) {
        if (entity.name == text) emit(entity.text, base_);
      }
      break;
    case '`': {
      style.colour = Colour::cyan;
      std::string_view code = text.substr(open, text.size() - 2 * open);
      const bool padded = code.size() > 2 && code.front() == ' ' && code.back() == ' ';
      emit(padded ? code.substr(1, code.size() - 2) : code, style);
      break;
    }
    case '<':
      style.underline = true;
      emit(text.substr(1, text.size() - 2), style);
      break;
    case '[':
    case '!':
      render_link();
      break;
    default: {
      if (held_[0] == '~')
        style.strike = true;
      else if (open != 2)
        style.italic = true;
      if (held_[0] != '~' && open >= 2) style.bold = true;
      const std::string_view inside = text.substr(open, text.size() - 2 * open);
      if (depth_ < kNesting)
        nested(inside, style);
      else
        emit(inside, style);
    }
  }
  held_.clear();
}

void InlineMarkdown::render_link() {
  const std::size_t start = held_[0] == '!' ? 2 : 1;
  const std::size_t close = held_.find(']');
  const std::string label = held_.substr(start, close - start);
  std::string address = held_.substr(close + 2, held_.size() - close - 3);
  address.resize(std::min(address.find(' '), address.size()));  // drops a title
  Style linked = base_;
  linked.underline = true;
  if (label.empty() || label == address) {
    emit(address, linked);
    return;
  }
  if (depth_ < kNesting)
    nested(label, linked);
  else
    emit(label, linked);
  Style quiet = base_;
  quiet.dim = true;
  emit(" (" + address + ")", quiet);
}

}  // namespace sennit::app
