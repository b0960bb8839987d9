#include <sennit/agent/registry.hpp>
#include <sennit/agent/schema/checker.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace sennit {
namespace {

constexpr std::size_t kMaxListed = 20;   // names or values listed in one message
constexpr std::size_t kFarWeight = 100;  // a wrong type or a wrong constant: another alternative was meant

/// Wide enough to hold every int64, uint64 and double exactly.
long double wide(const json::value& number) {
  if (number.is_int64()) return static_cast<long double>(number.get_int64());
  if (number.is_uint64()) return static_cast<long double>(number.get_uint64());
  return number.get_double();
}

const json::value* get(const json::object& schema, std::string_view key) {
  return schema.if_contains(key);
}

std::optional<std::size_t> count(const json::object& schema, std::string_view key) {
  const json::value* value = get(schema, key);
  if (!value || !value->is_number()) return std::nullopt;
  const double number = value->to_number<double>();
  return number < 1e15 ? static_cast<std::size_t>(number) : std::numeric_limits<std::size_t>::max();
}

std::string plural(std::size_t number, std::string_view noun) {
  if (number == 1) return fmt::format("1 {}", noun);
  return noun.ends_with("y") ? fmt::format("{} {}ies", number, noun.substr(0, noun.size() - 1))
                             : fmt::format("{} {}s", number, noun);
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_multiple(long double value, long double factor) {
  const long double quotient = value / factor;
  if (!std::isfinite(quotient)) return false;
  const long double off = std::fabs(quotient - std::round(quotient));
  // Exact for whole numbers; 0.07 is a multiple of 0.01 although neither is a binary fraction.
  return std::fmod(value, factor) == 0 || off < 1e-9L * std::max(1.0L, std::fabs(quotient) * 1e-6L);
}

std::string listing(const json::array& values) {
  std::string text;
  for (std::size_t i = 0; i < values.size() && i < kMaxListed; ++i) {
    if (i) text += ", ";
    text += json_text(values[i]);
  }
  if (values.size() > kMaxListed) text += fmt::format(" and {} more", values.size() - kMaxListed);
  return text;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string_view near = nearest(word, candidates);
  return near.empty() ? std::string() : fmt::format("; did you mean \"{}\"?", near);
}

}  // namespace

std::vector<Violation> Checker::run(const json::value& instance) {
  Findings found;
  apply(schema_.root, instance, {}, 0, found);
  if (exhausted_) {
    found.violations.resize(std::min(found.violations.size(), kMaxViolations - 1));
    found.violations.push_back({"", "too complex to be checked against this schema"});
  }
  return std::move(found.violations);
}

void Checker::add(Findings& found, const JsonPath& path, std::string message, std::size_t weight) {
  found.mismatch += weight;
  if (found.violations.size() < kMaxViolations) found.violations.push_back({path.text(), std::move(message)});
}

bool Checker::spend(std::size_t steps) {
  steps_ += steps;
  if (steps_ > kMaxCheckSteps) exhausted_ = true;
  return !exhausted_;
}

void Checker::apply(const json::value& schema, const json::value& value, const JsonPath& path, std::size_t depth,
                    Findings& found) {
  if (!spend(1)) return;
  if (depth > kMaxCheckDepth) return void(exhausted_ = true);
  if (schema.is_bool()) {
    if (!schema.get_bool()) add(found, path, "not allowed here", kFarWeight);
    return;
  }
  const json::object& object = schema.get_object();
  const Subject subject{object, value, path, depth, found};
  if (const json::value* reference = get(object, "$ref")) {
    apply(*schema_.resolve(reference->get_string()), value, path, depth + 1, found);
  }
  const unsigned allowed = allowed_types(object);
  if (!(allowed & type_bits(value))) {
    return add(found, path, fmt::format("expected {}, got {}", describe_types(allowed), describe_value(value)),
               kFarWeight);
  }
  if (value.is_null() && allowed != kAnyType && get(object, "nullable"))
    return;  // OpenAPI: null, whatever else is said
  check_values(subject);
  if (value.is_number()) check_number(subject);
  if (value.is_string()) check_string(subject);
  if (value.is_array()) check_array(subject);
  if (value.is_object()) check_object(subject);
  check_combined(subject);
}

Findings Checker::attempt(const json::value& schema, const Subject& subject) {
  Findings found;
  apply(schema, subject.value, subject.path, subject.depth + 1, found);
  return found;
}

bool Checker::fits(const json::value& schema, const json::value& value, const Subject& subject) {
  Findings found;
  apply(schema, value, subject.path, subject.depth + 1, found);
  return found.violations.empty();
}

void Checker::check_values(const Subject& subject) {
  if (const json::value* constant = get(subject.schema, "const"); constant && !same_json(*constant, subject.value)) {
    add(subject.found, subject.path,
        fmt::format("expected {}, got {}", json_text(*constant), describe_value(subject.value)), kFarWeight);
  }
  const json::value* listed = get(subject.schema, "enum");
  if (!listed || !spend(listed->get_array().size())) return;
  const json::array& values = listed->get_array();
  const auto equal = [&](const json::value& value) { return same_json(value, subject.value); };
  if (std::any_of(values.begin(), values.end(), equal)) return;
  std::string message = fmt::format("expected one of {}; got {}", listing(values), describe_value(subject.value));
  if (subject.value.is_string()) {
    std::vector<std::string> words;
    for (const json::value& value : values) {
      if (value.is_string()) words.emplace_back(value.get_string());
    }
    message += suggestion(subject.value.get_string(), words);
  }
  add(subject.found, subject.path, std::move(message), kFarWeight);
}

void Checker::check_number(const Subject& subject) {
  const long double value = wide(subject.value);
  const auto require = [&](bool fits, std::string_view what, const json::value& bound) {
    if (fits) return;
    add(subject.found, subject.path,
        fmt::format("expected {} {}, got {}", what, json_text(bound), json_text(subject.value)));
  };
  // Draft 4 says `exclusiveMinimum: true` beside `minimum`.
  const auto strict = [&](std::string_view key) {
    const json::value* flag = get(subject.schema, key);
    return flag && flag->is_bool() && flag->get_bool();
  };
  if (const json::value* bound = get(subject.schema, "minimum")) {
    if (strict("exclusiveMinimum")) {
      require(value > wide(*bound), "more than", *bound);
    } else {
      require(value >= wide(*bound), "at least", *bound);
    }
  }
  if (const json::value* bound = get(subject.schema, "maximum")) {
    if (strict("exclusiveMaximum")) {
      require(value < wide(*bound), "less than", *bound);
    } else {
      require(value <= wide(*bound), "at most", *bound);
    }
  }
  if (const json::value* bound = get(subject.schema, "exclusiveMinimum"); bound && bound->is_number()) {
    require(value > wide(*bound), "more than", *bound);
  }
  if (const json::value* bound = get(subject.schema, "exclusiveMaximum"); bound && bound->is_number()) {
    require(value < wide(*bound), "less than", *bound);
  }
  if (const json::value* factor = get(subject.schema, "multipleOf")) {
    require(is_multiple(value, wide(*factor)), "a multiple of", *factor);
  }
}

void Checker::check_string(const Subject& subject) {
  const std::string_view text = subject.value.get_string();
  const auto least = count(subject.schema, "minLength");
  const auto most = count(subject.schema, "maxLength");
  if (least || most) {
    const std::size_t length = code_points(text);
    if (least && length < *least) {
      add(subject.found, subject.path,
          fmt::format("expected at least {}, got {}", plural(*least, "character"), length));
    }
    if (most && length > *most) {
      add(subject.found, subject.path, fmt::format("expected at most {}, got {}", plural(*most, "character"), length));
    }
  }
  const json::value* pattern = get(subject.schema, "pattern");
  if (!pattern) return;
  const std::string_view source = pattern->get_string();
  const Pattern::Found result = schema_.pattern(source).search(text);
  if (result == Pattern::Found::yes) return;
  add(subject.found, subject.path,
      result == Pattern::Found::no
          ? fmt::format("expected text that matches {}, got {}", source, describe_value(subject.value))
          : fmt::format("matching against {} took too long", source));
}

void Checker::check_required(const Subject& subject) {
  const json::value* required = get(subject.schema, "required");
  if (!required || !required->is_array()) return;
  const json::value* properties = get(subject.schema, "properties");
  for (const json::value& name : required->get_array()) {
    if (subject.value.get_object().contains(name.get_string())) continue;
    std::string message = "required, but missing";
    const json::value* schema = properties ? properties->get_object().if_contains(name.get_string()) : nullptr;
    if (schema && schema->is_object()) {
      const unsigned types = allowed_types(schema->get_object());
      if (types != kAnyType) message += fmt::format(" ({})", describe_types(types));
    }
    add(subject.found, JsonPath(subject.path, name.get_string()), std::move(message), kFarWeight / 2);
  }
}

void Checker::check_members(const Subject& subject) {
  const json::value* properties = get(subject.schema, "properties");
  const json::value* patterns = get(subject.schema, "patternProperties");
  const json::value* others = get(subject.schema, "additionalProperties");
  const json::value* names = get(subject.schema, "propertyNames");
  for (const auto& [key, value] : subject.value.get_object()) {
    if (!spend(1)) return;
    const JsonPath path(subject.path, key);
    bool known = false;
    if (names) apply(*names, json::value(key), path, subject.depth + 1, subject.found);
    if (const json::value* schema = properties ? properties->get_object().if_contains(key) : nullptr) {
      known = true;
      apply(*schema, value, path, subject.depth + 1, subject.found);
    }
    if (patterns) {
      for (const auto& [source, schema] : patterns->get_object()) {
        if (!spend(1) || schema_.pattern(source).search(key) != Pattern::Found::yes) continue;
        known = true;
        apply(schema, value, path, subject.depth + 1, subject.found);
      }
    }
    if (known || !others) continue;
    if (!others->is_bool()) {
      apply(*others, value, path, subject.depth + 1, subject.found);
    } else if (!others->get_bool()) {
      std::vector<std::string> candidates;
      if (properties) {
        for (const auto& member : properties->get_object()) candidates.emplace_back(member.key());
      }
      add(subject.found, path, "unknown" + suggestion(key, candidates));
    }
  }
}

void Checker::check_object(const Subject& subject) {
  check_required(subject);
  check_members(subject);
  check_dependencies(subject);
  const std::size_t size = subject.value.get_object().size();
  if (const auto least = count(subject.schema, "minProperties"); least && size < *least) {
    add(subject.found, subject.path, fmt::format("expected at least {}, got {}", plural(*least, "property"), size));
  }
  if (const auto most = count(subject.schema, "maxProperties"); most && size > *most) {
    add(subject.found, subject.path, fmt::format("expected at most {}, got {}", plural(*most, "property"), size));
  }
}

void Checker::check_dependencies(const Subject& subject) {
  const json::object& object = subject.value.get_object();
  for (const std::string_view key : {"dependencies", "dependentRequired", "dependentSchemas"}) {
    const json::value* dependencies = get(subject.schema, key);
    if (!dependencies) continue;
    for (const auto& [name, dependency] : dependencies->get_object()) {
      if (!spend(1) || !object.contains(name)) continue;
      if (!dependency.is_array()) {
        apply(dependency, subject.value, subject.path, subject.depth + 1, subject.found);
        continue;
      }
      for (const json::value& needed : dependency.get_array()) {
        if (object.contains(needed.get_string())) continue;
        add(subject.found, JsonPath(subject.path, needed.get_string()),
            fmt::format("required where \"{}\" is given, but missing", std::string_view(name)));
      }
    }
  }
}

}  // namespace sennit
