#include <sennit/agent/policy.hpp>
#include <sennit/agent/policy_command.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace sennit {
namespace {

using Words = std::vector<std::string>;

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool is_one_of(char c, std::string_view characters) {
  return characters.find(c) != std::string_view::npos;
}

/// Whether a line for a shell may be more than the one command that it begins with.
bool is_compound(std::string_view script) {
  return script.find_first_of(";|&`$<>(){}\n\r\\") != std::string_view::npos;
}

/// Before these words the command that runs is another one.
bool is_of_shell(std::string_view word) {
  constexpr std::array<std::string_view, 26> kWords{
      "!",     "if",      "then",    "else",   "elif",   "fi",   "for",   "select",   "while",
      "until", "do",      "done",    "case",   "esac",   "time", "[[",    "function", "eval",
      "exec",  "command", "builtin", "coproc", "source", ".",    "alias", "trap"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

/// Splits a line in commands and words.
class Splitter {
 public:
  explicit Splitter(std::string_view line) : line_(line) {}

  /// Whether all of it could be read.
  bool read() {
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (is_blank(c)) {
        end_word();
      } else if (is_one_of(c, ";&|\n")) {
        end_command();
      } else if (c == '#' && !in_word_) {
        at_ = std::min(line_.find('\n', at_), line_.size());  // a quote in a comment begins nothing
      } else if (!read_piece(c)) {
        return false;
      }
    }
    end_command();
    return std::none_of(commands_.begin(), commands_.end(),
                        [](const Words& words) { return is_of_shell(words.front()); });
  }

  [[nodiscard]] const std::vector<Words>& commands() const { return commands_; }

 private:
  bool read_piece(char c) {
    // Variables, patterns, redirections, groups: what they come to is known once they run.
    if (is_one_of(c, "$`<>(){}*?[") || (c == '~' && !in_word_) || (c == '=' && words_.empty())) return false;
    if (c == '\'') return read_quoted();
    if (c == '"') return read_half_quoted();
    if (c != '\\') {
      take(c);
    } else if (at_ < line_.size()) {
      const char escaped = line_[at_++];
      if (escaped != '\n') take(escaped);
    }
    return true;
  }

  bool read_quoted() {
    const std::size_t end = line_.find('\'', at_);
    if (end == std::string_view::npos) return false;
    in_word_ = true;
    word_ += line_.substr(at_, end - at_);
    at_ = end + 1;
    return true;
  }

  bool read_half_quoted() {
    in_word_ = true;
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (c == '"') return true;
      if (c == '$' || c == '`') return false;
      if (c == '\\' && at_ < line_.size() && is_one_of(line_[at_], "$`\"\\\n")) {
        if (line_[at_++] != '\n') word_ += line_[at_ - 1];
      } else {
        word_ += c;
      }
    }
    return false;
  }

  void take(char c) {
    in_word_ = true;
    word_ += c;
  }

  void end_word() {
    if (in_word_) words_.push_back(std::exchange(word_, {}));
    in_word_ = false;
  }

  void end_command() {
    end_word();
    if (!words_.empty()) commands_.push_back(std::exchange(words_, {}));
  }

  std::string_view line_;
  std::size_t at_ = 0;
  std::string word_;
  bool in_word_ = false;
  Words words_;
  std::vector<Words> commands_;
};

std::string joined(const Words& words) {
  std::string line;
  for (const std::string& word : words) line.append(line.empty() ? "" : " ").append(word);
  return line;
}

/// One blank between words; what stands in quotes stays.
std::string without_spare_blanks(std::string_view line) {
  std::string result;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == 0 && is_blank(c)) {
      if (!result.empty() && result.back() != ' ') result += ' ';
      continue;
    }
    result += c;
    if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
      result += line[++i];
    } else if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    }
  }
  while (quote == 0 && result.ends_with(' ')) result.pop_back();
  return result;
}

bool fits_words(std::string_view pattern, const Words& words) {
  const std::string line = joined(words);
  const std::size_t folder = words.front().rfind('/') + 1;
  return matches_pattern(pattern, line) || matches_pattern(pattern, std::string_view(line).substr(folder));
}

}  // namespace

bool fits_command(std::string_view pattern, std::string_view line, bool script, Reading reading) {
  const std::string wanted = without_spare_blanks(pattern);
  const bool as_written = matches_pattern(wanted, without_spare_blanks(line));
  if (reading == Reading::relaxing) return as_written && !(script && is_compound(line));
  if (as_written) return true;
  Splitter splitter(line);
  if (!splitter.read()) return script;
  const auto fits = [&](const Words& words) { return fits_words(wanted, words); };
  return std::any_of(splitter.commands().begin(), splitter.commands().end(), fits);
}

}  // namespace sennit
