#include <sennit/tools/files_walk.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <re2/re2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace sennit::files {
namespace {

constexpr std::size_t kMaxGlob = 1024;  // bytes; nobody writes more

/// A set `[…]` from `pattern[at]` on; gives the position after it, or `at` if it is not closed.
std::size_t translate_set(std::string_view pattern, std::size_t at, std::string& regex) {
  std::size_t end = at + 1;
  const bool negated = end < pattern.size() && (pattern[end] == '!' || pattern[end] == '^');
  if (negated) ++end;
  const std::size_t first = end;
  while (end < pattern.size() && (pattern[end] != ']' || end == first)) ++end;
  if (end == pattern.size()) return at;
  regex += negated ? "[^/" : "[";
  for (const char c : pattern.substr(first, end - first)) {
    if (c == '\\' || c == ']' || c == '[' || c == '^' || c == '&') regex += '\\';
    regex += c;
  }
  regex += ']';
  return end + 1;
}

std::string translate(std::string_view pattern) {
  std::string regex = "(?s)";
  int braces = 0;
  for (std::size_t i = 0; i < pattern.size();) {
    const std::string_view rest = pattern.substr(i);
    if (rest.starts_with("**/")) {
      regex += "(?:.*/)?", i += 3;
    } else if (rest.starts_with("**")) {
      regex += ".*", i += 2;
    } else if (rest[0] == '*') {
      regex += "[^/]*", ++i;
    } else if (rest[0] == '?') {
      regex += "[^/]", ++i;
    } else if (rest[0] == '{') {
      regex += "(?:", ++braces, ++i;
    } else if (rest[0] == '}' && braces > 0) {
      regex += ')', --braces, ++i;
    } else if (rest[0] == ',' && braces > 0) {
      regex += '|', ++i;
    } else if (const std::size_t after = rest[0] == '[' ? translate_set(pattern, i, regex) : i; after != i) {
      i = after;
    } else {
      regex += RE2::QuoteMeta(re2::StringPiece(rest.data(), 1)), ++i;
    }
  }
  if (braces != 0) throw Error(errc::invalid_argument, fmt::format("the glob '{}' has a '{{' without '}}'", pattern));
  return regex;
}

RE2::Options glob_options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1);  // names are bytes: `?` is one of them
  return options;
}

/// One folder's names, sorted. Null if it cannot be read.
struct Listing {
  Descriptor directory;
  std::vector<std::string> names;
};

Listing read_names(Descriptor directory, std::size_t& budget) {
  Listing listing;
  listing.directory = Descriptor(::fcntl(directory.get(), F_DUPFD_CLOEXEC, 0));
  DIR* stream = ::fdopendir(directory.get());
  if (stream == nullptr || !listing.directory) {
    if (stream != nullptr) ::closedir(stream), (void)directory.release();
    return listing;
  }
  (void)directory.release();  // closedir closes it
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (budget == 0) break;
    --budget;
    listing.names.emplace_back(name);
  }
  ::closedir(stream);
  std::sort(listing.names.begin(), listing.names.end());
  return listing;
}

EntryKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return EntryKind::file;
  if (S_ISDIR(mode)) return EntryKind::folder;
  return S_ISLNK(mode) ? EntryKind::link : EntryKind::other;
}

/// The state of one walk.
struct Walker {
  std::size_t depth;
  const StopFlag& stop;
  const std::function<Visit(const Entry&)>& visit;
  std::size_t budget = kMaxVisited;
  Walk result{};

  /// False: the walk is over.
  bool enter(Descriptor directory, const std::string& prefix, std::size_t level) {
    const Listing listing = read_names(std::move(directory), budget);
    if (budget == 0) result.whole = false;
    for (const std::string& name : listing.names) {
      if (stop && stop->load(std::memory_order_relaxed)) return result.whole = false, false;
      if (!one(listing, name, prefix + name, level)) return false;
    }
    return true;
  }

  bool one(const Listing& listing, const std::string& name, const std::string& path, std::size_t level) {
    struct stat status{};
    if (::fstatat(listing.directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return true;  // gone
    const Entry entry{kind_of(status.st_mode), path, status.st_size, listing.directory.get(), name.c_str()};
    const Visit answer = visit(entry);
    if (answer == Visit::stop) return false;
    if (entry.kind != EntryKind::folder || answer == Visit::skip || level >= depth) return true;
    if (level >= kMaxWalkDepth) return result.whole = false, true;
    // A single name, not followed if it has become a link: cannot leave the folder that holds it.
    Descriptor next(
        ::openat(listing.directory.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    return !next || enter(std::move(next), path + '/', level + 1);
  }
};

}  // namespace

struct Glob::State {
  explicit State(std::string_view pattern)
      : any(pattern.empty()),
        whole_path(pattern.find('/') != std::string_view::npos),
        regex(translate(pattern.starts_with("./") ? pattern.substr(2) : pattern), glob_options()) {}
  bool any;
  bool whole_path;
  RE2 regex;
};

Glob::Glob(std::string_view pattern) {
  if (pattern.size() > kMaxGlob) throw Error(errc::invalid_argument, "the glob is too long");
  state_ = std::make_unique<const State>(pattern);
  if (!state_->regex.ok()) {
    throw Error(errc::invalid_argument,
                fmt::format("the glob '{}' cannot be understood: {}", pattern, state_->regex.error()));
  }
}

Glob::~Glob() = default;

bool Glob::matches(std::string_view path) const {
  if (state_->any) return true;
  if (!state_->whole_path) path.remove_prefix(path.rfind('/') + 1);  // npos + 1 is 0
  return RE2::FullMatch(re2::StringPiece(path.data(), path.size()), state_->regex);
}

std::string omitted_text(std::size_t omitted) {
  if (omitted == 0) return {};
  return fmt::format("[{} left out: the policy does not let this tool see them unasked]\n", omitted);
}

Walk walk(Descriptor directory, std::size_t depth, const StopFlag& stop,
          const std::function<Visit(const Entry&)>& visit) {
  Walker walker{depth, stop, visit};
  walker.enter(std::move(directory), "", 1);
  return walker.result;
}

}  // namespace sennit::files
