#include <sennit/backends/strict_schema.hpp>

#include <algorithm>
#include <string_view>

namespace sennit {

namespace {

constexpr int kMaxDepth = 32;

bool describes_object(const json::object& schema) {
  const json::value* type = schema.if_contains("type");
  return schema.contains("properties") || (type != nullptr && type->is_string() && type->get_string() == "object");
}

bool is_required(const json::object& schema, std::string_view property) {
  const json::value* required = schema.if_contains("required");
  const json::array* names = required != nullptr ? required->if_array() : nullptr;
  return names != nullptr && std::any_of(names->begin(), names->end(), [property](const json::value& name) {
           return name.is_string() && std::string_view(name.get_string()) == property;
         });
}

bool allows_null(const json::object& schema) {
  const json::value* type = schema.if_contains("type");
  if (type == nullptr) return false;
  const json::array* types = type->if_array();
  return type->is_string()
             ? type->get_string() == "null"
             : types != nullptr && std::find(types->begin(), types->end(), json::value("null")) != types->end();
}

json::value or_null(json::value schema) {
  if (schema.is_object() && allows_null(schema.get_object())) return schema;
  return json::object{{"anyOf", json::array{std::move(schema), json::object{{"type", "null"}}}}};
}

bool convert(json::value& schema, int depth);

/// Converts each schema in an object of schemas (`$defs`).
bool convert_members(json::value* schemas, int depth) {
  if (schemas == nullptr) return true;
  if (!schemas->is_object()) return false;
  for (auto& [name, schema] : schemas->get_object()) {
    if (!convert(schema, depth)) return false;
  }
  return true;
}

bool convert_object(json::object& schema, int depth) {
  const json::value* open = schema.if_contains("additionalProperties");
  if (open != nullptr && !(open->is_bool() && !open->get_bool())) return false;
  json::value* properties = schema.if_contains("properties");
  if (!convert_members(properties, depth)) return false;
  json::array required;
  if (properties != nullptr) {
    for (auto& [name, property] : properties->get_object()) {
      if (!is_required(schema, name)) property = or_null(std::move(property));
      required.emplace_back(name);
    }
  } else {
    schema["properties"] = json::object{};
  }
  schema["required"] = std::move(required);
  schema["additionalProperties"] = false;
  return true;
}

bool convert(json::value& value, int depth) {
  if (!value.is_object() || depth > kMaxDepth) return false;
  json::object& schema = value.get_object();
  for (const std::string_view word : {"oneOf", "allOf", "not", "if", "patternProperties", "dependentSchemas"}) {
    if (schema.contains(word)) return false;
  }
  // Left to our own validation: providers refuse these words, or some values of them.
  for (const std::string_view word : {"default", "format", "minLength", "maxLength", "minItems", "maxItems"}) {
    schema.erase(word);
  }
  if (!convert_members(schema.if_contains("$defs"), depth + 1)) return false;
  if (json::value* items = schema.if_contains("items"); items != nullptr && !convert(*items, depth + 1)) return false;
  if (json::value* any = schema.if_contains("anyOf")) {
    if (!any->is_array()) return false;
    for (json::value& option : any->get_array()) {
      if (!convert(option, depth + 1)) return false;
    }
  }
  return !describes_object(schema) || convert_object(schema, depth + 1);
}

}  // namespace

std::optional<json::object> strict_schema(const json::object& schema) {
  json::value copy(schema);
  if (!describes_object(schema) || schema.contains("anyOf") || !convert(copy, 0)) return {};
  return std::move(copy.get_object());
}

bool is_strict_schema(const json::object& schema) {
  const std::optional<json::object> strict = strict_schema(schema);
  return strict && *strict == schema;
}

}  // namespace sennit
