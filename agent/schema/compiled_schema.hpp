// Private: A JSON Schema that has been looked through once: every keyword has a usable value, patterns are compiled,
// references lead somewhere. What Validator checks and repairs with; others use validate.hpp.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/agent/schema/pattern.hpp>
#include <sennit/agent/schema/validate.hpp>

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace sennit {

/// The JSON types of a value or that a schema allows, as a set of bits.
enum TypeBits : unsigned {
  kNullType = 1,
  kBooleanType = 2,
  kIntegerType = 4,
  kNumberType = 8,  ///< contains the integers
  kStringType = 16,
  kArrayType = 32,
  kObjectType = 64,
  kAnyType = 127,
};

/// The bit of a type's name in a schema; 0 if it is none.
[[nodiscard]] unsigned type_bit(std::string_view name) noexcept;
/// The bits that fit `value`; 3.0 is an integer too.
[[nodiscard]] unsigned type_bits(const json::value& value) noexcept;
/// What the `type` (and `nullable`) of a schema allows; kAnyType if it says nothing.
[[nodiscard]] unsigned allowed_types(const json::object& schema) noexcept;
/// `an integer or null`
[[nodiscard]] std::string describe_types(unsigned bits);

class CompiledSchema {
 public:
  /// Throws Error(errc::config), see Validator.
  explicit CompiledSchema(json::object schema);
  CompiledSchema(const CompiledSchema&) = delete;
  CompiledSchema& operator=(const CompiledSchema&) = delete;

  /// Where a `$ref` leads: null if nowhere.
  [[nodiscard]] const json::value* resolve(std::string_view reference) const;
  [[nodiscard]] const Pattern& pattern(std::string_view source) const;

  json::value root;

 private:
  void survey(const json::value& schema, const JsonPath& path, std::size_t depth);
  void survey_keyword(std::string_view key, const json::value& value, const JsonPath& path, std::size_t depth);
  void survey_reference(const json::value& value, const JsonPath& path, std::size_t depth);
  void survey_dependencies(const json::value& value, const JsonPath& path, std::size_t depth);
  void add_pattern(std::string_view source, const JsonPath& path);

  std::map<std::string, Pattern, std::less<>> patterns_;
  std::set<const json::value*> seen_;
};

}  // namespace sennit
