#include <sennit/agent/io/error.hpp>
#include <sennit/tools/patch_parse.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

namespace sennit::patch {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string_view without_cr(std::string_view line) {
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

/// A name in C's quotes, as git writes odd ones: \t, \n, \", \\ and octal numbers.
std::string unquoted(std::string_view text) {
  std::string result;
  for (std::size_t i = 1; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      result += text[i];
      continue;
    }
    const char c = text[++i];
    if (c >= '0' && c <= '3' && i + 2 < text.size()) {
      result += static_cast<char>((c - '0') * 64 + (text[i + 1] - '0') * 8 + (text[i + 2] - '0'));
      i += 2;
    } else {
      result += c == 't' ? '\t' : c == 'n' ? '\n' : c;
    }
  }
  return result;
}

/// A path in a header: without the time that `diff` puts behind a tab, and without git's `a/` or `b/`.
std::string path_of(std::string_view text, std::string_view prefix) {
  text = without_cr(text);
  std::string path = text.starts_with('"') ? unquoted(text) : std::string(text.substr(0, text.find('\t')));
  while (path.ends_with(' ')) path.pop_back();
  if (path == "/dev/null") return {};
  if (!prefix.empty() && path.starts_with(prefix)) path.erase(0, prefix.size());
  return path;
}

struct Range {
  std::size_t line = 0;
  std::size_t count = 1;
};

/// `12,3` or `12` from the beginning of `text`, which is shortened.
std::optional<Range> take_range(std::string_view& text) {
  Range range;
  const auto take = [&text](std::size_t& number) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc{} || number > 1'000'000'000) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
  };
  if (!take(range.line)) return std::nullopt;
  if (!text.starts_with(',')) return range;
  text.remove_prefix(1);
  if (!take(range.count)) return std::nullopt;
  return range;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lines_(lines_of(text)) {}

  std::vector<Change> run() && {
    while (at_ < lines_.size()) header_line();
    finish();
    if (changes_.empty()) {
      throw Error(errc::invalid_argument,
                  "this is no unified diff: it needs lines `--- a/FILE`, `+++ b/FILE` and hunks that begin with @@");
    }
    return std::move(changes_);
  }

 private:
  [[nodiscard]] std::string_view line() const { return lines_[at_]; }

  [[noreturn]] void refuse(std::string_view why) const {
    throw Error(errc::invalid_argument, fmt::format("line {} of the patch: {}", at_ + 1, why));
  }

  bool take(std::string_view prefix, std::string_view& rest) {
    if (!line().starts_with(prefix)) return false;
    rest = without_cr(line().substr(prefix.size()));
    return true;
  }

  /// Between hunks. What is no header is a comment, such as a commit's message.
  void header_line() {
    std::string_view rest;
    if (take("diff --git ", rest)) {
      begin(true);
      names_of_git(rest);
    } else if (take("--- ", rest) && at_ + 1 < lines_.size() && lines_[at_ + 1].starts_with("+++ ")) {
      std::string from = path_of(rest, "a/");
      std::string to = path_of(lines_[at_ + 1].substr(4), "b/");
      if (!belongs(from, to)) begin(false);
      seen_names_ = true;
      ++at_;
      old_ = std::move(from);
      new_ = std::move(to);
    } else if (take("@@ ", rest) || line() == "@@") {
      if (!change_ || !seen_names_) refuse("a hunk before the lines `--- FILE` and `+++ FILE`");
      return hunk();
    } else if (change_ && git_) {
      git_line();
    }
    ++at_;
  }

  /// Whether these names are those of the change that `diff --git` began: plain diffs may follow it.
  [[nodiscard]] bool belongs(const std::string& from, const std::string& to) const {
    if (!change_ || !git_ || seen_names_) return false;
    if (kind_ == Change::Kind::rename) return old_ == from && new_ == to;
    if (git_name_.empty()) return true;  // its names were not clear
    return (from.empty() || from == git_name_) && (to.empty() || to == git_name_);
  }

  void git_line() {
    std::string_view rest;
    if (take("new file mode ", rest)) {
      kind_ = Change::Kind::create;
      change_->mode = rest;
    } else if (take("deleted file mode ", rest)) {
      kind_ = Change::Kind::remove;
    } else if (take("new mode ", rest)) {
      change_->mode = rest;
    } else if (take("rename from ", rest)) {
      kind_ = Change::Kind::rename;
      old_ = path_of(rest, "");
    } else if (take("rename to ", rest)) {
      new_ = path_of(rest, "");
    } else if (take("copy from ", rest) || take("copy to ", rest)) {
      refuse("copies are not done: write the new file");
    } else if (line().starts_with("GIT binary patch") || line().starts_with("Binary files ")) {
      refuse("binary files cannot be patched");
    }
  }

  /// `a/x b/x`: for changes that have no other header, an empty file say. Both names are the same then.
  void names_of_git(std::string_view rest) {
    if (rest.starts_with('"')) return;
    const std::size_t half = rest.size() / 2;
    if (rest.size() % 2 == 0 || rest[half] != ' ') return;
    const std::string from = path_of(rest.substr(0, half), "a/");
    const std::string to = path_of(rest.substr(half + 1), "b/");
    if (from == to) git_name_ = from;
  }

  void begin(bool git) {
    finish();
    change_.emplace();
    kind_ = Change::Kind::modify;
    git_ = git;
    seen_names_ = false;
    git_name_.clear();
    old_.reset();
    new_.reset();
  }

