// Private: The walk over one schema that says it in the words of one dialect. A step takes a part of the original and
// where it stands, and gives what the dialect says for it; the steps stand together by what they are about:
//   schema_dialect.cpp     the root, the limits, and what every schema passes through
//   schema_references.cpp  `$ref` and definitions
//   schema_choices.cpp     anyOf, oneOf, allOf
//   schema_types.cpp       `type`, `nullable`, lists of types
//   schema_keywords.cpp    what is said of values of one type: bounds, `enum`, `const`
//   schema_containers.cpp  objects, arrays, tuples
#pragma once

#include <sennit/backends/wire/schema_dialects.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::schema_dialects {

/// Schemas inside each other: more of them are an attack, or a `$ref` that is inlined again and again.
inline constexpr std::size_t kMaxDepth = 32;

/// Where we are in the original, as a chain of stack objects.
struct Place {
  const Place* parent = nullptr;
  std::string_view key;
  std::size_t nesting = 0;  ///< objects and arrays around it
  bool optional = false;    ///< below a property that is not required

  [[nodiscard]] Place at(std::string_view step) const { return {this, step, nesting, optional}; }
  /// As a JSON Pointer.
  [[nodiscard]] std::string text() const;
};

/// What the dialect cannot say, in one sentence. It leaves the walk from wherever that is found.
struct Refusal {
  std::string why;
};

class Walk {
 public:
  Walk(const json::object& original, SchemaDialect dialect);

  /// Once. Throws Refusal.
  [[nodiscard]] TranslatedSchema run();

 private:
  [[noreturn]] void refuse(const Place& place, std::string_view what) const;
  void drop(const Place& place) { dropped_.push_back(place.text()); }
  [[nodiscard]] Rule rule_of(std::string_view key) const;

  void measure(const json::value& value, std::size_t depth);
  [[nodiscard]] json::object translate_root();
  void check_limits() const;
  [[nodiscard]] json::object translate(const json::value& source, const Place& place);
  [[nodiscard]] json::object translate_object(const json::object& schema, const Place& place);

  void find_definitions();
  void find_root();
  [[nodiscard]] const json::value* definition(std::string_view name) const;
  [[nodiscard]] std::string_view target(const json::object& schema, const Place& place) const;
  [[nodiscard]] json::object translate_reference(const json::object& schema, const Place& place);
  [[nodiscard]] json::object inline_definition(const json::object& schema, std::string_view name, const Place& place);
  void add_definitions(json::object& out);
  void check_cycles() const;

  [[nodiscard]] bool says_more_than(const json::object& schema, std::string_view choice) const;
  [[nodiscard]] json::object translate_all_of(const json::object& schema, const Place& place);
  [[nodiscard]] json::object translate_choice(const json::object& schema, std::string_view key, const Place& place);
  [[nodiscard]] json::object translate_options(const json::object& schema, std::string_view key, const Place& place);

  void check_any_value(const Place& place) const;
  [[nodiscard]] json::object any_value(const Place& place) const;
  [[nodiscard]] unsigned implied_types(const json::object& schema, const Place& place) const;
  [[nodiscard]] json::object translate_types(const json::object& schema, const Place& place);
  [[nodiscard]] json::object with_types(const json::object& schema, unsigned types, const Place& place);
  [[nodiscard]] json::object split(const json::object& schema, unsigned types, const Place& place);
  void emit_type(const json::object& schema, unsigned types, json::object& out);

  [[nodiscard]] json::object emit(const json::object& schema, unsigned types, const Place& place);
  void emit_keyword(const json::object& schema, const Keyword& keyword, const Place& place, json::object& out);
  void emit_values(const json::object& schema, unsigned types, const Place& place, json::object& out);

  void emit_object(const json::object& schema, const Place& place, json::object& out);
  void emit_properties(const json::object& schema, const Place& place, json::object& out);
  void emit_required(const json::object& schema, const Place& place, json::object& out) const;
  void emit_array(const json::object& schema, const Place& place, json::object& out);
  void emit_tuple(const json::object& schema, const json::array& tuple, const Place& place, json::object& out);

  const json::object& original_;
  const json::object* root_;  // `original_`, or the definition that it refers to
  const Dialect& dialect_;
  const std::size_t column_;  // of the dialect, in kKeywords

  const json::object* definitions_ = nullptr;
  std::string_view definitions_key_ = "$defs";
  std::string_view definition_;                                 // the one that is being translated; empty: the root
  std::vector<std::string_view> inlining_;                      // definitions that we are inside of
  std::multimap<std::string_view, std::string_view> followed_;  // references that must not lead back, by definition

  std::vector<std::string> dropped_;
  std::size_t depth_ = 0;  // 0: at the root
  std::size_t nodes_ = 0;
  std::size_t properties_ = 0;
  std::size_t optional_ = 0;
  std::size_t values_ = 0;
  std::size_t choices_ = 0;
};

}  // namespace sennit::schema_dialects
