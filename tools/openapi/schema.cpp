#include <sennit/agent/schema/pattern.hpp>
#include <sennit/tools/openapi/schema.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace sennit::openapi {
namespace {

bool is_true(const json::object& schema, std::string_view key) {
  const json::value* value = schema.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

/// Keywords that say something about what may be sent.
bool is_kept(std::string_view key) {
  static constexpr std::array<std::string_view, 34> kKept{"type",
                                                          "format",
                                                          "title",
                                                          "description",
                                                          "default",
                                                          "enum",
                                                          "const",
                                                          "minimum",
                                                          "maximum",
                                                          "exclusiveMinimum",
                                                          "exclusiveMaximum",
                                                          "multipleOf",
                                                          "minLength",
                                                          "maxLength",
                                                          "pattern",
                                                          "items",
                                                          "prefixItems",
                                                          "minItems",
                                                          "maxItems",
                                                          "uniqueItems",
                                                          "properties",
                                                          "required",
                                                          "minProperties",
                                                          "maxProperties",
                                                          "additionalProperties",
                                                          "allOf",
                                                          "anyOf",
                                                          "oneOf",
                                                          "not",
                                                          "patternProperties",
                                                          "propertyNames",
                                                          "contains",
                                                          "minContains",
                                                          "maxContains"};
  return std::ranges::count(kKept, key) != 0;
}

/// Rules in the dialects of other engines are the server's to enforce.
bool is_foreign_pattern(std::string_view key, const json::value& value) {
  if (key != "pattern") return false;
  try {
    if (value.is_string()) return (void)Pattern(value.get_string()), false;
  } catch (const Error&) {
    return true;
  }
  return true;
}

/// Of 3.0: a limit that is excluded is the other keyword with a flag.
void mend_limit(json::object& schema, std::string_view limit, std::string_view exclusive) {
  const json::value* flag = schema.if_contains(exclusive);
  if (flag == nullptr || !flag->is_bool()) return;
  const bool excluded = flag->get_bool();
  const json::value* value = schema.if_contains(limit);
  if (!excluded || value == nullptr) {
    schema.erase(exclusive);
    return;
  }
  schema[exclusive] = json::value(*value);
  schema.erase(limit);
}

/// Of 3.0: null is no type of its own.
void take_null(json::object& schema) {
  if (json::value* choices = schema.if_contains("enum"); choices != nullptr && choices->is_array()) {
    json::array& list = choices->get_array();
    if (std::ranges::none_of(list, [](const json::value& choice) { return choice.is_null(); })) list.push_back(nullptr);
  }
  if (json::value* type = schema.if_contains("type"); type != nullptr && type->is_string()) {
    json::array types;
    types.push_back(*type);
    types.emplace_back("null");
    *type = std::move(types);
    return;
  }
  json::object either = std::exchange(schema, json::object());
  schema["anyOf"] = json::array{std::move(either), json::object{{"type", "null"}}};
}

}  // namespace

std::string cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  return std::string(text.substr(0, most)) + "…";
}

json::value SchemaWriter::convert(const Place& place, std::size_t depth) {
  if (depth > kMaxDocumentDepth) document_.refuse(place.pointer, "schemas are nested too deeply");
  if (place.value == nullptr || place.value->is_bool()) {
    return place.value == nullptr ? json::value(json::object{}) : *place.value;
  }
  const json::object* schema = place.value->if_object();
  if (schema == nullptr) document_.refuse(place.pointer, "a schema is a map");
  if (const json::value* reference = schema->if_contains("$ref")) {
    if (!reference->is_string()) document_.refuse(place.pointer, "`$ref` must be a text");
    json::value referred = refer(reference->get_string(), place, depth);
    const json::value* about = schema->if_contains("description");
    if (about != nullptr && about->is_string()) {
      referred.as_object()["description"] = cut(about->get_string(), kMaxSchemaDescription);
    }
    return referred;
  }
  return convert_object(place, *schema, depth);
}

