#include <sennit/backends/wire/strict_schema.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit {

namespace {

constexpr int kMaxDepth = 32;

constexpr std::string_view kDefinitions = "#/$defs/";
constexpr std::string_view kOldDefinitions = "#/definitions/";

/// What strict mode understands. https://platform.openai.com/docs/guides/structured-outputs
constexpr std::array<std::string_view, 18> kKept = {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "anyOf",
    "enum",
    "const",
    "$ref",
    "$defs",
    "pattern",
    "minimum",
    "description",
    "title",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
};

/// Notes, and bounds that are left to our own validation: providers refuse these words, or some values of them.
constexpr std::array<std::string_view, 18> kDropped = {
    "default",     "format",        "minLength",     "maxLength", "minItems",  "maxItems",
    "uniqueItems", "minProperties", "examples",      "example",   "$schema",   "$id",
    "$comment",    "deprecated",    "maxProperties", "readOnly",  "writeOnly", "contentMediaType",
};

template <std::size_t N>
bool is_among(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Whether `type` is `name`, or a list that holds it.
bool has_type(const json::object& schema, std::string_view name) {
  const json::value* type = schema.if_contains("type");
  if (type == nullptr) return false;
  if (const json::string* word = type->if_string()) return std::string_view(*word) == name;
  const json::array* types = type->if_array();
  return types != nullptr && std::find(types->begin(), types->end(), json::value(name)) != types->end();
}

bool describes_object(const json::object& schema) {
  return schema.contains("properties") || has_type(schema, "object");
}

bool is_required(const json::object& schema, std::string_view property) {
  const json::value* required = schema.if_contains("required");
  const json::array* names = required != nullptr ? required->if_array() : nullptr;
  return names != nullptr && std::any_of(names->begin(), names->end(), [property](const json::value& name) {
           return name.is_string() && std::string_view(name.get_string()) == property;
         });
}

json::value or_null(json::value schema) {
  if (schema.is_object() && has_type(schema.get_object(), "null")) return schema;
  json::value null = json::object{{"type", "null"}};
  json::value* options = schema.is_object() ? schema.get_object().if_contains("anyOf") : nullptr;
  if (options != nullptr && options->is_array() && schema.get_object().size() == 1) {
    json::array& any = options->get_array();
    if (std::find(any.begin(), any.end(), null) == any.end()) any.push_back(std::move(null));
    return schema;
  }
  return json::object{{"anyOf", json::array{std::move(schema), std::move(null)}}};
}

/// Converts the schemas of one document in place. Each function is false for what the form cannot say.
class Converter {
 public:
  [[nodiscard]] bool convert_root(json::object& schema) {
    if (!has_type(schema, "object") && schema.contains("type")) return false;
    if (!describes_object(schema) || schema.contains("anyOf") || schema.contains("$ref")) return false;
    if (const json::value* type = schema.if_contains("type"); type != nullptr && !type->is_string()) return false;
    if (!rename_definitions(schema)) return false;
    if (!convert_fields(schema, 0) || !convert_object(schema, 0)) return false;
    const json::value* definitions = schema.if_contains("$defs");
    return std::all_of(references_.begin(), references_.end(), [definitions](const std::string& name) {
      return definitions != nullptr && definitions->get_object().contains(name);
    });
  }

 private:
  [[nodiscard]] static bool rename_definitions(json::object& schema) {
    json::value* old = schema.if_contains("definitions");
    if (old == nullptr) return true;
    if (schema.contains("$defs")) return false;
    json::value definitions = std::move(*old);
    schema.erase("definitions");
    schema["$defs"] = std::move(definitions);
    return true;
  }

  [[nodiscard]] bool convert(json::value& value, int depth) {
    if (!value.is_object() || depth > kMaxDepth) return false;
    json::object& schema = value.get_object();
    if (schema.contains("$ref")) return convert_reference(schema);
    if (schema.contains("$defs") || !convert_fields(schema, depth)) return false;
    if (!says_what(schema)) return false;
    if (!describes_object(schema)) return true;
    // Closed and without properties it could only be empty, while it says that anything may be in it.
    const json::value* properties = schema.if_contains("properties");
    if (properties == nullptr || !properties->is_object() || properties->get_object().empty()) return false;
    if (!convert_object(schema, depth)) return false;
    return schema.at("type").is_string() || split_null(value);
  }

  /// A schema must say what it is about.
  [[nodiscard]] static bool says_what(json::object& schema) {
    if (schema.contains("properties") && !schema.contains("type")) schema["type"] = "object";
    if (has_type(schema, "array") && !schema.contains("items")) return false;
    return schema.contains("type") || schema.contains("enum") || schema.contains("const") || schema.contains("anyOf");
  }

  /// {"type":["object","null"],…} becomes a choice of the two: lists of types are for plain values.
  [[nodiscard]] static bool split_null(json::value& value) {
    const json::array* types = value.get_object().at("type").if_array();
    if (types == nullptr || types->size() != 2 || !has_type(value.get_object(), "null")) return false;
    value.get_object()["type"] = "object";
    value = or_null(std::move(value));
    return true;
  }

  [[nodiscard]] bool convert_fields(json::object& schema, int depth) {
    std::vector<std::string> dropped;
    for (const auto& [key, value] : schema) {
      const std::string_view word = key;
      if (is_among(kDropped, word) || word.starts_with("x-")) {
        dropped.emplace_back(word);
      } else if (!is_among(kKept, word)) {
        return false;
      }
    }
    for (const std::string& word : dropped) schema.erase(word);
    if (!convert_members(schema.if_contains("$defs"), depth + 1)) return false;
    if (json::value* items = schema.if_contains("items"); items != nullptr && !convert(*items, depth + 1)) return false;
    json::value* any = schema.if_contains("anyOf");
    if (any == nullptr) return true;
    return any->is_array() && std::all_of(any->get_array().begin(), any->get_array().end(),
                                          [&](json::value& option) { return convert(option, depth + 1); });
  }

  /// Nothing may stand beside a reference; notes are dropped.
  [[nodiscard]] bool convert_reference(json::object& schema) {
    const json::value& reference = schema.at("$ref");
    if (!reference.is_string()) return false;
    std::string target(reference.get_string());
    for (const auto& [key, value] : schema) {
      const std::string_view word = key;
      if (word != "$ref" && word != "description" && word != "title" && !is_among(kDropped, word)) return false;
    }
    if (target.starts_with(kOldDefinitions)) target.replace(0, kOldDefinitions.size(), kDefinitions);
    if (target != "#" && !target.starts_with(kDefinitions)) return false;
    if (target != "#") references_.push_back(target.substr(kDefinitions.size()));
    schema = json::object{{"$ref", target}};
    return true;
  }

  /// Converts each schema in an object of schemas.
  [[nodiscard]] bool convert_members(json::value* schemas, int depth) {
    if (schemas == nullptr) return true;
    if (!schemas->is_object()) return false;
    for (auto& [name, schema] : schemas->get_object()) {
      if (!convert(schema, depth)) return false;
    }
    return true;
  }

  [[nodiscard]] bool convert_object(json::object& schema, int depth) {
    const json::value* open = schema.if_contains("additionalProperties");
    if (open != nullptr && !(open->is_bool() && !open->get_bool())) return false;
    json::value* properties = schema.if_contains("properties");
    if (!convert_members(properties, depth + 1)) return false;
    json::array required;
    if (properties != nullptr) {
      for (auto& [name, property] : properties->get_object()) {
        if (!is_required(schema, name)) property = or_null(std::move(property));
        required.emplace_back(name);
      }
    } else {
      schema["properties"] = json::object{};
    }
    schema["type"] = schema.contains("type") ? schema.at("type") : json::value("object");
    schema["required"] = std::move(required);
    schema["additionalProperties"] = false;
    return true;
  }

  std::vector<std::string> references_;  // names in $defs
};

/// `value` with each `required` in alphabetical order: it is a set.
json::value with_sorted_sets(json::value value) {
  if (json::array* items = value.if_array()) {
    for (json::value& item : *items) item = with_sorted_sets(std::move(item));
  }
  if (json::object* members = value.if_object()) {
    for (auto& [key, member] : *members) {
      member = with_sorted_sets(std::move(member));
      json::array* names = key == "required" ? member.if_array() : nullptr;
      const auto is_text = [](const json::value& name) { return name.is_string(); };
      if (names == nullptr || !std::all_of(names->begin(), names->end(), is_text)) continue;
      std::sort(names->begin(), names->end(),
                [](const json::value& a, const json::value& b) { return a.get_string() < b.get_string(); });
    }
  }
  return value;
}

}  // namespace

std::optional<json::object> strict_schema(const json::object& schema) {
  json::object copy(schema);
  if (!Converter().convert_root(copy)) return {};
  return copy;
}

bool is_strict_schema(const json::object& schema) {
  const std::optional<json::object> strict = strict_schema(schema);
  return strict && with_sorted_sets(*strict) == with_sorted_sets(schema);
}

}  // namespace sennit
