// Private: JSON Schema as a grammar (GBNF) that a local model is held to while it writes.
//
// A grammar says which texts may be written, in which order. So members come in the order in which the schema lists
// them, members that it does not list are not written unless it is a map, and what a grammar cannot say (patterns,
// limits of numbers, `not`, `uniqueItems` …) is left out: the text is then looser than the schema, and the validator
// that checks every answer and every call has the last word. Nothing that the schema forbids is ever demanded.
#pragma once

#include <sennit/agent/io/json.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// The rules of one grammar, for any number of schemas. Pure: the same bytes every time.
class SchemaGrammar {
 public:
  /// Adds the rules for one schema (an object or a boolean), which its `$ref`s are relative to, and gives the name of
  /// the one that stands for it. The schema is read here only.
  std::string add_schema(const json::value& schema);
  /// Adds a rule under a name of the caller's own, beside those that are made here (which begin with `s-`).
  void add_rule(std::string name, std::string body);
  /// All rules, one a line.
  [[nodiscard]] std::string text() const;
  /// Keywords that were left out: JSON Pointers into the schemas, "/properties/a/pattern".
  [[nodiscard]] const std::vector<std::string>& looser() const noexcept { return looser_; }

  /// `text` as it stands in a grammar, in quotation marks.
  [[nodiscard]] static std::string literal(std::string_view text);

  static constexpr std::size_t kMaxRules = 4000;   ///< what comes after is any value
  static constexpr std::size_t kMaxDepth = 64;     ///< of nested schemas
  static constexpr std::int64_t kMaxRepeat = 256;  ///< of items and characters; libllama unrolls repetitions

 private:
  static constexpr std::string_view kAny = "s-value";
  struct Place {
    std::string pointer;
    std::size_t depth = 0;
  };
  struct Member {
    std::string name;
    std::string rule;
    bool required = false;
  };

  std::string value(const json::value& schema, const Place& place);
  std::string object_schema(const json::object& schema, const Place& place);
  std::string reference(std::string_view target, const Place& place);
  std::string alternatives(const json::object& schema, std::string_view keyword, const Place& place);
  std::string all_of(const json::object& schema, const Place& place);
  std::string typed(std::string_view type, const json::object& schema, const Place& place);
  std::string object(const json::object& schema, const Place& place);
  std::string members(const std::vector<Member>& all);
  std::string map(const json::object& schema, const Place& place);
  std::string array(const json::object& schema, const Place& place);
  std::string tuple(const json::object& schema, const json::array& first, const Place& place);
  std::string text_rule(const json::object& schema, const Place& place);
  std::string integer(const json::object& schema) const;
  std::string inner(const json::value& schema, const Place& place, std::string_view step);
  std::string fresh(std::string body);
  void note(const json::object& schema, const Place& place);
  [[nodiscard]] const json::value* resolve(std::string_view target) const;

  const json::value* root_ = nullptr;
  std::map<std::string, std::string, std::less<>> references_;  // of the present schema: target to rule
  std::vector<std::string> open_;  // references that have not read a character yet: meeting one again would never end
  std::vector<std::pair<std::string, std::string>> rules_;
  std::map<std::string, std::string, std::less<>> same_;  // body to rule
  std::size_t made_ = 0;
  std::vector<std::string> looser_;
};

/// One schema as a whole grammar; its start is `root`.
[[nodiscard]] std::string schema_grammar(const json::value& schema);

}  // namespace sennit
