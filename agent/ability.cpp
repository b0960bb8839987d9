#include <sennit/agent/ability.hpp>

#include <algorithm>
#include <array>

namespace sennit {
namespace {

constexpr std::array<std::string_view, 11> kNames{"tools",        "parallel_tools", "images",    "audio",
                                                  "image_output", "reasoning",      "json",      "schema",
                                                  "strict_tools", "caching",        "embeddings"};

}  // namespace

std::string_view to_string(Ability ability) noexcept {
  return kNames.at(static_cast<std::size_t>(ability));
}

std::optional<Ability> parse_ability(std::string_view name) noexcept {
  const auto* found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Ability>(found - kNames.begin());
}

std::span<const std::string_view> ability_names() noexcept {
  return kNames;
}

}  // namespace sennit
