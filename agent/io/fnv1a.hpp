// Private: FNV-1a of 64 bits: a quick hash that is the same on every machine and in every version. Texts that are meant
// to collide are easily made. https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
#pragma once

#include <cstdint>
#include <string_view>

namespace sennit {

inline constexpr std::uint64_t kFnv1aSeed = 0xCBF29CE484222325U;

/// Of `text` after what gave `before`.
[[nodiscard]] constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t before = kFnv1aSeed) noexcept {
  constexpr std::uint64_t kPrime = 0x100000001B3U;
  for (const char c : text) before = (before ^ static_cast<unsigned char>(c)) * kPrime;
  return before;
}

}  // namespace sennit
