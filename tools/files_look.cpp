#include <sennit/agent/io/json.hpp>
#include <sennit/tools/files_look.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

namespace sennit::files {
namespace {

std::string link_target(const Entry& entry) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlinkat(entry.directory, entry.name, target.data(), target.size());
  return length < 0 ? "?" : printable({target.data(), static_cast<std::size_t>(length)});
}

std::string describe_entry(const std::string& prefix, const Entry& entry) {
  const std::string name = printable(prefix + std::string(entry.path));
  switch (entry.kind) {
    case EntryKind::file:
      return fmt::format("{}  {} bytes\n", name, entry.size);
    case EntryKind::folder:
      return name + "/\n";
    case EntryKind::link:
      return fmt::format("{} -> {}\n", name, link_target(entry));
    case EntryKind::other:
      break;
  }
  return name + "  (no regular file)\n";
}

/// Takes a file's bytes as they come and keeps the lines that are wanted, without ever holding the whole file.
class LinePicker {
 public:
  LinePicker(std::size_t from, std::size_t lines) : from_(from), lines_(lines) {}

  /// False: nothing more is needed.
  bool take(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view piece = bytes.substr(0, end == std::string_view::npos ? end : end + 1);
      if (!add(piece, end != std::string_view::npos)) return false;
      bytes.remove_prefix(piece.size());
    }
    return true;
  }

  [[nodiscard]] std::string text() && { return std::move(text_); }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] std::size_t last() const { return kept_; }  ///< last line in text()
  [[nodiscard]] std::size_t cut() const { return cut_; }    ///< a line that did not fit and was cut; 0: none
  [[nodiscard]] std::size_t complete() const { return line_ - (in_line_ ? 0 : 1); }  ///< lines seen so far

 private:
  /// A piece of the current line, with its end if `ends`.
  bool add(std::string_view piece, bool ends) {
    if (line_ >= from_) {
      if (line_ - from_ >= lines_ || (cut_ != 0 && line_ > cut_)) return false;
      if (text_.size() + piece.size() > kMaxRead) {
        if (start_ > 0) return text_.resize(start_), kept_ = line_ - 1, false;  // whole lines only
        if (cut_ == 0) text_ += piece.substr(0, kMaxRead - text_.size()), cut_ = line_, kept_ = line_;
      } else {
        text_ += piece;
        kept_ = line_;
      }
    }
    in_line_ = !ends;
    if (ends) ++line_, start_ = text_.size();
    return true;
  }

  std::size_t from_;
  std::size_t lines_;
  std::string text_;
  std::size_t line_ = 1;   // the current one
  std::size_t start_ = 0;  // where it begins in text_
  std::size_t kept_ = 0;
  std::size_t cut_ = 0;
  bool in_line_ = false;
};

/// Bytes that a cut left of a character at the end.
std::size_t broken_tail(std::string_view text) {
  constexpr std::size_t kLongest = 4;
  for (std::size_t back = 1; back <= std::min(kLongest, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0U) == 0x80U) continue;
    const std::size_t needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return needed > back ? back : 0;
  }
  return 0;
}

std::string finish_reading(LinePicker picker, const ReadArguments& arguments, bool more) {
  const std::size_t last = picker.last();
  const std::size_t cut = picker.cut();
  std::string text = std::move(picker).text();
  if (cut != 0) text.resize(text.size() - broken_tail(text));
  std::string clean = sanitize_utf8(text);
  const bool damaged = clean != text;
  const auto note = [&clean](std::string words) {
    if (!clean.ends_with('\n')) clean += '\n';
    clean += '[' + std::move(words) + "]\n";
  };
  if (cut != 0) note(fmt::format("line {} is longer than {} bytes and was cut", cut, kMaxRead));
  if (more) note(fmt::format("lines {} to {}; more follows: go on with from = {}", arguments.from, last, last + 1));
  if (damaged) note("not valid UTF-8: damaged characters are shown as U+FFFD");
  return clean;
}

}  // namespace

bool looks_binary(std::string_view beginning) {
  return beginning.substr(0, kBinaryProbe).find('\0') != std::string_view::npos;
}

std::string printable(std::string_view name) {
  std::string result;
  for (const char c : sanitize_utf8(name)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result;
}

std::string list(const Roots& roots, const ListArguments& arguments, const StopFlag& stop, const Omit& omit) {
  const Place place = roots.place(arguments.path);
  const Glob glob(arguments.glob.value_or(""));
  const bool filtered = arguments.glob && !arguments.glob->empty();
  std::string prefix = place.shown == "." ? "" : place.shown;
  if (!prefix.empty() && prefix.back() != '/') prefix += '/';
  std::string text;
  std::size_t listed = 0;
  std::size_t omitted = 0;
  const auto visit = [&](const Entry& entry) {
    if (glob.matches(entry.path) && omit && omit(entry.path)) {
      ++omitted;
    } else if (glob.matches(entry.path)) {
      if (listed == kMaxListed) return Visit::stop;
      ++listed;
      text += describe_entry(prefix, entry);
    }
    // A repository's inside is nothing to read, and large.
    return entry.kind == EntryKind::folder && std::string_view(entry.name) == ".git" ? Visit::skip : Visit::go_on;
  };
  const std::size_t depth = arguments.depth.value_or(filtered ? kMaxWalkDepth : 1);
  const Walk done = walk(place.root->open_directory(place.path), depth, stop, visit);
  if (listed == kMaxListed) {
    text += fmt::format("[stopped after {} entries: name a folder further down, or a glob]\n", listed);
  } else if (!done.whole) {
    text += "[not everything was looked at: the folder is too large or too deep]\n";
  } else if (listed == 0 && omitted == 0) {
    text = filtered ? fmt::format("[nothing here matches '{}']\n", *arguments.glob) : "[the folder is empty]\n";
  }
  return text + omitted_text(omitted);
}

std::string read(const Roots& roots, const ReadArguments& arguments, const StopFlag& stop) {
  const Place place = roots.place(arguments.path);
  const OpenFile file = place.root->open_file(place.path);
  LinePicker picker(arguments.from, arguments.lines.value_or(SIZE_MAX));
  std::string buffer(64U << 10U, '\0');
  std::size_t scanned = 0;
  bool more = false;
  while (!more) {
    const ssize_t count = ::read(file.descriptor.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error(errc::io, fmt::format("'{}': {}", place.shown, std::strerror(errno)));
    if (count == 0) break;
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
    if (scanned == 0 && looks_binary(bytes)) {
      throw Error(errc::invalid_argument,
                  fmt::format("'{}' is a binary file ({} bytes), not text", place.shown, file.identity.size));
    }
    scanned += bytes.size();
    more = !picker.take(bytes);
    if (stop && stop->load(std::memory_order_relaxed)) throw Error(errc::cancelled, "reading was cancelled");
    if (scanned > kMaxScanned && !more) {
      throw Error(errc::too_large, fmt::format("'{}': reading stopped after {} bytes, at line {}", place.shown, scanned,
                                               picker.complete()));
    }
  }
  if (scanned == 0) return "[the file is empty]\n";
  if (picker.empty()) {
    throw Error(errc::invalid_argument, fmt::format("'{}' has {} lines: from = {} is past its end", place.shown,
                                                    picker.complete(), arguments.from));
  }
  return finish_reading(std::move(picker), arguments, more);
}

}  // namespace sennit::files
