// Structs that describe themselves: names, descriptions and bounds of fields, written once beside the struct.
//
//   struct ConvertArgs { double value; std::string from; std::optional<int> digits; Unit to = Unit::metre; };
//   SENNIT_DESCRIBE(ConvertArgs, (value, "how much"), (from, "unit to convert from"),
//                   (digits, "decimal places", {.minimum = 0, .maximum = 12}), (to))
//
// A struct known to Boost.Describe (BOOST_DESCRIBE_STRUCT) works too, without descriptions. Enums are described with
// BOOST_DESCRIBE_ENUM. Both macros stand at namespace scope, in the namespace of the type.
#pragma once

#include <boost/describe.hpp>
#include <boost/mp11.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace sennit {

/// What a field must satisfy beyond its type.
struct FieldRules {
  std::optional<double> minimum{};          ///< numbers
  std::optional<double> maximum{};          ///< numbers
  std::optional<std::size_t> min_length{};  ///< characters of a string, entries of a list or map
  std::optional<std::size_t> max_length{};
  const char* pattern = nullptr;   ///< strings: a regular expression found in it
  std::optional<bool> required{};  ///< overrides the rule (see schema_of)
};

/// One field of a described struct.
template <auto Member>
struct Field {
  static constexpr auto member = Member;
  std::string_view name;
  std::string_view description;
  FieldRules rules;
};

template <auto Member>
[[nodiscard]] constexpr Field<Member> field(std::string_view name, std::string_view description = {},
                                            FieldRules rules = {}) {
  return {name, description, rules};
}

/// A struct described with SENNIT_DESCRIBE.
template <class T>
concept HasFields = requires { sennit_fields(static_cast<const T*>(nullptr)); };

/// A struct described in either way.
template <class T>
concept Described = std::is_class_v<T> && (HasFields<T> || boost::describe::has_describe_members<T>::value);

/// An enum described with BOOST_DESCRIBE_ENUM.
template <class T>
concept DescribedEnum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;

/// Calls `visit(Field)` for each field, in the order of the description.
template <Described T, class Visitor>
void for_each_field(Visitor&& visit) {
  if constexpr (HasFields<T>) {
    std::apply([&](const auto&... fields) { (visit(fields), ...); }, sennit_fields(static_cast<const T*>(nullptr)));
  } else {
    using Members = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;
    boost::mp11::mp_for_each<Members>([&](auto member) { visit(field<decltype(member)::pointer>(member.name)); });
  }
}

/// Calls `visit(name, value)` for each enumerator.
template <DescribedEnum E, class Visitor>
void for_each_enumerator(Visitor&& visit) {
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>(
      [&](auto enumerator) { visit(std::string_view(enumerator.name), static_cast<E>(enumerator.value)); });
}

}  // namespace sennit

// A list macro: applies `macro(data, element)` to each element and separates the results by commas. Rescanning does the
// recursion, up to 4^4 elements.
#define SENNIT_PARENS_ ()
#define SENNIT_EXPAND_(...) SENNIT_EXPAND3_(SENNIT_EXPAND3_(SENNIT_EXPAND3_(SENNIT_EXPAND3_(__VA_ARGS__))))
#define SENNIT_EXPAND3_(...) SENNIT_EXPAND2_(SENNIT_EXPAND2_(SENNIT_EXPAND2_(SENNIT_EXPAND2_(__VA_ARGS__))))
#define SENNIT_EXPAND2_(...) SENNIT_EXPAND1_(SENNIT_EXPAND1_(SENNIT_EXPAND1_(SENNIT_EXPAND1_(__VA_ARGS__))))
#define SENNIT_EXPAND1_(...) SENNIT_EXPAND0_(SENNIT_EXPAND0_(SENNIT_EXPAND0_(SENNIT_EXPAND0_(__VA_ARGS__))))
#define SENNIT_EXPAND0_(...) __VA_ARGS__
#define SENNIT_FOR_EACH_(macro, data, ...) __VA_OPT__(SENNIT_EXPAND_(SENNIT_STEP_(macro, data, __VA_ARGS__)))
#define SENNIT_STEP_(macro, data, first, ...) \
  macro(data, first) __VA_OPT__(, SENNIT_AGAIN_ SENNIT_PARENS_(macro, data, __VA_ARGS__))
#define SENNIT_AGAIN_() SENNIT_STEP_
#define SENNIT_STRIP_(...) __VA_ARGS__
#define SENNIT_FIELD_(type, element) SENNIT_FIELD_OF_(type, SENNIT_STRIP_ element)
#define SENNIT_FIELD_OF_(...) SENNIT_FIELD_PARTS_(__VA_ARGS__)
#define SENNIT_FIELD_PARTS_(type, name, ...) ::sennit::field<&type::name>(#name __VA_OPT__(, ) __VA_ARGS__)

/// SENNIT_DESCRIBE(Type, (field), (field, "description"), (field, "description", {.minimum = 1, …}), …)
#define SENNIT_DESCRIBE(type, ...)                                              \
  [[maybe_unused]] inline constexpr auto sennit_fields(const type*) {           \
    return std::make_tuple(SENNIT_FOR_EACH_(SENNIT_FIELD_, type, __VA_ARGS__)); \
  }
