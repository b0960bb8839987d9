#include <sennit/app/clusters.hpp>
#include <sennit/app/unicode.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sennit::app {
namespace {

/// Characters of one column and of two that serve as stand-ins. One of them that is typed gets a stand-in itself.
struct Range {
  char32_t first;
  std::size_t size;
  [[nodiscard]] bool contains(char32_t code) const { return code >= first && code - first < size; }
};
constexpr Range kNarrow{0xF0000, 0xFFFE};  // private use
constexpr Range kWide{0x17000, 6136};      // Tangut

constexpr char32_t kJoiner = 0x200D;
/// More marks than that on one character are no text.
constexpr std::size_t kClusterBytes = 128;

bool is_regional(char32_t code) {
  return code >= 0x1F1E6 && code <= 0x1F1FF;
}

char32_t first_of(std::string_view cluster) {
  return decode_utf8(cluster).code;
}

char32_t last_of(std::string_view cluster) {
  std::size_t start = cluster.size() - 1;
  while (start > 0 && (static_cast<unsigned char>(cluster[start]) & 0xC0U) == 0x80U) --start;
  return decode_utf8(cluster.substr(start)).code;
}

bool has_no_width(char32_t code) {
  return code != 0 && columns(code) == 0;
}

/// The rules of Unicode (UAX #29) that matter to what is typed: marks, joined and tinted emoji, flags.
bool belongs(std::string_view cluster, char32_t next) {
  const char32_t first = first_of(cluster);
  if (first < 0x20 || cluster.size() >= kClusterBytes) return false;
  if (has_no_width(next)) return true;
  if (next >= 0x1F3FB && next <= 0x1F3FF) return first >= 0x2190;
  if (last_of(cluster) == kJoiner) return next >= 0x2190;
  return is_regional(next) && is_regional(first) && decode_utf8(cluster).bytes == cluster.size();
}

int width_of(std::string_view cluster) {
  if (is_regional(first_of(cluster)) && decode_utf8(cluster).bytes < cluster.size()) return 2;
  int width = 1;
  for (; !cluster.empty(); cluster.remove_prefix(decode_utf8(cluster).bytes))
    width = std::max(width, columns(first_of(cluster)));
  return width;
}

}  // namespace

const std::string* Clusters::find(char32_t code) const {
  if (kNarrow.contains(code) && code - kNarrow.first < narrow_.size()) return &narrow_[code - kNarrow.first];
  if (kWide.contains(code) && code - kWide.first < wide_.size()) return &wide_[code - kWide.first];
  return nullptr;
}

std::wstring Clusters::stand_in(const std::string& cluster) {
  const char32_t first = first_of(cluster);
  const bool alone = decode_utf8(cluster).bytes == cluster.size();
  if (alone && !has_no_width(first) && !kNarrow.contains(first) && !kWide.contains(first))
    return {static_cast<wchar_t>(first)};
  if (const auto found = known_.find(cluster); found != known_.end()) return {found->second};
  const bool wide = width_of(cluster) == 2;
  const Range& range = wide ? kWide : kNarrow;
  std::vector<std::string>& used = wide ? wide_ : narrow_;
  if (used.size() == range.size) return L"\uFFFD";
  const auto code = static_cast<wchar_t>(range.first + used.size());
  used.push_back(cluster);
  known_.emplace(cluster, code);
  return {code};
}

std::wstring Clusters::widen(std::string_view text) {
  std::wstring wide;
  std::string cluster;
  while (!text.empty()) {
    const Decoded next = decode_utf8(text);
    if (next.bytes == 0) break;
    if (!cluster.empty() && !belongs(cluster, next.code)) wide += stand_in(std::exchange(cluster, {}));
    append_utf8(cluster, next.code);
    text.remove_prefix(next.bytes);
  }
  return cluster.empty() ? wide : wide + stand_in(cluster);
}

std::string Clusters::narrow(std::wstring_view wide) const {
  std::string text;
  for (const wchar_t c : wide) {
    const std::string* cluster = find(static_cast<char32_t>(c));
    if (cluster != nullptr)
      text += *cluster;
    else
      append_utf8(text, static_cast<char32_t>(c));
  }
  return text;
}

std::optional<wchar_t> Clusters::join(wchar_t before, char32_t next) {
  std::string cluster = narrow({&before, 1});
  if (!belongs(cluster, next)) return std::nullopt;
  append_utf8(cluster, next);
  return stand_in(cluster).front();
}

std::string Clusters::shown(char32_t code) const {
  std::string text;
  const std::string* cluster = find(code);
  if (cluster == nullptr) {
    append_utf8(text, code);
    return text;
  }
  if (has_no_width(first_of(*cluster))) text = "◌";
  for (std::string_view rest = *cluster; !rest.empty(); rest.remove_prefix(decode_utf8(rest).bytes))
    append_utf8(text, harmless(first_of(rest)));
  return text;
}

/// The stream's way to the descriptor.
struct Clusters::Screen {
  const Clusters& clusters;
  int descriptor;
  std::string partial;  // the beginning of a character

  static ssize_t write(void* cookie, const char* bytes, std::size_t size);
  static int close(void* cookie) {
    delete static_cast<Screen*>(cookie);
    return 0;
  }
};

ssize_t Clusters::Screen::write(void* cookie, const char* bytes, std::size_t size) {
  Screen& self = *static_cast<Screen*>(cookie);
  const std::string all = std::exchange(self.partial, {}) + std::string(bytes, size);
  std::string text;
  for (std::string_view rest = all; !rest.empty();) {
    const Decoded next = decode_utf8(rest);
    if (next.bytes == 0) {
      self.partial = rest;
      break;
    }
    text += self.clusters.shown(next.code);
    rest.remove_prefix(next.bytes);
  }
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t written = ::write(self.descriptor, rest.data(), rest.size());
    if (written < 0 && errno != EINTR) return 0;
    rest.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return static_cast<ssize_t>(size);
}

std::FILE* Clusters::open_screen(int descriptor) const {
  auto* screen = new Screen{*this, descriptor, {}};  // the stream's, which deletes it when it is closed
  std::FILE* stream = ::fopencookie(screen, "w", {nullptr, Screen::write, nullptr, Screen::close});
  if (stream == nullptr) delete screen;
  return stream;
}

}  // namespace sennit::app
