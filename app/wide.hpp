// Between UTF-8, which Sennit speaks, and wide characters, which libedit speaks.
#pragma once

#include <sennit/app/unicode.hpp>

#include <string>
#include <string_view>

namespace sennit::app {

[[nodiscard]] inline std::wstring widen(std::string_view text) {
  std::wstring wide;
  wide.reserve(text.size());
  while (!text.empty()) {
    const Decoded next = decode_utf8(text);
    if (next.bytes == 0) break;
    wide.push_back(static_cast<wchar_t>(next.code));
    text.remove_prefix(next.bytes);
  }
  return wide;
}

[[nodiscard]] inline std::string narrow(std::wstring_view wide) {
  std::string text;
  text.reserve(wide.size());
  for (const wchar_t c : wide) append_utf8(text, static_cast<char32_t>(c));
  return text;
}

}  // namespace sennit::app