  /// The change that was being read is complete.
  void finish() {
    if (!change_) return;
    if (!old_) old_ = kind_ == Change::Kind::create ? std::string() : git_name_;
    if (!new_) new_ = kind_ == Change::Kind::remove ? std::string() : git_name_;
    if (kind_ == Change::Kind::modify && old_->empty()) kind_ = Change::Kind::create;
    if (kind_ == Change::Kind::modify && new_->empty()) kind_ = Change::Kind::remove;
    if (kind_ == Change::Kind::modify && *old_ != *new_) {
      refuse_before(
          fmt::format("it names two files, '{}' and '{}': write the same name in both lines, or for a new name "
                      "`rename from` and `rename to` as git does",
                      *old_, *new_));
    }
    if (kind_ == Change::Kind::create) old_->clear();
    if (kind_ == Change::Kind::remove) new_->clear();
    change_->kind = kind_;
    change_->from = *old_;
    change_->to = *new_;
    if (change_->from.empty() && change_->to.empty()) refuse_before("the patch does not name its file");
    for (const std::string* path : {&change_->from, &change_->to}) {
      if (path->empty() || (path == &change_->to && change_->to == change_->from)) continue;
      if (!names_.insert(*path).second) refuse_before(fmt::format("'{}' is changed twice", *path));
    }
    if (kind_ == Change::Kind::modify && change_->hunks.empty() && change_->mode.empty()) {
      refuse_before(fmt::format("there is no hunk for '{}'", change_->to));
    }
    if (changes_.size() == kMaxFiles) throw Error(errc::too_large, fmt::format("more than {} files", kMaxFiles));
    changes_.push_back(std::move(*change_));
    change_.reset();
  }

  [[noreturn]] void refuse_before(std::string_view why) const {
    throw Error(errc::invalid_argument, fmt::format("before line {} of the patch: {}", at_ + 1, why));
  }

  void hunk() {
    Hunk hunk;
    hunk.number = change_->hunks.size() + 1;
    std::string_view text = line();
    std::optional<Range> old_range;
    std::optional<Range> new_range;
    if (text.starts_with("@@ -")) {
      text.remove_prefix(4);
      old_range = take_range(text);
      if (old_range && text.starts_with(" +")) {
        text.remove_prefix(2);
        new_range = take_range(text);
      }
    }
    if (!old_range || !new_range || !text.starts_with(" @@")) {
      refuse("a hunk begins with `@@ -LINE,COUNT +LINE,COUNT @@`");
    }
    hunk.line = old_range->line;
    ++at_;
    std::size_t old_count = 0;
    std::size_t new_count = 0;
    while (at_ < lines_.size() && !(old_count >= old_range->count && new_count >= new_range->count && ends())) {
      if (!hunk_line(hunk, old_count, new_count)) break;
    }
    if (hunk.lines.empty()) refuse("the hunk is empty");
    if (old_count != old_range->count || new_count != new_range->count) {
      hunk.miscounted = fmt::format("its header counts {} old and {} new lines, it has {} and {}", old_range->count,
                                    new_range->count, old_count, new_count);
    }
    change_->hunks.push_back(std::move(hunk));
  }

  /// What stands here begins something else, once the counts of the header are fulfilled.
  [[nodiscard]] bool ends() const {
    const std::string_view text = line();
    return text.empty() || text == "\r" || text.starts_with("--- ") || text.starts_with("-- ") || text == "--" ||
           text.starts_with("diff ") || text.starts_with("@@ ") || text.starts_with("index ") ||
           (text[0] != ' ' && text[0] != '+' && text[0] != '-' && text[0] != '\\');
  }

  /// False: it is no line of the hunk.
  bool hunk_line(Hunk& hunk, std::size_t& old_count, std::size_t& new_count) {
    const std::string_view text = line();
    if (text.starts_with('\\')) {  // "\ No newline at end of file"
      if (hunk.lines.empty()) refuse("it belongs behind a line");
      hunk.lines.back().no_newline = true;
      return ++at_, true;
    }
    const char first = text.empty() || text == "\r" ? ' ' : text[0];  // editors take the blank off empty lines
    if (first != ' ' && first != '+' && first != '-') return false;
    const std::string body(text.empty() || text == "\r" ? text : text.substr(1));
    const auto kind = first == '+' ? Line::Kind::added : first == '-' ? Line::Kind::removed : Line::Kind::context;
    hunk.lines.push_back({kind, body});
    if (first != '+') ++old_count;
    if (first != '-') ++new_count;
    return ++at_, true;
  }

  std::vector<std::string_view> lines_;
  std::size_t at_ = 0;
  std::vector<Change> changes_;
  std::set<std::string> names_;

  std::optional<Change> change_;  // what is being read
  Change::Kind kind_ = Change::Kind::modify;
  std::optional<std::string> old_;
  std::optional<std::string> new_;
  std::string git_name_;
  bool git_ = false;
  bool seen_names_ = false;
};

}  // namespace

std::vector<Change> parse(std::string_view text) {
  if (text.size() > kMaxPatch)
    throw Error(errc::too_large, fmt::format("the patch is longer than {} bytes", kMaxPatch));
  return Parser(text).run();
}

std::vector<std::string> paths_in(std::string_view text) {
  std::vector<std::string> paths;
  try {
    for (const Change& change : parse(text)) {
      for (const std::string& path : {change.from, change.to}) {
        if (!path.empty() && (paths.empty() || paths.back() != path)) paths.push_back(path);
      }
    }
  } catch (const Error&) {
    return {};
  }
  return paths;
}

}  // namespace sennit::patch