json::object SchemaWriter::convert_object(const Place& place, const json::object& schema, std::size_t depth) {
  json::object result;
  for (const auto& entry : schema) {
    if (is_kept(entry.key()) && !is_foreign_pattern(entry.key(), entry.value())) {
      result.emplace(entry.key(), convert_keyword(member(place, entry.key()), entry.key(), entry.value(), depth));
    }
  }
  // What the server alone sets is not to be sent, and so cannot be required.
  const json::value* properties = schema.if_contains("properties");
  json::value* required = result.if_contains("required");
  if (required != nullptr && required->is_array() && properties != nullptr && properties->is_object()) {
    const json::object& kept = result.at("properties").as_object();  // [] may move what `required` points to
    json::array left;
    for (const json::value& name : required->get_array()) {
      const bool was_removed =
          name.is_string() && properties->get_object().contains(name.get_string()) && !kept.contains(name.get_string());
      if (!was_removed) left.push_back(name);
    }
    *required = std::move(left);
  }
  if (document_.is_old()) {
    mend_limit(result, "minimum", "exclusiveMinimum");
    mend_limit(result, "maximum", "exclusiveMaximum");
    if (is_true(schema, "nullable")) take_null(result);
  }
  return result;
}

json::value SchemaWriter::convert_keyword(const Place& place, std::string_view key, const json::value& value,
                                          std::size_t depth) {
  static constexpr std::array<std::string_view, 5> kSchemas{"items", "not", "additionalProperties", "propertyNames",
                                                            "contains"};
  static constexpr std::array<std::string_view, 4> kLists{"allOf", "anyOf", "oneOf", "prefixItems"};
  if (std::ranges::count(kSchemas, key) != 0) return convert(place, depth + 1);
  if (std::ranges::count(kLists, key) != 0) {
    if (!value.is_array()) document_.refuse(place.pointer, "expected a list of schemas");
    json::array list;
    for (std::size_t i = 0; i < value.get_array().size(); ++i) {
      list.push_back(convert({&value.get_array()[i], fmt::format("{}/{}", place.pointer, i)}, depth + 1));
    }
    return list;
  }
  if (key == "properties" || key == "patternProperties") {
    if (!value.is_object()) document_.refuse(place.pointer, "expected a map of schemas");
    json::object map;
    for (const auto& entry : value.get_object()) {
      const Place property = member(place, entry.key());
      const Place meant = document_.followed(property);
      const json::object* facts = meant.value->if_object();
      if (facts != nullptr && is_true(*facts, "readOnly")) continue;
      map.emplace(entry.key(), convert(property, depth + 1));
    }
    return map;
  }
  if ((key == "description" || key == "title") && value.is_string()) {
    return json::value(cut(value.get_string(), kMaxSchemaDescription));
  }
  return value;
}

std::string SchemaWriter::name_of(const std::string& reference) {
  std::string name = reference.substr(reference.rfind('/') + 1, 48);
  for (char& c : name) {
    const bool fine =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!fine) c = '_';
  }
  if (name.empty()) name = "schema";
  std::string free = name;
  for (int number = 2; definitions_.contains(free); ++number) free = fmt::format("{}_{}", name, number);
  return free;
}

json::value SchemaWriter::refer(std::string_view reference, const Place& from, std::size_t depth) {
  const std::string path(reference);
  auto known = names_.find(path);
  if (known == names_.end()) {
    if (names_.size() == kMaxDefinitions) {
      document_.refuse(from.pointer, fmt::format("more than {} schemas are referred to from here", kMaxDefinitions));
    }
    const Place target = document_.followed(document_.target(path, from.pointer));
    const std::string name = name_of(path);
    known = names_.emplace(path, name).first;
    definitions_[name] = nullptr;  // taken, for what refers to it from inside
    json::value converted = convert(target, depth + 1);
    definitions_[name] = std::move(converted);
  }
  return json::object{{"$ref", "#/$defs/" + known->second}};
}

}  // namespace sennit::openapi
