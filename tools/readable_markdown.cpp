#include <sennit/tools/readable.hpp>
#include <sennit/tools/readable_links.hpp>
#include <sennit/tools/readable_markdown.hpp>
#include <sennit/tools/readable_table.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

namespace sennit::readable {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/// Adds text as a browser shows it: white space of any kind is one blank.
void add_collapsed(std::string& line, std::string_view text) {
  for (const char c : text) {
    if (!is_space(c)) {
      line += c;
    } else if (!line.empty() && line.back() != ' ' && line.back() != '\n') {
      line += ' ';
    }
  }
}

std::string trimmed(std::string text) {
  while (!text.empty() && is_space(text.back())) text.pop_back();
  text.erase(0, std::min(text.find_first_not_of(" \n\t"), text.size()));
  return text;
}

std::size_t longest_run(std::string_view text, char wanted) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : text) longest = std::max(longest, run = c == wanted ? run + 1 : 0);
  return longest;
}

void add_raw(const Node& node, std::string& text, std::size_t depth) {
  if (depth > kMaxTreeDepth) return;
  for_each_child(node, [&](const Node& child) {
    if (is_text(child)) {
      text += text_of(child);
    } else if (tag_of(child) == GUMBO_TAG_BR) {
      text += '\n';
    } else {
      add_raw(child, text, depth + 1);
    }
  });
}

/// The inside of one line: emphasis, code, links, pictures. Blocks in it become part of the line.
class Inline {
 public:
  explicit Inline(std::string_view base) : base_(base) {}

  void add(const Node& node, std::string& line, std::size_t depth) const {
    if (is_text(node)) return add_collapsed(line, text_of(node));
    if (depth > kMaxTreeDepth) return;
    switch (tag_of(node)) {
      case GUMBO_TAG_BR:
        line = trimmed(std::move(line)) + '\n';
        return;
      case GUMBO_TAG_IMG:
        return picture(node, line);
      case GUMBO_TAG_BDI:
        return link(node, line, depth);
      case GUMBO_TAG_DFN:
        return wrap(node, line, "**", depth);
      case GUMBO_TAG_VAR:
        return wrap(node, line, "*", depth);
      case GUMBO_TAG_SAMP:
        return code(node, line, depth);
      default:
        break;
    }
    const bool apart = !is_inline(tag_of(node));
    if (apart) add_collapsed(line, " ");
    children(node, line, depth);
    if (apart) add_collapsed(line, " ");
  }

  void children(const Node& node, std::string& line, std::size_t depth) const {
    for_each_child(node, [&](const Node& child) { add(child, line, depth + 1); });
  }

 private:
  /// The children by themselves, and the blanks around them, which belong outside.
  struct Part {
    std::string before;
    std::string text;
    std::string after;
  };
  [[nodiscard]] Part part(const Node& node, std::size_t depth) const {
    std::string inner = "\v";  // stands for what is before, so that a blank at the beginning is seen
    children(node, inner, depth);
    inner.erase(0, 1);
    std::replace(inner.begin(), inner.end(), '\n', ' ');
    Part part{inner.starts_with(' ') ? " " : "", "", inner.ends_with(' ') ? " " : ""};
    part.text = trimmed(std::move(inner));
    return part;
  }

  static void put(std::string& line, const Part& part, std::string_view open, std::string_view close) {
    add_collapsed(line, part.before);
    line.append(open).append(part.text).append(close);
    add_collapsed(line, part.after);
  }

  void wrap(const Node& node, std::string& line, std::string_view mark, std::size_t depth) const {
    const Part inner = part(node, depth);
    const bool marked = !inner.text.empty() && inner.text.find('*') == std::string::npos;
    put(line, inner, marked ? mark : "", marked ? mark : "");
  }

  static void code(const Node& node, std::string& line, std::size_t depth) {
    std::string text;
    add_raw(node, text, depth);
    std::string flat;
    add_collapsed(flat, text);
    flat = trimmed(std::move(flat));
    if (flat.empty()) return;
    const std::string fence(longest_run(flat, '`') + 1, '`');
    const std::string_view gap = flat.front() == '`' || flat.back() == '`' ? " " : "";
    line.append(fence).append(gap).append(flat).append(gap).append(fence);
  }

