#include <sennit/agent/schema/checker.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sennit {
namespace {

const json::value* get(const json::object& schema, std::string_view key) {
  return schema.if_contains(key);
}

std::size_t count_or(const json::object& schema, std::string_view key, std::size_t otherwise) {
  const json::value* value = get(schema, key);
  if (!value) return otherwise;
  return static_cast<std::size_t>(std::min(value->to_number<double>(), 1e15));
}

std::string items(std::size_t number) {
  return number == 1 ? "1 item" : fmt::format("{} items", number);
}

constexpr std::size_t kNoLimit = static_cast<std::size_t>(-1);

}  // namespace

void Checker::check_array(const Subject& subject) {
  const std::size_t size = subject.value.get_array().size();
  if (const std::size_t least = count_or(subject.schema, "minItems", 0); size < least) {
    add(subject.found, subject.path, fmt::format("expected at least {}, got {}", items(least), size));
  }
  if (const std::size_t most = count_or(subject.schema, "maxItems", kNoLimit); size > most) {
    add(subject.found, subject.path, fmt::format("expected at most {}, got {}", items(most), size));
  }
  check_items(subject);
  check_contains(subject);
  check_unique(subject);
}

void Checker::check_items(const Subject& subject) {
  // A tuple is `prefixItems` with `items` for the rest, or (draft 7) an array in `items` with `additionalItems`.
  const json::value* tuple = get(subject.schema, "prefixItems");
  const json::value* rest = get(subject.schema, "items");
  if (rest && rest->is_array()) {
    tuple = rest;
    rest = get(subject.schema, "additionalItems");
  }
  const json::array& array = subject.value.get_array();
  for (std::size_t i = 0; i < array.size(); ++i) {
    const bool in_tuple = tuple && i < tuple->get_array().size();
    const json::value* schema = in_tuple ? &tuple->get_array()[i] : rest;
    if (!schema || subject.found.violations.size() >= kMaxViolations || exhausted_) return;
    apply(*schema, array[i], JsonPath(subject.path, i), subject.depth + 1, subject.found);
  }
}

void Checker::check_contains(const Subject& subject) {
  const json::value* schema = get(subject.schema, "contains");
  if (!schema) return;
  const std::size_t least = count_or(subject.schema, "minContains", 1);
  const std::size_t most = count_or(subject.schema, "maxContains", kNoLimit);
  std::size_t matching = 0;
  for (const json::value& element : subject.value.get_array()) {
    if (exhausted_) return;
    matching += fits(*schema, element, subject) ? 1 : 0;
  }
  if (matching < least) {
    add(subject.found, subject.path,
        fmt::format("expected at least {} that fits `contains`, got {}", items(least), matching));
  } else if (matching > most) {
    add(subject.found, subject.path,
        fmt::format("expected at most {} that fits `contains`, got {}", items(most), matching));
  }
}

void Checker::check_unique(const Subject& subject) {
  const json::value* unique = get(subject.schema, "uniqueItems");
  if (!unique || !unique->is_bool() || !unique->get_bool()) return;
  const json::array& array = subject.value.get_array();
  for (std::size_t i = 0; i < array.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!spend(1)) return;
      if (!same_json(array[i], array[j])) continue;
      return add(subject.found, JsonPath(subject.path, i), fmt::format("the same as item [{}]: items must differ", j));
    }
  }
}

}  // namespace sennit
