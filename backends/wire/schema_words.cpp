#include <sennit/backends/wire/schema_words.hpp>

#include <utility>

namespace sennit::schema_dialects {

std::string pointer_step(std::string_view key) {
  std::string step = "/";
  for (const char c : key) step += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return step;
}

bool is_required(const json::object& schema, std::string_view property) {
  const json::array* names = array_at(schema, "required");
  return names != nullptr && std::any_of(names->begin(), names->end(), [property](const json::value& name) {
           return name.is_string() && std::string_view(name.get_string()) == property;
         });
}

bool names_types(const json::value& type) {
  const auto known = [](const json::value& name) { return name.is_string() && type_bit(name.get_string()) != 0; };
  if (!type.is_array()) return known(type);
  return !type.get_array().empty() && std::all_of(type.get_array().begin(), type.get_array().end(), known);
}

unsigned stated_types(const json::object& schema) {
  const json::value* type = schema.if_contains("type");
  return type != nullptr ? allowed_types({{"type", *type}}) : kAnyType;
}

json::array names_of(unsigned types) {
  json::array names;
  for (const std::string_view name : kTypeNames) {
    if ((types & type_bit(name)) != 0) names.emplace_back(name);
  }
  return names;
}

bool has_value_of(const json::object& schema, unsigned types) {
  const auto fits = [types](const json::value& value) { return (type_bits(value) & types) != 0; };
  if (const json::value* only = schema.if_contains("const")) return fits(*only);
  const json::array* values = array_at(schema, "enum");
  return values != nullptr && std::any_of(values->begin(), values->end(), fits);
}

unsigned types_of_values(const json::object& schema) {
  unsigned types = 0;
  for (const std::string_view name : kTypeNames) {
    if (name != "integer" && has_value_of(schema, type_bit(name))) types |= type_bit(name);
  }
  return types == 0 ? unsigned{kAnyType} : types;
}

json::value null_schema() {
  return json::object{{"type", "null"}};
}

bool takes_null(const json::object& schema) {
  const json::array* any = array_at(schema, "anyOf");
  if (any != nullptr && std::find(any->begin(), any->end(), null_schema()) != any->end()) return true;
  return schema.contains("type") && (allowed_types(schema) & kNullType) != 0;
}

json::object or_null(json::object schema) {
  if (takes_null(schema)) return schema;
  json::value* any = schema.if_contains("anyOf");
  if (any != nullptr && any->is_array() && schema.size() == 1) {
    any->get_array().push_back(null_schema());
    return schema;
  }
  return {{"anyOf", json::array{std::move(schema), null_schema()}}};
}

}  // namespace sennit::schema_dialects
