// What a model can do, as far as the catalogue knows.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

namespace sennit {

enum class Ability : std::uint8_t {
  tools,
  parallel_tools,  ///< several calls in one answer
  images,          ///< reads them
  audio,           ///< hears it
  image_output,    ///< draws
  reasoning,
  json,          ///< can be held to JSON, of whatever schema
  schema,        ///< can be held to a JSON Schema
  strict_tools,  ///< can be held to the schemas of tools
  caching,       ///< the provider keeps prompts for a lower price
  embeddings,    ///< gives vectors, not answers
};

/// A set of them.
class Abilities {
 public:
  constexpr Abilities() = default;
  constexpr Abilities(std::initializer_list<Ability> abilities) {
    for (const Ability ability : abilities) insert(ability);
  }
  constexpr void insert(Ability ability) noexcept { bits_ |= 1U << static_cast<unsigned>(ability); }
  [[nodiscard]] constexpr bool contains(Ability ability) const noexcept {
    return (bits_ & (1U << static_cast<unsigned>(ability))) != 0;
  }
  friend constexpr bool operator==(Abilities, Abilities) = default;

 private:
  std::uint32_t bits_ = 0;
};

/// As the catalogue writes it: "parallel_tools".
[[nodiscard]] std::string_view to_string(Ability ability) noexcept;
[[nodiscard]] std::optional<Ability> parse_ability(std::string_view name) noexcept;
/// All of them, in the order of the enumeration.
[[nodiscard]] std::span<const std::string_view> ability_names() noexcept;

}  // namespace sennit
