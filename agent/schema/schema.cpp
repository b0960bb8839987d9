#include <sennit/agent/io/error.hpp>
#include <sennit/agent/schema/schema.hpp>

#include <fmt/format.h>

namespace sennit::detail {

void apply_rules(json::object& schema, std::string_view description, const FieldRules& rules) {
  if (!description.empty()) schema["description"] = description;
  if (rules.minimum) schema["minimum"] = number(*rules.minimum);
  if (rules.maximum) schema["maximum"] = number(*rules.maximum);
  if (rules.pattern) schema["pattern"] = rules.pattern;
  const json::value* type = schema.if_contains("type");
  const std::string_view noun = type && *type == "array"    ? "Items"
                                : type && *type == "object" ? "Properties"
                                                            : "Length";
  if (rules.min_length) schema[fmt::format("min{}", noun)] = *rules.min_length;
  if (rules.max_length) schema[fmt::format("max{}", noun)] = *rules.max_length;
}

void refuse_recursion() {
  throw Error(errc::internal,
              fmt::format("a struct that contains itself (or nests deeper than {}) has no derived schema: "
                          "use json::value for the inner part",
                          kMaxStructDepth));
}

}  // namespace sennit::detail
