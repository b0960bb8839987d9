// How a piece of text looks on a terminal: a handful of attributes that become one SGR sequence.
#pragma once

#include <cstdint>
#include <string>

namespace sennit::app {

/// The terminal's own sixteen colours only, so that every theme stays readable.
enum class Colour : std::uint8_t { standard, red, green, yellow, blue, magenta, cyan };

struct Style {
  bool bold = false;
  bool dim = false;
  bool italic = false;
  bool underline = false;
  bool strike = false;
  Colour colour = Colour::standard;
  friend bool operator==(const Style&, const Style&) = default;
};

inline constexpr Style kPlain{};
inline constexpr Style kDim{.dim = true};
inline constexpr Style kBold{.bold = true};
inline constexpr Style kCode{.colour = Colour::cyan};
inline constexpr Style kError{.bold = true, .colour = Colour::red};

/// The sequence that switches from any style to `style`; a plain style resets.
[[nodiscard]] inline std::string sgr(const Style& style) {
  std::string codes = "\x1b[0";
  if (style.bold) codes += ";1";
  if (style.dim) codes += ";2";
  if (style.italic) codes += ";3";
  if (style.underline) codes += ";4";
  if (style.strike) codes += ";9";
  if (style.colour != Colour::standard) {
    static constexpr const char* kCodes[] = {"", ";31", ";32", ";33", ";34", ";35", ";36"};
    codes += kCodes[static_cast<std::size_t>(style.colour)];
  }
  return codes + "m";
}

}  // namespace sennit::app
