// Text from outside on its way to a terminal: decoded, measured in columns, and made harmless.
//
// A model or a tool may print anything, escape sequences included. Nothing of theirs reaches the terminal but
// printable characters: controls become visible symbols, direction overrides and undecodable bytes U+FFFD.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sennit::app {

struct Decoded {
  char32_t code = 0;
  std::size_t bytes = 0;  ///< 0: `text` ends inside a sequence, more bytes are needed
};

/// The first character of a non-empty `text`; an invalid byte decodes as U+FFFD.
[[nodiscard]] Decoded decode_utf8(std::string_view text) noexcept;
void append_utf8(std::string& out, char32_t code);

/// Columns a character takes: 0, 1 or 2. Of a character that harmless() gave.
[[nodiscard]] int columns(char32_t code) noexcept;
/// What is shown in place of `code`: itself if it is printable, else a stand-in. Line ends and tabs are the caller's.
[[nodiscard]] char32_t harmless(char32_t code) noexcept;

/// Columns of a one-line text.
[[nodiscard]] std::size_t columns(std::string_view text) noexcept;
/// `text` on one line, harmless: line ends and tabs become single spaces.
[[nodiscard]] std::string one_line(std::string_view text);
/// One line as it is, indentation included, but harmless.
[[nodiscard]] std::string harmless_line(std::string_view line);
/// At most `limit` columns of a one-line text; what is cut is replaced by an ellipsis.
[[nodiscard]] std::string clip(std::string_view text, std::size_t limit);

}  // namespace sennit::app
