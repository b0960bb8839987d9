#include <sennit/agent/schema/checker.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace sennit {
namespace {

const json::value* get(const json::object& schema, std::string_view key) {
  return schema.if_contains(key);
}

}  // namespace

void Checker::check_combined(const Subject& subject) {
  if (const json::value* all = get(subject.schema, "allOf")) {
    for (const json::value& schema : all->get_array()) {
      apply(schema, subject.value, subject.path, subject.depth + 1, subject.found);
    }
  }
  if (const json::value* any = get(subject.schema, "anyOf")) check_any(subject, any->get_array());
  if (const json::value* one = get(subject.schema, "oneOf")) check_one(subject, one->get_array());
  if (const json::value* no = get(subject.schema, "not"); no && fits(*no, subject.value, subject) && !exhausted_) {
    add(subject.found, subject.path,
        fmt::format("{} fits what the schema excludes (`not`)", describe_value(subject.value)));
  }
  check_conditional(subject);
}

void Checker::check_any(const Subject& subject, const json::array& alternatives) {
  std::vector<Findings> attempts;
  for (const json::value& alternative : alternatives) {
    attempts.push_back(attempt(alternative, subject));
    if (attempts.back().violations.empty() || exhausted_) return;
  }
  report_nearest(subject, alternatives, std::move(attempts));
}

void Checker::check_one(const Subject& subject, const json::array& alternatives) {
  std::vector<Findings> attempts;
  std::size_t fitting = 0;
  for (const json::value& alternative : alternatives) {
    attempts.push_back(attempt(alternative, subject));
    if (exhausted_) return;
    fitting += attempts.back().violations.empty() ? 1 : 0;
  }
  if (fitting == 1) return;
  if (fitting == 0) return report_nearest(subject, alternatives, std::move(attempts));
  add(subject.found, subject.path,
      fmt::format("fits {} of {} alternatives, exactly one is allowed (`oneOf`)", fitting, alternatives.size()));
}

void Checker::report_nearest(const Subject& subject, const json::array& alternatives, std::vector<Findings> attempts) {
  if (attempts.empty()) return;
  unsigned expected = 0;
  bool only_types = true;
  std::size_t candidates = 0;  // alternatives of the right type
  for (const json::value& alternative : alternatives) {
    const unsigned types = alternative.is_object() ? allowed_types(alternative.get_object()) : kAnyType;
    expected |= types;
    const bool right_type = types & type_bits(subject.value);
    if (right_type) only_types = false;
    candidates += right_type ? 1 : 0;
  }
  if (only_types) {
    return add(subject.found, subject.path,
               fmt::format("expected {}, got {}", describe_types(expected), describe_value(subject.value)));
  }
  const auto best = std::min_element(attempts.begin(), attempts.end(),
                                     [](const Findings& a, const Findings& b) { return a.mismatch < b.mismatch; });
  if (candidates > 1) {
    add(subject.found, subject.path,
        fmt::format("fits none of {} alternatives; the nearest is number {}, but:", alternatives.size(),
                    std::distance(attempts.begin(), best) + 1));
  }
  subject.found.mismatch += best->mismatch;
  for (Violation& violation : best->violations) {
    if (subject.found.violations.size() < kMaxViolations) subject.found.violations.push_back(std::move(violation));
  }
}

void Checker::check_conditional(const Subject& subject) {
  const json::value* condition = get(subject.schema, "if");
  if (!condition) return;
  const bool holds = fits(*condition, subject.value, subject);
  if (exhausted_) return;
  if (const json::value* branch = get(subject.schema, holds ? "then" : "else")) {
    apply(*branch, subject.value, subject.path, subject.depth + 1, subject.found);
  }
}

}  // namespace sennit
