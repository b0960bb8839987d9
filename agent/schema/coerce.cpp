// Validator::coerce: gentle repairs of what weak models send. Each one is lossless, and is made only where the value
// would be refused as it is.
#include <sennit/agent/schema/compiled_schema.hpp>
#include <sennit/agent/schema/validate.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

namespace sennit {
namespace {

constexpr double kMaxExactInteger = 9007199254740992.0;  // 2^53

/// The whole of `text` as a JSON number.
std::optional<json::value> as_number(std::string_view text) {
  if (text.empty() || text.size() > 40 || text.find_first_not_of("0123456789+-.eE") != std::string_view::npos)
    return {};
  std::optional<json::value> value = parse_json(text);
  if (!value || !value->is_number()) return {};
  return value;
}

std::optional<json::value> as_integer(const json::value& value) {
  if (value.is_int64() || value.is_uint64()) return value;
  if (!value.is_double()) return {};
  const double number = value.get_double();
  if (std::floor(number) != number || std::fabs(number) > kMaxExactInteger) return {};
  return json::value(static_cast<std::int64_t>(number));
}

std::optional<json::value> repair_text(const json::string& text, unsigned allowed) {
  if (allowed & (kIntegerType | kNumberType)) {
    if (std::optional<json::value> number = as_number(text)) {
      if (std::optional<json::value> integer = as_integer(*number)) return integer;
      if (allowed & kNumberType) return number;
    }
  }
  if ((allowed & kBooleanType) && (text == "true" || text == "false")) return json::value(text == "true");
  if (allowed & (kObjectType | kArrayType)) {
    std::optional<json::value> parsed = parse_json(text);
    if (parsed && (type_bits(*parsed) & allowed & (kObjectType | kArrayType))) return parsed;
  }
  return {};
}

/// `value` as one of the allowed types, or nothing.
std::optional<json::value> repair(const json::value& value, unsigned allowed) {
  if (value.is_string()) return repair_text(value.get_string(), allowed);
  if ((value.is_int64() || value.is_uint64()) && (allowed & kStringType)) return json::value(json_text(value));
  return {};
}

class Coercion {
 public:
  explicit Coercion(const CompiledSchema& schema) : schema_(schema) {}

  void apply(const json::value& schema, json::value& value, std::size_t depth) {
    if (!schema.is_object() || ++steps_ > kMaxCheckSteps || depth > kMaxCheckDepth) return;
    const json::object& object = schema.get_object();
    if (const json::value* reference = object.if_contains("$ref")) {
      apply(*schema_.resolve(reference->get_string()), value, depth + 1);
    }
    if (const json::value* all = object.if_contains("allOf")) {
      for (const json::value& part : all->get_array()) apply(part, value, depth + 1);
    }
    if (const json::value* only = the_one(object); only && !value.is_null()) apply(*only, value, depth + 1);
    const unsigned allowed = allowed_types(object);
    if (!(allowed & type_bits(value))) {
      if (std::optional<json::value> repaired = repair(value, allowed)) value = std::move(*repaired);
    } else if (value.is_double() && allowed != kAnyType && !(allowed & kNumberType)) {
      if (std::optional<json::value> integer = as_integer(value)) value = std::move(*integer);
    }
    if (value.is_object()) apply_members(object, value.get_object(), depth);
    if (value.is_array()) apply_items(object, value.get_array(), depth);
  }

 private:
  /// The alternative that is not null, where there is exactly one: `anyOf: [X, null]` is an optional X.
  static const json::value* the_one(const json::object& schema) {
    const json::value* alternatives = schema.if_contains("anyOf");
    if (!alternatives) alternatives = schema.if_contains("oneOf");
    if (!alternatives) return nullptr;
    const json::value* only = nullptr;
    for (const json::value& alternative : alternatives->get_array()) {
      if (alternative.is_object() && allowed_types(alternative.get_object()) == kNullType) continue;
      if (only) return nullptr;
      only = &alternative;
    }
    return only;
  }

  /// Whether null may stand here, as far as can be told without a full check.
  bool takes_null(const json::value& schema, std::size_t depth) const {
    if (!schema.is_object() || depth > kMaxCheckDepth) return true;
    const json::object& object = schema.get_object();
    if (const json::value* reference = object.if_contains("$ref")) {
      if (!takes_null(*schema_.resolve(reference->get_string()), depth + 1)) return false;
    }
    if (!(allowed_types(object) & kNullType)) return false;
    if (const json::value* only = object.if_contains("const"); only != nullptr && !only->is_null()) return false;
    if (const json::value* values = object.if_contains("enum"); values != nullptr && values->is_array()) {
      const json::array& all = values->get_array();
      if (std::ranges::none_of(all, [](const json::value& value) { return value.is_null(); })) return false;
    }
    for (const std::string_view key : {"anyOf", "oneOf"}) {
      const json::value* alternatives = object.if_contains(key);
      if (!alternatives) continue;
      bool any = false;
      for (const json::value& alternative : alternatives->get_array()) any = any || takes_null(alternative, depth + 1);
      if (!any) return false;
    }
    return true;
  }

  static bool is_required(const json::object& schema, std::string_view name) {
    const json::value* required = schema.if_contains("required");
    if (!required || !required->is_array()) return false;
    for (const json::value& word : required->get_array()) {
      if (word.get_string() == name) return true;
    }
    return false;
  }

  void apply_members(const json::object& schema, json::object& object, std::size_t depth) {
    if (const json::value* properties = schema.if_contains("properties")) {
      for (const auto& [name, member] : properties->get_object()) {
        json::value* value = object.if_contains(name);
        if (!value) continue;
        if (value->is_null() && !is_required(schema, name) && !takes_null(member, 0)) {
          object.erase(name);
        } else {
          apply(member, *value, depth + 1);
        }
      }
    }
    const json::value* others = schema.if_contains("additionalProperties");
    if (!others || !others->is_object()) return;
    const json::value* properties = schema.if_contains("properties");
    for (auto& [name, value] : object) {
      if (!properties || !properties->get_object().contains(name)) apply(*others, value, depth + 1);
    }
  }

  void apply_items(const json::object& schema, json::array& array, std::size_t depth) {
    const json::value* items = schema.if_contains("items");
    if (!items || !items->is_object()) return;
    for (json::value& element : array) apply(*items, element, depth + 1);
  }

  const CompiledSchema& schema_;
  std::size_t steps_ = 0;
};

}  // namespace

void Validator::coerce(json::value& instance) const {
  Coercion(*compiled_).apply(compiled_->root, instance, 0);
}

}  // namespace sennit
