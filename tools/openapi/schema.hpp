// Private: Schemas of OpenAPI as JSON Schema for a model: what it may send, and nothing else.
#pragma once

#include <sennit/tools/openapi/document.hpp>

#include <map>
#include <string>

namespace sennit::openapi {

inline constexpr std::size_t kMaxSchema = 64ULL << 10U;    ///< bytes of one tool's parameters: a model reads them all
inline constexpr std::size_t kMaxDefinitions = 200;        ///< schemas by name in one of them
inline constexpr std::size_t kMaxSchemaDescription = 400;  ///< bytes of one description

/// Makes the schemas of one tool. What they refer to by name is collected, so that circles stay what they are.
class SchemaWriter {
 public:
  explicit SchemaWriter(const Document& document) : document_(document) {}

  /// In the terms of JSON Schema 2020-12: `nullable` becomes a type, what is `readOnly` is left out, and so is what is
  /// for readers of documentation. Throws Error(errc::config) for references that lead nowhere, and beyond the bounds.
  [[nodiscard]] json::value convert(const Place& place, std::size_t depth = 0);
  /// What convert() referred to, for `$defs`.
  [[nodiscard]] json::object take_definitions() { return std::move(definitions_); }

 private:
  [[nodiscard]] json::object convert_object(const Place& place, const json::object& schema, std::size_t depth);
  [[nodiscard]] json::value convert_keyword(const Place& place, std::string_view key, const json::value& value,
                                            std::size_t depth);
  [[nodiscard]] std::string name_of(const std::string& reference);
  [[nodiscard]] json::value refer(std::string_view reference, const Place& from, std::size_t depth);

  const Document& document_;
  std::map<std::string, std::string, std::less<>> names_;  // of definitions, by reference
  json::object definitions_;
};

/// At most `most` bytes, without splitting a character.
[[nodiscard]] std::string cut(std::string_view text, std::size_t most);

}  // namespace sennit::openapi
