// Between JSON and described C++ types, both ways.
//
// Reading is strict and says where it failed; writing leaves out what is absent. The types are those that schema.hpp
// knows: bool, integers, floating point, std::string, described enums and structs, std::optional, std::vector,
// std::map with string keys, and JSON itself.
#pragma once

#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/agent/schema/described.hpp>
#include <sennit/agent/schema/validate.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sennit {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_list = false;
template <class T, class A>
inline constexpr bool is_list<std::vector<T, A>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T, class C, class A>
inline constexpr bool is_map<std::map<std::string, T, C, A>> = true;
template <class T>
inline constexpr bool is_json =
    std::is_same_v<T, json::value> || std::is_same_v<T, json::object> || std::is_same_v<T, json::array>;

namespace detail {

/// Throws Error(errc::invalid_argument): `<path>: expected <what>, got <value>`.
[[noreturn]] void refuse(const JsonPath& path, std::string_view what, const json::value& value);
[[nodiscard]] std::int64_t read_signed(const json::value& value, const JsonPath& path, std::int64_t low,
                                       std::int64_t high);
[[nodiscard]] std::uint64_t read_unsigned(const json::value& value, const JsonPath& path, std::uint64_t high);
[[nodiscard]] double read_double(const json::value& value, const JsonPath& path);
[[nodiscard]] const json::string& read_string(const json::value& value, const JsonPath& path);
[[nodiscard]] const json::array& read_array(const json::value& value, const JsonPath& path);
[[nodiscard]] const json::object& read_object(const json::value& value, const JsonPath& path);

/// A whole number where the double is one and exact, so that results read `3` and not `3E0`.
[[nodiscard]] json::value number(double value);

}  // namespace detail

/// Reads `value` into `out`. Members that are absent keep what they have in `out`; REQUIRES: validated against
/// schema_of<T>() if it matters that they are there. Throws Error(errc::invalid_argument) with the place.
template <class T>
void read_json(const json::value& value, T& out, const JsonPath& path = JsonPath("value")) {
  if constexpr (is_optional<T>) {
    if (value.is_null()) return out.reset();
    read_json(value, out.emplace(), path);
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_bool()) detail::refuse(path, "true or false", value);
    out = value.get_bool();
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    out =
        static_cast<T>(detail::read_signed(value, path, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  } else if constexpr (std::is_integral_v<T>) {
    out = static_cast<T>(detail::read_unsigned(value, path, std::numeric_limits<T>::max()));
  } else if constexpr (std::is_floating_point_v<T>) {
    out = static_cast<T>(detail::read_double(value, path));
  } else if constexpr (DescribedEnum<T>) {
    const std::string_view text = detail::read_string(value, path);
    bool known = false;
    for_each_enumerator<T>([&](std::string_view name, T enumerator) {
      if (name == text) out = enumerator, known = true;
    });
    if (!known) detail::refuse(path, "one of the listed names", value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    out = std::string_view(detail::read_string(value, path));
  } else if constexpr (std::is_same_v<T, json::value>) {
    out = value;
  } else if constexpr (std::is_same_v<T, json::object>) {
    out = detail::read_object(value, path);
  } else if constexpr (std::is_same_v<T, json::array>) {
    out = detail::read_array(value, path);
  } else if constexpr (is_list<T>) {
    out.clear();
    std::size_t index = 0;
    for (const json::value& element : detail::read_array(value, path)) {
      typename T::value_type item{};
      read_json(element, item, JsonPath(path, index++));
      out.push_back(std::move(item));
    }
  } else if constexpr (is_map<T>) {
    out.clear();
    for (const auto& [key, element] : detail::read_object(value, path)) {
      typename T::mapped_type item{};
      read_json(element, item, JsonPath(path, key));
      out.insert_or_assign(std::string(key), std::move(item));
    }
  } else {
    static_assert(Described<T>, "describe the type with SENNIT_DESCRIBE, BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM");
    const json::object& object = detail::read_object(value, path);
    for_each_field<T>([&](const auto& field) {
      if (const json::value* member = object.if_contains(field.name)) {
        read_json(*member, out.*(field.member), JsonPath(path, field.name));
      }
    });
  }
}

/// `value` as JSON. Absent optionals are left out of objects; a double that is not finite becomes null.
template <class T>
[[nodiscard]] json::value write_json(const T& value) {
  if constexpr (is_optional<T>) {
    return value ? write_json(*value) : json::value();
  } else if constexpr (std::is_same_v<T, bool> || is_json<T>) {
    return value;
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    return static_cast<std::int64_t>(value);
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<std::uint64_t>(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return detail::number(static_cast<double>(value));
  } else if constexpr (DescribedEnum<T>) {
    json::value name;
    for_each_enumerator<T>([&](std::string_view known, T enumerator) {
      if (enumerator == value) name = json::string(known);
    });
    return name;
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return json::string(std::string_view(value));
  } else if constexpr (is_list<T>) {
    json::array items;
    for (const auto& item : value) items.push_back(write_json<typename T::value_type>(item));
    return items;
  } else if constexpr (is_map<T>) {
    json::object object;
    for (const auto& [key, item] : value) object[key] = write_json(item);
    return object;
  } else {
    static_assert(Described<T>, "describe the type with SENNIT_DESCRIBE, BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM");
    json::object object;
    for_each_field<T>([&](const auto& field) {
      using Member = std::remove_cvref_t<decltype(value.*(field.member))>;
      if constexpr (is_optional<Member>) {
        if (!(value.*(field.member))) return;
      }
      object[field.name] = write_json<Member>(value.*(field.member));
    });
    return object;
  }
}

}  // namespace sennit
