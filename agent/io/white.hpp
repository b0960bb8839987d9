// Private: White space as JSON has it: what stands around the texts of models, servers and people and says nothing.
#pragma once

#include <cstddef>
#include <string_view>

namespace sennit {

inline constexpr std::string_view kWhite = " \t\r\n";

/// Nothing else is in it, or nothing at all.
[[nodiscard]] constexpr bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(kWhite) == std::string_view::npos;
}

/// Without the white space at both of its ends.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
  if (is_blank(text)) return {};
  const std::size_t first = text.find_first_not_of(kWhite);
  return text.substr(first, text.find_last_not_of(kWhite) + 1 - first);
}

}  // namespace sennit
