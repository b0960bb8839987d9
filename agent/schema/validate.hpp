// JSON Schema validation of what models send and what agents answer.
//
// Schemas come from our structs, from agent files and from foreign servers, instances from models: neither is trusted.
// So the work is bounded (depth, steps, violations), nothing is fetched, and a message says where, what was expected
// and what came, because a model reads it and tries again.
#pragma once

#include <sennit/agent/io/json.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

inline constexpr std::size_t kMaxSchemaDepth = 64;      ///< nesting of a schema; real ones stay below 20
inline constexpr std::size_t kMaxSchemaNodes = 20'000;  ///< JSON values in a schema
inline constexpr std::size_t kMaxViolations = 20;       ///< reported for one instance: a model needs no more to correct
inline constexpr std::size_t kMaxCheckSteps = 200'000;  ///< schema applications and comparisons for one instance
inline constexpr std::size_t kMaxCheckDepth = 128;      ///< nested applications, `$ref` included

/// A place in a JSON document, as a chain of stack objects: costs nothing until it is printed.
class JsonPath {
 public:
  JsonPath() = default;
  explicit JsonPath(std::string_view root) : key_(root) {}  ///< the root under a name, which the text begins with
  JsonPath(const JsonPath& parent, std::string_view key) : parent_(&parent), key_(key), is_key_(true) {}
  JsonPath(const JsonPath& parent, std::size_t index) : parent_(&parent), index_(index) {}
  /// `.items[2].count`; a key that is no identifier appears as `["two words"]`. Empty for a root without name.
  [[nodiscard]] std::string text() const;

 private:
  const JsonPath* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
  bool is_key_ = false;
};

/// One thing wrong with an instance.
struct Violation {
  std::string path;     ///< JsonPath::text()
  std::string message;  ///< `expected an integer, got string "three"`
  friend bool operator==(const Violation&, const Violation&) = default;
};

/// `arguments.count: expected an integer, got string "three"; arguments.unit: …`
[[nodiscard]] std::string describe(const std::vector<Violation>& violations, std::string_view root = "arguments");

/// A schema, checked once and used many times. Immutable. [thread-safe]
///
/// Understands the assertions of JSON Schema 2020-12 and draft 7, and what is common in the wild: `nullable` (OpenAPI),
/// boolean `exclusiveMinimum` (draft 4), tuples in `items`. `$ref` reaches into the same schema only (`#`,
/// `#/$defs/Name`). Annotations, `format` included, and unknown keywords are ignored. Patterns are
/// matched by Boost.Regex over bytes, with its bound on backtracking.
class Validator {
 public:
  /// Throws Error(errc::config) naming the place if the schema cannot be used: a keyword with a value of a wrong type,
  /// a pattern that does not compile, a `$ref` that leads nowhere or outside, or a bound exceeded.
  explicit Validator(json::object schema);
  ~Validator();
  Validator(Validator&&) noexcept;
  Validator& operator=(Validator&&) noexcept;

  /// What is wrong, at most kMaxViolations; empty: valid. Never throws on any instance.
  [[nodiscard]] std::vector<Violation> check(const json::value& instance) const;

  /// Repairs in place what weak models send, only where the value does not fit and the repair loses nothing:
  /// * "3" or "2.5" where a number is expected, "3" or 3.0 where an integer is; 3 where a string is;
  /// * "true" and "false" where a boolean is expected;
  /// * a string holding JSON where an object or an array is expected;
  /// * null for a property that is not required and may not be null: it is left out.
  /// Anything else is left for check() to report.
  void coerce(json::value& instance) const;

  [[nodiscard]] const json::object& schema() const noexcept;

 private:
  std::unique_ptr<const class CompiledSchema> compiled_;
};

/// JSON text for people and models: like json::serialize, but numbers read as one writes them (`3`, `0.1`, not `1E-1`).
[[nodiscard]] std::string json_text(const json::value& value);

}  // namespace sennit