  void link(const Node& node, std::string& line, std::size_t depth) const {
    const Part inner = part(node, depth);
    const std::string url = absolute_url(base_, attribute(node, "href"));
    if (url.empty() || inner.text.empty()) return put(line, inner, "", "");
    put(line, inner, "[", fmt::format("]({})", url));
  }

  /// Only what its page describes: a picture without words tells a reader of text nothing.
  void picture(const Node& node, std::string& line) const {
    constexpr std::size_t kMaxWords = 300;
    std::string words;
    add_collapsed(words, attribute(node, "alt").substr(0, kMaxWords));
    words = trimmed(std::move(words));
    if (words.empty()) return;
    const std::string url = absolute_url(base_, attribute(node, "src"));
    line += url.empty() ? fmt::format("[picture: {}]", words) : fmt::format("![{}]({})", words, url);
  }

  std::string_view base_;
};

class Writer {
 public:
  Writer(std::string_view base, bool whole) : inline_(base), whole_(whole) {}

  Markdown run(const Node& node) && {
    block(node, 0);
    end_line();
    return {std::move(text_), full_, left_out_};
  }

 private:
  void block(const Node& node, std::size_t depth) {
    if (depth > kMaxTreeDepth || full_) return;
    for_each_child(node, [&](const Node& child) {
      if (is_text(child)) {
        add_collapsed(line_, text_of(child));
      } else if (is_inline(tag_of(child)) && !holds_blocks(child, depth)) {
        inline_.add(child, line_, depth);
      } else {
        element(child, depth + 1);
      }
    });
  }

  /// A `span` around whole paragraphs, as pages made of custom elements have them.
  static bool holds_blocks(const Node& node, std::size_t depth) {
    if (tag_of(node) != GUMBO_TAG_SPAN || depth > kMaxTreeDepth) return false;
    bool found = false;
    for_each_child(node, [&](const Node& child) {
      if (found || is_text(child)) return;
      found = !is_inline(tag_of(child)) || holds_blocks(child, depth + 1);
    });
    return found;
  }

  void element(const Node& node, std::size_t depth) {
    end_line();
    switch (tag_of(node)) {
      case GUMBO_TAG_H1:
      case GUMBO_TAG_H2:
      case GUMBO_TAG_H3:
      case GUMBO_TAG_H4:
      case GUMBO_TAG_H5:
      case GUMBO_TAG_H6:
        heading(node, static_cast<std::size_t>(tag_of(node) - GUMBO_TAG_H1) + 1);
        break;
      case GUMBO_TAG_UL:
      case GUMBO_TAG_OL:
        list(node, depth);
        break;
      case GUMBO_TAG_BLOCKQUOTE:
        indented("> ", "> ", node, depth);
        break;
      case GUMBO_TAG_PRE:
        preformatted(node, depth);
        break;
      case GUMBO_TAG_HR:
        put("---");
        break;
      case GUMBO_TAG_TABLE:
        table(node, depth);
        break;
      case GUMBO_TAG_DD:
        indented(": ", "  ", node, depth);
        break;
      case GUMBO_TAG_HEAD:
      case GUMBO_TAG_TITLE:
        return;
      case GUMBO_TAG_NAV:
      case GUMBO_TAG_ASIDE:
      case GUMBO_TAG_FOOTER:
        if (whole_) {
          block(node, depth);
        } else {
          left_out_ = true;
        }
        break;
      default:
        block(node, depth);
    }
    end_line();
    if (tag_of(node) != GUMBO_TAG_DT && tag_of(node) != GUMBO_TAG_LI) apart_ = true;
  }

  void heading(const Node& node, std::size_t level) {
    std::string words;
    inline_.children(node, words, 0);
    std::replace(words.begin(), words.end(), '\n', ' ');
    words = trimmed(std::move(words));
    if (!words.empty()) put(std::string(level, '#') + ' ' + words);
  }

