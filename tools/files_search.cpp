#include <sennit/agent/io/json.hpp>
#include <sennit/tools/files_look.hpp>
#include <sennit/tools/files_search.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <re2/re2.h>
#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <utility>

namespace sennit::files {
namespace {

RE2::Options options_for(const SearchArguments& arguments) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_literal(!arguments.regex);
  options.set_case_sensitive(!arguments.ignore_case);
  constexpr std::int64_t kMemory = 8 << 20;  // beyond it RE2 becomes slower, not larger
  options.set_max_mem(kMemory);
  return options;
}

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

/// What is shown of a line: all of it, or a window around the match.
std::string window(std::string_view line, std::size_t match) {
  if (line.size() <= kMaxShownLine) return printable(line);
  const std::size_t begin = match > kMaxShownLine / 3 ? match - kMaxShownLine / 3 : 0;
  const std::string_view part = line.substr(begin, kMaxShownLine);
  return (begin > 0 ? "…" : "") + printable(part) + (begin + part.size() < line.size() ? "…" : "");
}

/// One search: the pattern, what has been found, and how much may still be.
class Search {
 public:
  explicit Search(const SearchArguments& arguments)
      : arguments_(arguments), pattern_(arguments.pattern, options_for(arguments)) {
    if (!pattern_.ok()) {
      throw Error(
          errc::invalid_argument,
          fmt::format("the regular expression cannot be used: {} (RE2 syntax: no look-around, no back-references)",
                      pattern_.error()));
    }
  }

  /// False: enough was found.
  bool file(const std::string& shown, std::string_view content) {
    ++files_;
    searched_ += content.size();
    if (looks_binary(content)) return true;
    // A literal is looked for in the whole text at once: most files do not hold it.
    if (!arguments_.regex && !RE2::PartialMatch(piece(content), pattern_)) return true;
    const std::size_t before = matches_;
    lines(shown, content);
    if (matches_ != before) ++files_with_matches_;
    return !full();
  }

  void too_large() { ++too_large_; }
  void omitted() { ++omitted_; }
  [[nodiscard]] bool full() const { return stopped_ || searched_ > kMaxSearched; }

  [[nodiscard]] std::string report(bool whole) && {
    if (stopped_) {
      text_ += fmt::format("[stopped after {} matches: narrow it down by path, glob or a longer pattern]\n", matches_);
    } else if (searched_ > kMaxSearched || !whole) {
      text_ += fmt::format("[{} matches; not everything was searched: the folder is too large]\n", matches_);
    } else if (matches_ == 0) {
      text_ += fmt::format("[no match in {} files]\n", files_);
    } else {
      text_ += fmt::format("[{} matches in {} files]\n", matches_, files_with_matches_);
    }
    if (too_large_ > 0)
      text_ += fmt::format("[{} files above {} bytes were not searched]\n", too_large_, kMaxSearchedFile);
    return std::move(text_) + omitted_text(omitted_);
  }

 private:
  void lines(const std::string& shown, std::string_view content) {
    std::deque<std::pair<std::size_t, std::string_view>> before;  // lines that may become context
    std::size_t after = 0;                                        // lines still to show after a match
    for (std::size_t number = 1; !content.empty() && !stopped_; ++number) {
      const std::size_t end = content.find('\n');
      std::string_view line = content.substr(0, end);
      content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      re2::StringPiece match;
      if (pattern_.Match(piece(line), 0, line.size(), RE2::UNANCHORED, &match, 1)) {
        for (const auto& [at, text] : before) show(shown, at, '-', window(text, 0));
        before.clear();
        show(shown, number, ':', window(line, static_cast<std::size_t>(match.data() - line.data())));
        after = arguments_.context;
        ++matches_;
        stopped_ = matches_ >= arguments_.limit || text_.size() > kMaxSearchOutput;
      } else if (after > 0) {
        show(shown, number, '-', window(line, 0));
        --after;
      } else if (arguments_.context > 0) {
        if (before.size() == arguments_.context) before.pop_front();
        before.emplace_back(number, line);
      }
    }
  }

  void show(const std::string& shown, std::size_t number, char mark, const std::string& line) {
    if (arguments_.context > 0 && !text_.empty() && (shown != last_shown_ || number != last_number_ + 1))
      text_ += "--\n";
    text_ += fmt::format("{}{}{}{} {}\n", shown, mark, number, mark, line);
    last_shown_ = shown;
    last_number_ = number;
  }

  const SearchArguments& arguments_;
  RE2 pattern_;
  std::string text_;
  std::string last_shown_;
  std::size_t last_number_ = 0;
  std::size_t matches_ = 0;
  std::size_t files_ = 0;
  std::size_t files_with_matches_ = 0;
  std::size_t too_large_ = 0;
  std::size_t omitted_ = 0;
  std::size_t searched_ = 0;
  bool stopped_ = false;
};

/// The content of a file met on a walk; empty if it is gone, unreadable or something else by now.
std::string content_of(const Entry& entry, const std::string& shown) {
  OpenFile file{
      Descriptor(::openat(entry.directory, entry.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)), {}};
  struct stat status{};
  if (!file.descriptor || ::fstat(file.descriptor.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return read_whole(file, kMaxSearchedFile, shown);
}

Walk search_folder(Search& search, const Place& place, const SearchArguments& arguments, const StopFlag& stop,
                   const Omit& omit) {
  const Glob glob(arguments.glob.value_or(""));
  std::string prefix = place.shown == "." ? "" : place.shown;
  if (!prefix.empty() && prefix.back() != '/') prefix += '/';
  const auto visit = [&](const Entry& entry) {
    if (entry.kind == EntryKind::folder) return std::string_view(entry.name) == ".git" ? Visit::skip : Visit::go_on;
    if (entry.kind != EntryKind::file || !glob.matches(entry.path)) return Visit::go_on;
    if (omit && omit(entry.path)) return search.omitted(), Visit::go_on;
    const std::string shown = printable(prefix + std::string(entry.path));
    try {
      return search.file(shown, content_of(entry, shown)) ? Visit::go_on : Visit::stop;
    } catch (const Error& error) {
      if (error.code() == errc::too_large) search.too_large();
      return Visit::go_on;  // one file that cannot be read does not end the search
    }
  };
  return walk(place.root->open_directory(place.path), kMaxWalkDepth, stop, visit);
}

}  // namespace

std::string search(const Roots& roots, const SearchArguments& arguments, const StopFlag& stop, const Omit& omit) {
  const Place place = roots.place(arguments.path);
  Search search(arguments);
  Walk done;
  if (place.root->is_folder(place.path)) {
    done = search_folder(search, place, arguments, stop, omit);
  } else {
    search.file(printable(place.shown), read_whole(place.root->open_file(place.path), kMaxSearchedFile, place.shown));
  }
  return std::move(search).report(done.whole);
}

}  // namespace sennit::files
