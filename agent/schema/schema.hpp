// The JSON Schema of a C++ type, derived from its description (described.hpp).
//
// What the model is told and what the program reads come from the same struct, so they cannot drift apart.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/agent/schema/described.hpp>
#include <sennit/agent/schema/typed_json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sennit {

inline constexpr int kMaxStructDepth = 16;  ///< nesting of structs; a recursive struct would never end

namespace detail {

template <class T>
[[nodiscard]] json::object type_schema(int depth);

/// Adds a field's description and rules to the schema of its type.
void apply_rules(json::object& schema, std::string_view description, const FieldRules& rules);
[[noreturn]] void refuse_recursion();

template <class Struct>
[[nodiscard]] json::object struct_schema(int depth) {
  static_assert(std::is_default_constructible_v<Struct>, "the defaults of fields are read from a Struct{}");
  if (depth > kMaxStructDepth) refuse_recursion();
  json::object properties;
  json::array required;
  const Struct defaults{};
  for_each_field<Struct>([&](const auto& field) {
    using Member = std::remove_cvref_t<decltype(defaults.*(field.member))>;
    json::object schema = type_schema<Member>(depth + 1);
    apply_rules(schema, field.description, field.rules);
    json::value preset = write_json(defaults.*(field.member));
    const bool may_be_absent = is_optional<Member> || std::is_same_v<Member, bool> || preset != write_json(Member{});
    const bool needed = field.rules.required.value_or(!may_be_absent);
    if (needed) required.emplace_back(field.name);
    if (!needed && !preset.is_null()) schema["default"] = std::move(preset);
    properties[field.name] = std::move(schema);
  });
  json::object schema{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  schema["additionalProperties"] = false;
  return schema;
}

template <class T>
json::object type_schema(int depth) {
  if constexpr (is_optional<T>) {
    return type_schema<typename T::value_type>(depth);
  } else if constexpr (std::is_same_v<T, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (std::is_integral_v<T>) {
    json::object schema{{"type", "integer"}};
    if constexpr (std::is_unsigned_v<T>) schema["minimum"] = 0;
    return schema;
  } else if constexpr (std::is_floating_point_v<T>) {
    return {{"type", "number"}};
  } else if constexpr (DescribedEnum<T>) {
    json::array names;
    for_each_enumerator<T>([&](std::string_view name, T) { names.emplace_back(name); });
    return {{"type", "string"}, {"enum", std::move(names)}};
  } else if constexpr (std::is_same_v<T, std::string>) {
    return {{"type", "string"}};
  } else if constexpr (std::is_same_v<T, json::value>) {
    return {};
  } else if constexpr (std::is_same_v<T, json::object>) {
    return {{"type", "object"}};
  } else if constexpr (std::is_same_v<T, json::array>) {
    return {{"type", "array"}};
  } else if constexpr (is_list<T>) {
    return {{"type", "array"}, {"items", type_schema<typename T::value_type>(depth)}};
  } else if constexpr (is_map<T>) {
    return {{"type", "object"}, {"additionalProperties", type_schema<typename T::mapped_type>(depth)}};
  } else {
    static_assert(Described<T>, "describe the type with SENNIT_DESCRIBE, BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM");
    return struct_schema<T>(depth);
  }
}

}  // namespace detail

/// The JSON Schema of T. A field is required, unless
/// * it is a std::optional, or
/// * it is a bool (a flag), or
/// * its value in T{} is not the empty one of its type (0, "", {}, the enumerator 0): `int digits = 2`, or
/// * its rules say `.required = false`, which is how to give a default of 0 or of the first enumerator (the language
///   does not tell `int x;` from `int x = 0;`).
/// What is not required and not absent by default is shown as `default`. Properties that are not described are refused
/// (`additionalProperties: false`). Throws Error(errc::internal) for a struct that contains itself.
template <class T>
[[nodiscard]] json::object schema_of() {
  return detail::type_schema<T>(0);
}

}  // namespace sennit