  void list(const Node& node, std::size_t depth) {
    std::int64_t number = 1;
    const std::string_view start = attribute(node, "start");
    std::from_chars(start.data(), start.data() + start.size(), number);
    for_each_child(node, [&](const Node& child) {
      if (is_text(child)) return;
      if (tag_of(child) != GUMBO_TAG_LI) return element(child, depth + 1);
      const std::string marker = tag_of(node) == GUMBO_TAG_OL ? fmt::format("{}. ", number) : std::string("- ");
      number = number < 1'000'000'000 ? number + 1 : number;
      apart_ = apart_ && !in_list_;
      const bool outer = std::exchange(in_list_, true);
      indented(marker, std::string(marker.size(), ' '), child, depth);
      in_list_ = outer;
      apart_ = false;
      in_list_ = true;
    });
    in_list_ = false;
  }

  void preformatted(const Node& node, std::size_t depth) {
    std::string code;
    add_raw(node, code, depth);
    while (!code.empty() && is_space(code.back())) code.pop_back();
    if (code.empty()) return;
    const std::string fence(std::max<std::size_t>(3, longest_run(code, '`') + 1), '`');
    put(fence + language(node));
    for (std::string_view rest = code; !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      put(std::string(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    put(fence);
  }

  /// `language-cpp`, which highlighters want on the <pre> or on the <code> in it.
  static std::string language(const Node& node) {
    std::string found;
    const auto look = [&found](const Node& at) {
      const std::string_view classes = attribute(at, "class");
      const std::size_t begin = classes.find("language-");
      if (begin == std::string_view::npos || !found.empty()) return;
      constexpr std::size_t kLongest = 20;
      for (const char c : classes.substr(begin + 9, kLongest)) {
        if (is_space(c) || c == '`') break;
        found += c;
      }
    };
    look(node);
    for_each_child(node, [&](const Node& child) {
      if (!is_text(child)) look(child);
    });
    return found;
  }

  void table(const Node& node, std::size_t depth) {
    const auto cell_text = [this, depth](const Node& cell) {
      std::string words;
      inline_.children(cell, words, depth);
      std::replace(words.begin(), words.end(), '\n', ' ');
      return trimmed(std::move(words));
    };
    const std::vector<std::string> lines = table_lines(node, cell_text);
    if (lines.empty()) return block(node, depth);  // a table that only puts things side by side
    for (const std::string& line : lines) put(line);
  }

  /// The node with `first` before its first line and `rest` before the others.
  void indented(std::string_view first, std::string_view rest, const Node& node, std::size_t depth) {
    constexpr std::size_t kMaxIndent = 64;  // deeper nesting is shown as that
    const std::string outer = indent_;
    const bool deeper = indent_.size() < kMaxIndent;
    if (marker_.empty()) marker_ = indent_;
    if (deeper) {
      marker_ += first;
      indent_ += rest;
    }
    block(node, depth);
    end_line();
    marker_.clear();
    indent_ = outer;
  }

  void end_line() {
    std::string line = trimmed(std::exchange(line_, {}));
    while (!line.empty()) {
      const std::size_t end = line.find('\n');
      put(line.substr(0, end));
      line.erase(0, end == std::string::npos ? line.size() : end + 1);
    }
  }

  void put(const std::string& line) {
    if (text_.size() + 2 * indent_.size() + line.size() + 2 > kMaxMarkdown) full_ = true;
    if (full_) return;
    if (apart_ && !text_.empty()) text_.append(trimmed_end(indent_)).append("\n");
    apart_ = false;
    text_.append(marker_.empty() ? indent_ : std::exchange(marker_, {})).append(line).append("\n");
  }

  static std::string trimmed_end(std::string text) {
    while (text.ends_with(' ')) text.pop_back();
    return text;
  }

  Inline inline_;
  bool whole_;
  std::string text_;
  std::string line_;    // the inline text that is being collected
  std::string indent_;  // before each line
  std::string marker_;  // in its place before the next line; empty: nothing else
  bool apart_ = false;  // an empty line comes before the next one
  bool in_list_ = false;
  bool full_ = false;
  bool left_out_ = false;
};

}  // namespace

Markdown to_markdown(const Node& node, std::string_view base, bool whole) {
  return Writer(base, whole).run(node);
}

std::string line_of(const Node& node) {
  std::string raw;
  add_raw(node, raw, 0);
  std::string line;
  add_collapsed(line, raw);
  return trimmed(std::move(line));
}

}  // namespace sennit::readable
