#include <sennit/agent/io/error.hpp>
#include <sennit/agent/schema/compiled_schema.hpp>

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

namespace sennit {
namespace {

/// What the value of a keyword must be.
enum class Form { schema, schemas, schema_map, number, positive, bound, count, text, words, list, items, types };

constexpr std::pair<std::string_view, Form> kForms[] = {
    {"additionalItems", Form::schema},
    {"additionalProperties", Form::schema},
    {"contains", Form::schema},
    {"else", Form::schema},
    {"if", Form::schema},
    {"not", Form::schema},
    {"propertyNames", Form::schema},
    {"then", Form::schema},
    {"allOf", Form::schemas},
    {"anyOf", Form::schemas},
    {"oneOf", Form::schemas},
    {"prefixItems", Form::schemas},
    {"$defs", Form::schema_map},
    {"definitions", Form::schema_map},
    {"dependentSchemas", Form::schema_map},
    {"patternProperties", Form::schema_map},
    {"properties", Form::schema_map},
    {"minimum", Form::number},
    {"maximum", Form::number},
    {"exclusiveMinimum", Form::bound},
    {"exclusiveMaximum", Form::bound},
    {"multipleOf", Form::positive},
    {"minLength", Form::count},
    {"maxLength", Form::count},
    {"minItems", Form::count},
    {"maxItems", Form::count},
    {"minContains", Form::count},
    {"maxContains", Form::count},
    {"minProperties", Form::count},
    {"maxProperties", Form::count},
    {"pattern", Form::text},
    {"required", Form::words},
    {"enum", Form::list},
    {"items", Form::items},
    {"type", Form::types},
};

constexpr std::pair<std::string_view, unsigned> kTypes[] = {
    {"integer", kIntegerType}, {"number", kNumberType}, {"string", kStringType}, {"boolean", kBooleanType},
    {"array", kArrayType},     {"object", kObjectType}, {"null", kNullType},
};

[[noreturn]] void unusable(const JsonPath& path, std::string_view what) {
  throw Error(errc::config, fmt::format("the JSON Schema cannot be used: schema{}: {}", path.text(), what));
}

/// Bounds the whole document before anything walks it by recursion.
void measure(const json::value& value, std::size_t depth, std::size_t& nodes) {
  if (depth > kMaxSchemaDepth) unusable({}, fmt::format("nested deeper than {}", kMaxSchemaDepth));
  if (++nodes > kMaxSchemaNodes) unusable({}, fmt::format("more than {} values", kMaxSchemaNodes));
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) measure(member.value(), depth + 1, nodes);
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array) measure(element, depth + 1, nodes);
  }
}

bool is_count(const json::value& value) {
  return (type_bits(value) & kIntegerType) && value.to_number<double>() >= 0;
}

bool are_types(const json::value& value) {
  if (const auto* name = value.if_string()) return type_bit(*name) != 0;
  if (!value.is_array()) return false;
  for (const auto& element : value.get_array()) {
    if (!element.is_string() || type_bit(element.get_string()) == 0) return false;
  }
  return true;
}

bool are_words(const json::value& value) {
  if (!value.is_array()) return false;
  for (const auto& element : value.get_array()) {
    if (!element.is_string()) return false;
  }
  return true;
}

/// `~1`, `~0` and %XX of one step of a JSON Pointer in a URI fragment.
std::string unescape(std::string_view step) {
  std::string text;
  for (std::size_t i = 0; i < step.size(); ++i) {
    const auto hex = [&](std::size_t at) {
      const std::size_t found = std::string_view("0123456789abcdefABCDEF").find(step[at]);
      return found != std::string_view::npos && found >= 16 ? found - 6 : found;
    };
    if (step[i] == '%' && i + 2 < step.size() && hex(i + 1) < 16 && hex(i + 2) < 16) {
      text += static_cast<char>(hex(i + 1) * 16 + hex(i + 2));
      i += 2;
    } else if (step[i] == '~' && i + 1 < step.size() && (step[i + 1] == '0' || step[i + 1] == '1')) {
      text += step[++i] == '0' ? '~' : '/';
    } else {
      text += step[i];
    }
  }
  return text;
}

const json::value* step_into(const json::value& value, const std::string& step) {
  if (const auto* object = value.if_object()) return object->if_contains(step);
  if (const auto* array = value.if_array()) {
    if (step.empty() || step.size() > 6 || step.find_first_not_of("0123456789") != std::string::npos) return nullptr;
    return array->if_contains(std::stoul(step));
  }
  return nullptr;
}

}  // namespace

unsigned type_bit(std::string_view name) noexcept {
  for (const auto& [known, bit] : kTypes) {
    if (known == name) return bit;
  }
  return 0;
}

unsigned type_bits(const json::value& value) noexcept {
  switch (value.kind()) {
    case json::kind::null:
      return kNullType;
    case json::kind::bool_:
      return kBooleanType;
    case json::kind::int64:
    case json::kind::uint64:
      return kIntegerType | kNumberType;
    case json::kind::double_: {
      const double number = value.get_double();
      return std::isfinite(number) && std::floor(number) == number ? kIntegerType | kNumberType : kNumberType;
    }
    case json::kind::string:
      return kStringType;
    case json::kind::array:
      return kArrayType;
    case json::kind::object:
      return kObjectType;
  }
  return 0;
}

