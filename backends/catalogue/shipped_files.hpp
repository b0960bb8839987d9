// Private: The catalogue's files as the build put them into the library: as JSON (see cmake/yaml_to_json.cpp).
#pragma once

#include <string_view>

namespace sennit {

[[nodiscard]] std::string_view shipped_models() noexcept;
[[nodiscard]] std::string_view shipped_providers() noexcept;

}  // namespace sennit
