#include <sennit/app/unicode.hpp>

#include <locale.h>

#include <cwchar>

namespace sennit::app {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

// Widths must not depend on the locale the program was started in.
int table_width(char32_t code) noexcept {
  static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (utf8 == nullptr) return 1;
  const locale_t before = uselocale(utf8);
  const int width = ::wcwidth(static_cast<wchar_t>(code));
  uselocale(before);
  return width;
}

bool changes_direction(char32_t code) noexcept {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

Decoded decode_utf8(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return {kReplacement, 1};
  char32_t code = first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {0, 0};
    if ((byte(i) & 0xC0U) != 0x80U) return {kReplacement, i};
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (overlong || surrogate || code > 0x10FFFF) return {kReplacement, length};
  return {code, length};
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0U | (code >> 6U));
    put(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    put(0xE0U | (code >> 12U));
    put(0x80U | ((code >> 6U) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  } else {
    put(0xF0U | (code >> 18U));
    put(0x80U | ((code >> 12U) & 0x3FU));
    put(0x80U | ((code >> 6U) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  }
}

int columns(char32_t code) noexcept {
  if (code >= 0x20 && code < 0x7F) return 1;
  const int width = table_width(code);
  return width < 0 ? 1 : width;
}

char32_t harmless(char32_t code) noexcept {
  if (code < 0x20) return 0x2400 + code;  // ␀ … ␟
  if (code < 0x7F) return code;
  if (code == 0x7F) return 0x2421;  // ␡
  if (code < 0xA0 || changes_direction(code)) return kReplacement;
  if (code == 0x2028 || code == 0x2029) return U' ';
  return table_width(code) < 0 ? kReplacement : code;
}

std::size_t columns(std::string_view text) noexcept {
  std::size_t total = 0;
  while (!text.empty()) {
    const Decoded next = decode_utf8(text);
    if (next.bytes == 0) return total + 1;
    total += static_cast<std::size_t>(columns(harmless(next.code)));
    text.remove_prefix(next.bytes);
  }
  return total;
}

std::string one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    const Decoded next = decode_utf8(text);
    const bool blank = next.code == U'\n' || next.code == U'\r' || next.code == U'\t' || next.code == U' ';
    if (next.bytes == 0) {
      append_utf8(line, kReplacement);
      break;
    }
    if (!blank) {
      append_utf8(line, harmless(next.code));
    } else if (!line.empty() && line.back() != ' ') {
      line.push_back(' ');
    }
    text.remove_prefix(next.bytes);
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::string harmless_line(std::string_view line) {
  std::string shown;
  while (!line.empty()) {
    const Decoded next = decode_utf8(line);
    if (next.bytes == 0) {
      append_utf8(shown, kReplacement);
      break;
    }
    if (next.code == U'\t')
      shown += "    ";
    else if (next.code != U'\r')
      append_utf8(shown, harmless(next.code));
    line.remove_prefix(next.bytes);
  }
  return shown;
}

std::string clip(std::string_view text, std::size_t limit) {
  std::size_t used = 0;
  std::size_t kept = 0;  // bytes that fit beside an ellipsis
  for (std::size_t at = 0; at < text.size();) {
    const Decoded next = decode_utf8(text.substr(at));
    if (next.bytes == 0) break;
    used += static_cast<std::size_t>(columns(harmless(next.code)));
    if (used > limit) return limit == 0 ? std::string{} : std::string(text.substr(0, kept)) + "…";
    at += next.bytes;
    if (used < limit) kept = at;
  }
  return std::string(text);
}

}  // namespace sennit::app
