#include <sennit/agent/io/error.hpp>
#include <sennit/tools/files_look.hpp>
#include <sennit/tools/patch_apply.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace sennit::patch {
namespace {

constexpr std::size_t kMaxShown = 200;             // bytes of a line in a message
constexpr std::size_t kMaxCompared = 200'000'000;  // bytes: searching a place must not take for ever
constexpr std::size_t kPlacesNamed = 5;

/// The text's lines without their ends.
struct File {
  std::vector<std::string_view> lines;
  bool crlf = false;         ///< all of them end so
  bool ends_in_line = true;  ///< the last one has an end
};

File split(std::string_view text) {
  File file;
  file.ends_in_line = text.empty() || text.ends_with('\n');
  std::size_t crlf = 0;
  std::size_t ends = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    file.lines.push_back(text.substr(0, end));
    if (end != std::string_view::npos) {
      ++ends;
      if (file.lines.back().ends_with('\r')) ++crlf;
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  file.crlf = ends > 0 && crlf == ends;
  if (file.crlf) {
    for (std::size_t i = 0; i < ends; ++i) file.lines[i].remove_suffix(1);
  }
  return file;
}

std::string shown(std::string_view line) {
  return files::printable(line.substr(0, kMaxShown)) + (line.size() > kMaxShown ? "…" : "");
}

class Applying {
 public:
  Applying(const std::string& text, const std::function<bool()>& stopped) : file_(split(text)), stopped_(stopped) {}

  Applied run(const std::vector<Hunk>& hunks) && {
    for (const Hunk& hunk : hunks) one(hunk);
    copy_to(file_.lines.size());
    return std::move(result_);
  }

 private:
  /// The lines that have to be there.
  [[nodiscard]] std::vector<std::string_view> wanted(const Hunk& hunk) const {
    std::vector<std::string_view> lines;
    for (const Line& line : hunk.lines) {
      if (line.kind != Line::Kind::added) lines.push_back(plain(line.text));
    }
    return lines;
  }

  /// A patch may have come with CRLF ends itself.
  [[nodiscard]] std::string_view plain(std::string_view line) const {
    return file_.crlf && line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
  }

  [[nodiscard]] bool fits(const std::vector<std::string_view>& lines, std::size_t at) {
    if (at + lines.size() > file_.lines.size()) return false;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      compared_ += 1 + lines[i].size();
      if (file_.lines[at + i] != lines[i]) return false;
    }
    return true;
  }

  void one(const Hunk& hunk) {
    const std::vector<std::string_view> lines = wanted(hunk);
    // A hunk that only adds stands behind the line that it names.
    const std::size_t said = lines.empty() ? hunk.line : (hunk.line == 0 ? 0 : hunk.line - 1);
    std::size_t at = said;
    if (said < next_ || !fits(lines, said)) at = lines.empty() ? refuse_beyond(hunk) : search(hunk, lines, said);
    if (lines.empty() && at > file_.lines.size()) refuse_beyond(hunk);
    if (!hunk.miscounted.empty()) remark(hunk, hunk.miscounted);
    if (at != said) remark(hunk, fmt::format("it stood in line {}, not {}", at + 1, said + 1));
    check_end(hunk, at + lines.size());
    copy_to(at);
    for (const Line& line : hunk.lines) {
      if (line.kind != Line::Kind::removed) add(line, at);
      if (line.kind != Line::Kind::added) ++at;
    }
    next_ = at;
  }

  /// The only other place where the hunk fits.
  [[nodiscard]] std::size_t search(const Hunk& hunk, const std::vector<std::string_view>& lines, std::size_t said) {
    std::vector<std::size_t> found;
    for (std::size_t at = next_; at + lines.size() <= file_.lines.size(); ++at) {
      if (at % 4096 == 0 && stopped_ && stopped_()) throw Error(errc::cancelled, "patching was cancelled");
      if (compared_ > kMaxCompared) {
        throw Error(errc::too_large,
                    fmt::format("hunk {} does not stand in line {}, and the file is too large to search for it",
                                hunk.number, hunk.line));
      }
      if (fits(lines, at)) found.push_back(at);
    }
    if (found.size() == 1) return found.front();
    if (found.empty()) refuse_absent(hunk, lines, said);
    std::string places;
    for (std::size_t i = 0; i < std::min(found.size(), kPlacesNamed); ++i) {
      places += fmt::format("{}{}", i == 0 ? "" : ", ", found[i] + 1);
    }
    throw Error(
        errc::invalid_argument,
        fmt::format("hunk {} does not stand in line {} as it says, but in {} other places (lines {}{}): give it "
                    "more lines of context",
                    hunk.number, hunk.line, found.size(), places, found.size() > kPlacesNamed ? " …" : ""));
  }

  [[noreturn]] std::size_t refuse_beyond(const Hunk& hunk) const {
    throw Error(errc::invalid_argument,
                fmt::format("hunk {} adds behind line {}, but {}", hunk.number, hunk.line,
                            hunk.line < next_ ? std::string("an earlier hunk is there: put them in order")
                                              : fmt::format("the file has {} lines", file_.lines.size())));
  }

  /// The place where most of it fits tells best what is wrong.
  [[noreturn]] void refuse_absent(const Hunk& hunk, const std::vector<std::string_view>& lines,
                                  std::size_t said) const {
    constexpr std::size_t kLinesShown = 6;
    const std::size_t begin = std::min(said, file_.lines.size());
    std::string message = fmt::format("hunk {} (line {}) does not fit", hunk.number, hunk.line);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const bool there = begin + i < file_.lines.size();
      if (there && file_.lines[begin + i] == lines[i]) continue;
      message += fmt::format(": line {} should be\n  {}\n", begin + i + 1, shown(lines[i]));
      message +=
          there ? fmt::format("but is\n  {}\n", shown(file_.lines[begin + i])) : std::string("but the file ends\n");
      break;
    }
    message += "What stands there:\n";
    for (std::size_t i = begin; i < std::min(begin + kLinesShown, file_.lines.size()); ++i) {
      message += fmt::format("  {}: {}\n", i + 1, shown(file_.lines[i]));
    }
    if (begin == file_.lines.size()) message += fmt::format("  the end, behind line {}\n", begin);
    throw Error(errc::invalid_argument, message + "Nothing was changed.");
  }

