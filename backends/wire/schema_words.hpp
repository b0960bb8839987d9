// Private: What a JSON Schema says, asked a keyword at a time. Schemas come from strangers: anything may stand
// anywhere.
#pragma once

#include <sennit/agent/schema/compiled_schema.hpp>
#include <sennit/backends/wire/json_fields.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

namespace sennit::schema_dialects {

/// In the order in which a list of types is written.
inline constexpr std::array<std::string_view, 7> kTypeNames = {"object", "array",   "string", "integer",
                                                               "number", "boolean", "null"};
/// What people and models read beside a choice.
inline constexpr std::array<std::string_view, 2> kNotes = {"description", "title"};

[[nodiscard]] inline bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
[[nodiscard]] inline bool says_any(const json::object& schema, std::initializer_list<std::string_view> keys) {
  return std::any_of(keys.begin(), keys.end(), [&schema](std::string_view key) { return schema.contains(key); });
}
[[nodiscard]] inline const json::array* array_at(const json::object& schema, std::string_view key) {
  return as_array(schema.if_contains(key));
}
[[nodiscard]] inline bool is_flag(const json::object& schema, std::string_view key, bool flag) {
  const json::value* value = schema.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool() == flag;
}
/// Whether `key` (anyOf, oneOf, allOf) has schemas to choose from.
[[nodiscard]] inline bool has_options(const json::object& schema, std::string_view key) {
  const json::array* options = array_at(schema, key);
  return options != nullptr && !options->empty();
}
/// One step of a JSON Pointer.
[[nodiscard]] std::string pointer_step(std::string_view key);
[[nodiscard]] bool is_required(const json::object& schema, std::string_view property);

/// Whether each name in `type` is one of JSON's.
[[nodiscard]] bool names_types(const json::value& type);
/// What `type` alone allows, as TypeBits; `nullable` is another matter.
[[nodiscard]] unsigned stated_types(const json::object& schema);
[[nodiscard]] json::array names_of(unsigned types);

[[nodiscard]] inline bool lists_values(const json::object& schema) {
  return schema.contains("enum") || schema.contains("const");
}
/// Whether the values of `enum` or `const` hold one of these types.
[[nodiscard]] bool has_value_of(const json::object& schema, unsigned types);
/// The types of what `enum` or `const` list; integers are numbers.
[[nodiscard]] unsigned types_of_values(const json::object& schema);

[[nodiscard]] json::value null_schema();
[[nodiscard]] bool takes_null(const json::object& schema);
/// `schema`, or null.
[[nodiscard]] json::object or_null(json::object schema);

}  // namespace sennit::schema_dialects
