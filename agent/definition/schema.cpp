// The JSON Schema of the format, for editors: made from the tables that parse it.
#include <sennit/agent/definition/shape.hpp>

#include <fmt/format.h>

#include <cmath>

namespace sennit::format {
namespace {

// Draft 7: what the YAML language servers of today's editors understand completely.
constexpr std::string_view kDraft = "http://json-schema.org/draft-07/schema#";
constexpr std::string_view kDurationPattern = R"(^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$)";
constexpr std::string_view kBytesPattern = "^[0-9]+([KMGT](B|iB)?)?$";

json::object schema_of(const Shape& shape);

/// "model.options" is found under this name among the definitions.
std::string reference_to(const Table& table) {
  std::string name;
  for (const char c : table.path) {
    if (c == '.') name += '_';
    if (c >= 'a' && c <= 'z') name += c;
  }
  return name;
}

json::object typed(std::string_view type) {
  return {{"type", type}};
}

json::object numeric(std::string_view type, const Shape& shape, double scale) {
  json::object schema = typed(type);
  const auto number = [&](double bound) -> json::value {
    const double scaled = bound / scale;
    if (scaled == std::floor(scaled) && std::abs(scaled) < 1e15) return static_cast<std::int64_t>(scaled);
    return scaled;
  };
  if (!std::isinf(shape.least)) schema["minimum"] = number(shape.least);
  if (!std::isinf(shape.most)) schema["maximum"] = number(shape.most);
  return schema;
}

json::object text_schema(const Shape& shape) {
  json::object schema = typed("string");
  if (!shape.choices.empty()) {
    json::array choices;
    for (const std::string_view choice : shape.choices) choices.emplace_back(choice);
    schema["enum"] = std::move(choices);
  }
  if (!shape.pattern.empty()) schema["pattern"] = shape.pattern;
  return schema;
}

json::object any_of(std::initializer_list<json::object> alternatives) {
  json::array list;
  for (const json::object& alternative : alternatives) list.push_back(alternative);
  return {{"anyOf", std::move(list)}};
}

json::object list_schema(const Shape& element) {
  json::object schema = typed("array");
  schema["items"] = schema_of(element);
  return schema;
}

json::object selection_schema() {
  json::object one = typed("object");
  one["minProperties"] = 1;
  one["maxProperties"] = 1;
  json::object value;
  value["type"] = json::array{"object", "null"};
  one["additionalProperties"] = std::move(value);
  return any_of({text_schema(name()), std::move(one)});
}

json::object schema_of(const Shape& shape) {
  switch (shape.kind) {
    case Shape::Kind::text:
      return text_schema(shape);
    case Shape::Kind::boolean:
      return typed("boolean");
    case Shape::Kind::integer:
      return numeric("integer", shape, 1);
    case Shape::Kind::number:
      return numeric("number", shape, 1);
    case Shape::Kind::duration: {
      json::object words = typed("string");
      words["pattern"] = kDurationPattern;
      return any_of({std::move(words), numeric("number", shape, 1000)});
    }
    case Shape::Kind::bytes: {
      json::object words = typed("string");
      words["pattern"] = kBytesPattern;
      return any_of({std::move(words), numeric("integer", shape, 1)});
    }
    case Shape::Kind::anything:
      return {};
    case Shape::Kind::object:
    case Shape::Kind::json_schema:
      return typed("object");
    case Shape::Kind::selection:
      return selection_schema();
    case Shape::Kind::list:
      return list_schema(shape.parts[0]);
    case Shape::Kind::texts:
      return any_of({schema_of(shape.parts[0]), list_schema(shape.parts[0])});
    case Shape::Kind::map: {
      json::object schema = typed("object");
      schema["additionalProperties"] = schema_of(shape.parts[0]);
      return schema;
    }
    case Shape::Kind::table: {
      json::object schema{{"$ref", "#/definitions/" + reference_to(*shape.table)}};
      return shape.may_be_empty ? any_of({std::move(schema), typed("null")}) : schema;
    }
    case Shape::Kind::either:
      return any_of({schema_of(shape.parts[0]), schema_of(shape.parts[1])});
  }
  return {};
}

/// A default as it stands in a file: durations and sizes as text.
json::value preset(const Field& field) {
  if (field.fallback.is_null()) return nullptr;
  if (field.shape.kind == Shape::Kind::duration || field.shape.kind == Shape::Kind::bytes)
    return json::value(show(field.shape, field.fallback));
  return show(field.shape, field.fallback).empty() ? json::value(nullptr) : field.fallback;
}

json::object property(const Field& field) {
  json::object schema = schema_of(field.shape);
  if (schema.contains("$ref")) {  // draft 7 ignores what stands beside a reference
    json::array only;
    only.push_back(std::move(schema));
    schema = json::object{{"allOf", std::move(only)}};
  }
  schema["description"] = field.about;
  if (json::value value = preset(field); !value.is_null()) schema["default"] = std::move(value);
  return schema;
}

json::object table_schema(const Table& table) {
  json::object properties;
  json::array required;
  for (const Field& field : table.fields) {
    properties[field.key] = property(field);
    for (const std::string_view synonym : field.synonyms) {
      json::object same = schema_of(field.shape);
      same["description"] = fmt::format("The same as `{}`.", field.key);
      properties[synonym] = std::move(same);
    }
    if (field.required) required.emplace_back(field.key);
  }
  json::object schema = typed("object");
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  schema["additionalProperties"] = false;
  return schema;
}

}  // namespace
}  // namespace sennit::format

namespace sennit {

json::object definition_schema() {
  json::object schema;
  schema["$schema"] = format::kDraft;
  schema["title"] = "Sennit agent file";
  for (auto& [key, value] : format::table_schema(format::definition_table())) schema[key] = std::move(value);
  json::object definitions;
  for (const format::Table* table : format::all_tables()) {
    if (!table->path.empty()) definitions[format::reference_to(*table)] = format::table_schema(*table);
  }
  schema["definitions"] = std::move(definitions);
  return schema;
}

}  // namespace sennit
