// Private: The functions and constants that an expression may name.
#pragma once

#include <sennit/tools/expression_value.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::expression {

struct Function {
  std::string_view name;
  int least;  ///< arguments
  int most;   ///< -1: any number
  Value (*compute)(std::span<const Value> arguments);
};

/// By name, case-insensitive; null if there is none.
[[nodiscard]] const Function* find_function(std::string_view name);
[[nodiscard]] std::optional<Value> find_constant(std::string_view name);
/// Every name, for suggestions.
[[nodiscard]] std::vector<std::string> known_names();

/// `degrees` as radians.
[[nodiscard]] Value to_radians(const Value& degrees);

}  // namespace sennit::expression