unsigned allowed_types(const json::object& schema) noexcept {
  const json::value* type = schema.if_contains("type");
  if (!type) return kAnyType;
  unsigned bits = 0;
  if (const auto* name = type->if_string()) bits = type_bit(*name);
  if (const auto* names = type->if_array()) {
    for (const auto& name : *names) bits |= name.is_string() ? type_bit(name.get_string()) : 0U;
  }
  const json::value* nullable = schema.if_contains("nullable");
  return nullable && nullable->is_bool() && nullable->get_bool() ? bits | kNullType : bits;
}

std::string describe_types(unsigned bits) {
  constexpr std::pair<unsigned, std::string_view> kWords[] = {
      {kNumberType, "a number"}, {kIntegerType, "an integer"},
      {kStringType, "a string"}, {kBooleanType, "true or false"},
      {kArrayType, "an array"},  {kObjectType, "an object"},
      {kNullType, "null"},
  };
  if (bits & kNumberType) bits &= ~kIntegerType;
  std::string text;
  for (const auto& [bit, words] : kWords) {
    if (!(bits & bit)) continue;
    if (!text.empty()) text += (bits & ~bit) ? ", " : " or ";
    text += words;
    bits &= ~bit;
  }
  return text.empty() ? "nothing" : text;
}

CompiledSchema::CompiledSchema(json::object schema) : root(std::move(schema)) {
  std::size_t nodes = 0;
  measure(root, 0, nodes);
  survey(root, {}, 0);
}

void CompiledSchema::survey(const json::value& schema, const JsonPath& path, std::size_t depth) {
  if (depth > kMaxSchemaDepth) unusable(path, "its references nest too deeply");
  if (schema.is_bool()) return;
  if (!schema.is_object()) unusable(path, "a schema is an object, or true or false");
  if (!seen_.insert(&schema).second) return;
  for (const auto& [key, value] : schema.get_object()) survey_keyword(key, value, JsonPath(path, key), depth + 1);
}

void CompiledSchema::survey_keyword(std::string_view key, const json::value& value, const JsonPath& path,
                                    std::size_t depth) {
  if (key == "$ref") return survey_reference(value, path, depth);
  if (key == "dependencies" || key == "dependentRequired") return survey_dependencies(value, path, depth);
  const auto* entry = std::find_if(std::begin(kForms), std::end(kForms), [&](auto& form) { return form.first == key; });
  if (entry == std::end(kForms)) return;
  const auto want = [&](bool fits, std::string_view what) {
    if (!fits) unusable(path, fmt::format("expected {}", what));
  };
  const auto survey_list = [&] {
    std::size_t index = 0;
    for (const auto& element : value.get_array()) survey(element, JsonPath(path, index++), depth);
  };
  switch (entry->second) {
    case Form::schema:
      return survey(value, path, depth);
    case Form::schemas:
      return want(value.is_array(), "an array of schemas"), survey_list();
    case Form::items:
      return value.is_array() ? survey_list() : survey(value, path, depth);
    case Form::schema_map:
      want(value.is_object(), "an object of schemas");
      for (const auto& [name, schema] : value.get_object()) {
        if (key == "patternProperties") add_pattern(name, path);
        survey(schema, JsonPath(path, name), depth);
      }
      return;
    case Form::number:
      return want(value.is_number(), "a number");
    case Form::bound:
      return want(value.is_number() || value.is_bool(), "a number");
    case Form::positive:
      return want(value.is_number() && value.to_number<double>() > 0, "a number above 0");
    case Form::count:
      return want(is_count(value), "a whole number, 0 or more");
    case Form::text:
      return want(value.is_string(), "a string"), add_pattern(value.get_string(), path);
    // `required: true` inside a property is draft 3 and a common mistake; it asserts nothing in later drafts.
    case Form::words:
      return want(value.is_bool() || are_words(value), "an array of strings");
    case Form::list:
      return want(value.is_array(), "an array");
    case Form::types:
      return want(are_types(value), "a type's name or an array of them");
  }
}

void CompiledSchema::survey_reference(const json::value& value, const JsonPath& path, std::size_t depth) {
  if (!value.is_string()) unusable(path, "expected a string");
  const std::string_view reference = value.get_string();
  const json::value* target = resolve(reference);
  if (!target) {
    unusable(path, fmt::format("{} leads nowhere: only references inside the schema are followed", reference));
  }
  survey(*target, path, depth);
}

void CompiledSchema::survey_dependencies(const json::value& value, const JsonPath& path, std::size_t depth) {
  if (!value.is_object()) unusable(path, "expected an object");
  for (const auto& [name, dependency] : value.get_object()) {
    if (!are_words(dependency)) survey(dependency, JsonPath(path, name), depth);
  }
}

void CompiledSchema::add_pattern(std::string_view source, const JsonPath& path) {
  if (patterns_.contains(source)) return;
  try {
    patterns_.emplace(source, Pattern(source));
  } catch (const Error& error) {
    unusable(path, error.message());
  }
}

const Pattern& CompiledSchema::pattern(std::string_view source) const {
  return patterns_.find(source)->second;
}

const json::value* CompiledSchema::resolve(std::string_view reference) const {
  if (const json::value* id = root.get_object().if_contains("$id"); id && id->is_string()) {
    const std::string_view base = id->get_string();
    if (!base.empty() && reference.starts_with(base)) reference.remove_prefix(base.size());
  }
  if (reference.empty() || reference == "#") return &root;
  if (!reference.starts_with("#/")) return nullptr;
  const json::value* value = &root;
  reference.remove_prefix(1);
  while (value && !reference.empty()) {
    reference.remove_prefix(1);
    const std::size_t end = std::min(reference.find('/'), reference.size());
    value = step_into(*value, unescape(reference.substr(0, end)));
    reference.remove_prefix(end);
  }
  return value;
}

}  // namespace sennit