  /// What the patch says about the line end of the last line has to be so.
  void check_end(const Hunk& hunk, std::size_t end) const {
    const auto last = std::find_if(hunk.lines.rbegin(), hunk.lines.rend(),
                                   [](const Line& line) { return line.kind != Line::Kind::added; });
    if (last == hunk.lines.rend() || !last->no_newline) return;
    if (end == file_.lines.size() && !file_.ends_in_line) return;
    throw Error(errc::invalid_argument,
                fmt::format("hunk {} says that its last line has no line end, but it has one. Nothing was changed.",
                            hunk.number));
  }

  /// Line ends stay as they are; an added one is like the others of the file.
  void add(const Line& line, std::size_t at) {
    if (line.kind == Line::Kind::context) return copy_line(at);
    end_previous();
    result_.text.append(plain(line.text));
    unended_ = line.no_newline;
    if (!unended_) result_.text.append(end());
  }

  void copy_to(std::size_t end) {
    for (std::size_t at = next_; at < end; ++at) copy_line(at);
  }

  void copy_line(std::size_t at) {
    end_previous();
    result_.text.append(file_.lines[at]);
    unended_ = at + 1 == file_.lines.size() && !file_.ends_in_line;
    if (!unended_) result_.text.append(end());
  }

  /// A line without an end that is not the last one any more.
  void end_previous() {
    if (unended_) result_.text.append(end());
    unended_ = false;
  }

  [[nodiscard]] std::string_view end() const { return file_.crlf ? "\r\n" : "\n"; }

  void remark(const Hunk& hunk, const std::string& words) {
    result_.remarks.push_back(fmt::format("hunk {}: {}", hunk.number, words));
  }

  File file_;
  const std::function<bool()>& stopped_;
  Applied result_;
  std::size_t next_ = 0;  // the first line that was not copied
  std::size_t compared_ = 0;
  bool unended_ = false;
};

}  // namespace

Applied apply(const std::string& text, const std::vector<Hunk>& hunks, const std::function<bool()>& stopped) {
  return Applying(text, stopped).run(hunks);
}

}  // namespace sennit::patch
