#include <sennit/agent/io/http_path.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace sennit::http {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// The byte that `text` encodes at its beginning; -1: none.
int encoded_byte(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return -1;
  const int high = hex_value(text[1]);
  const int low = hex_value(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").find(c) != std::string_view::npos;
}

std::string decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = encoded_byte(text.substr(i));
    result += byte < 0 ? text[i] : static_cast<char>(byte);
    if (byte >= 0) i += 2;
  }
  return result;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find_first_of(separators);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool is_dots(std::string_view segment) {
  return segment == "." || segment == "..";
}

/// Dots that only some servers see: those that decode before they split, or take parameters off first.
bool hides_dots(std::string_view segment) {
  const std::string text = decoded(segment);
  const std::vector<std::string_view> parts = split(text, "/\\");
  return std::any_of(parts.begin(), parts.end(),
                     [](std::string_view part) { return is_dots(part.substr(0, part.find(';'))); });
}

}  // namespace

std::string plain_encoding(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = encoded_byte(text.substr(i));
    if (byte < 0) {
      result += text[i];
      continue;
    }
    const char c = static_cast<char>(byte);
    result += is_unreserved(c) ? std::string(1, c) : fmt::format("%{:02X}", byte);
    i += 2;
  }
  return result;
}

std::optional<std::string> without_dots(std::string_view path) {
  const std::string plain = plain_encoding(path);
  const std::vector<std::string_view> segments = split(plain, "/");
  std::vector<std::string_view> kept;
  for (std::size_t i = 1; i < segments.size(); ++i) {  // before the first slash there is nothing
    const std::string_view segment = segments[i];
    if (!is_dots(segment)) {
      if (hides_dots(segment)) return std::nullopt;
      kept.push_back(segment);
      continue;
    }
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (i + 1 == segments.size()) kept.emplace_back();  // `/a/..` is the folder `/`
  }
  std::string result;
  for (const std::string_view segment : kept) result.append("/").append(segment);
  return result.empty() ? "/" : result;
}

std::string encode_rest(std::string_view url) {
  std::size_t rest = 0;
  if (const std::size_t slashes = url.find("//");
      slashes != std::string_view::npos && url.find_first_of("/?#") == slashes) {
    rest = std::min(url.find_first_of("/?#", slashes + 2), url.size());
  }
  std::string result(url.substr(0, rest));
  for (const char c : url.substr(rest)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool encode = byte >= 0x80 || std::string_view(" \"<>\\^`{|}[]").find(c) != std::string_view::npos;
    result += encode ? fmt::format("%{:02X}", byte) : std::string(1, c);
  }
  return result;
}

bool has_dots(std::string_view path) {
  const std::vector<std::string_view> segments = split(path, "/");
  return std::any_of(segments.begin(), segments.end(), hides_dots);
}

}  // namespace sennit::http
