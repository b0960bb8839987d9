// Private: One check of one instance against a schema: the walk behind Validator::check.
#pragma once

#include <sennit/agent/schema/compiled_schema.hpp>
#include <sennit/agent/schema/validate.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// What one (sub)schema found. `mismatch` weighs how far the instance is from what was meant: where alternatives are
/// offered, the nearest one is the one to talk about.
struct Findings {
  std::vector<Violation> violations;
  std::size_t mismatch = 0;
};

/// Used once, on one thread, while `schema` and the instance live.
class Checker {
 public:
  explicit Checker(const CompiledSchema& schema) : schema_(schema) {}
  /// Applies the root schema; the violations, bounded.
  [[nodiscard]] std::vector<Violation> run(const json::value& instance);

 private:
  /// What a keyword is checked with. References: used within one call only.
  struct Subject {
    const json::object& schema;
    const json::value& value;
    const JsonPath& path;
    std::size_t depth;
    Findings& found;
  };

  void apply(const json::value& schema, const json::value& value, const JsonPath& path, std::size_t depth,
             Findings& found);
  /// The findings of a schema on its own; empty: it fits.
  [[nodiscard]] Findings attempt(const json::value& schema, const Subject& subject);
  [[nodiscard]] bool fits(const json::value& schema, const json::value& value, const Subject& subject);

  void check_values(const Subject& subject);
  void check_number(const Subject& subject);
  void check_string(const Subject& subject);
  void check_array(const Subject& subject);
  void check_items(const Subject& subject);
  void check_contains(const Subject& subject);
  void check_unique(const Subject& subject);
  void check_object(const Subject& subject);
  void check_required(const Subject& subject);
  void check_members(const Subject& subject);
  void check_dependencies(const Subject& subject);
  void check_combined(const Subject& subject);
  void check_any(const Subject& subject, const json::array& alternatives);
  void check_one(const Subject& subject, const json::array& alternatives);
  void check_conditional(const Subject& subject);
  void report_nearest(const Subject& subject, const json::array& alternatives, std::vector<Findings> attempts);

  void add(Findings& found, const JsonPath& path, std::string message, std::size_t weight = 1);
  [[nodiscard]] bool spend(std::size_t steps);

  const CompiledSchema& schema_;
  std::size_t steps_ = 0;
  bool exhausted_ = false;
};

/// Equal as JSON: 1 and 1.0 are the same number.
[[nodiscard]] bool same_json(const json::value& a, const json::value& b);

/// `string "three"`, `number 3`, `an array of 2`: what came, shortened.
[[nodiscard]] std::string describe_value(const json::value& value);

}  // namespace sennit
