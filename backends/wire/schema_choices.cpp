// anyOf, oneOf and allOf. That exactly one schema fits is left to our own check; what stands beside a choice would have
// to be said in each of its schemas.
#include <sennit/backends/wire/schema_walk.hpp>
#include <sennit/backends/wire/schema_words.hpp>

#include <fmt/format.h>

#include <utility>

namespace sennit::schema_dialects {

namespace {

/// Whether an option of a choice says nothing of its frame, so that it has the type of the schema around it.
bool takes_type_of(const json::value& option, const json::object& around) {
  return option.is_object() && around.contains("type") &&
         !says_any(option.get_object(), {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const", "properties"});
}

/// Whether the options of a choice only narrow `schema`, so that it can do without: they name no property of their own.
bool only_narrows(const json::object& schema, const json::array& options) {
  const json::object* known = object_at(schema, "properties");
  const auto is_known = [known](std::string_view name) { return known != nullptr && known->contains(name); };
  return std::all_of(options.begin(), options.end(), [&](const json::value& value) {
    if (!value.is_object()) return value.is_bool();
    const json::object& option = value.get_object();
    if (says_any(option, {"$ref", "anyOf", "oneOf", "allOf", "patternProperties", "if", "items"})) return false;
    const json::object* properties = object_at(option, "properties");
    const json::array* required = array_at(option, "required");
    return (properties == nullptr || std::all_of(properties->begin(), properties->end(),
                                                 [&](const auto& member) { return is_known(member.key()); })) &&
           (required == nullptr || std::all_of(required->begin(), required->end(), [&](const json::value& name) {
              return name.is_string() && is_known(name.get_string());
            }));
  });
}

/// A choice with null among its options as what it is without, and `nullable`.
json::object single_or_null(json::object choice) {
  json::array rest;
  bool null = false;
  for (json::value& option : choice.at("anyOf").get_array()) {
    const json::value* type = option.is_object() ? option.get_object().if_contains("type") : nullptr;
    if (type != nullptr && (*type == "NULL" || *type == "null")) {
      null = true;
    } else {
      rest.push_back(std::move(option));
    }
  }
  if (rest.empty()) return {{"type", "NULL"}};
  json::object out;
  if (rest.size() == 1 && rest.front().is_object()) {
    out = std::move(rest.front().get_object());
    for (const std::string_view note : kNotes) {
      if (choice.contains(note)) out[note] = choice.at(note);
    }
  } else {
    choice["anyOf"] = std::move(rest);
    out = std::move(choice);
  }
  if (null) out["nullable"] = true;
  return out;
}

}  // namespace

/// Whether anything beside `choice`, its type and notes for people is said.
bool Walk::says_more_than(const json::object& schema, std::string_view choice) const {
  return std::any_of(schema.begin(), schema.end(), [&](const json::key_value_pair& member) {
    const std::string_view key = member.key();
    if (key == choice || rule_of(key) == Rule::note) return false;
    if (is_one_of(key, {"anyOf", "oneOf", "allOf"}) && !has_options(schema, key)) return false;
    return !is_one_of(key, {"type", "nullable", "description", "title", "$defs", "definitions"});
  });
}

json::object Walk::translate_all_of(const json::object& schema, const Place& place) {
  const json::array& parts = schema.at("allOf").get_array();
  if (parts.size() > 1 || says_more_than(schema, "allOf")) {
    refuse(place, "`allOf` of several schemas, or beside others: write the one schema that they mean");
  }
  if (schema.contains("type")) drop(place.at("type"));
  const Place list = place.at("allOf");
  json::object out = translate(parts.front(), list.at("0"));
  for (const std::string_view note : kNotes) {
    if (schema.contains(note) && !says_any(out, {note, "$ref"})) out[note] = schema.at(note);
  }
  return out;
}

json::object Walk::translate_choice(const json::object& schema, std::string_view key, const Place& place) {
  if (depth_ == 0 && dialect_.object_root) {
    refuse(place, fmt::format("its root is a choice (`{}`): put it into a property", key));
  }
  if (!says_more_than(schema, key)) return translate_options(schema, key, place);
  const bool two = has_options(schema, "anyOf") && has_options(schema, "oneOf");
  if (two || !only_narrows(schema, schema.at(key).get_array())) {
    refuse(place, fmt::format("`{}` beside other keywords: repeat those in each of its schemas", key));
  }
  drop(place.at(key));
  return translate_types(schema, place);
}

json::object Walk::translate_options(const json::object& schema, std::string_view key, const Place& place) {
  const json::array& options = schema.at(key).get_array();
  json::object out;
  for (const std::string_view note : kNotes) {
    if (schema.contains(note)) out[note] = schema.at(note);
  }
  const Place list = place.at(key);
  json::array any;
  for (std::size_t i = 0; i < options.size(); ++i) {
    const std::string index = std::to_string(i);
    if (takes_type_of(options[i], schema)) {
      json::value typed = options[i];
      typed.get_object()["type"] = schema.at("type");
      any.push_back(translate(typed, list.at(index)));
      continue;
    }
    any.push_back(translate(options[i], list.at(index)));
    if (!schema.contains("type") || !options[i].is_object()) continue;
    if ((allowed_types(options[i].get_object()) & ~allowed_types(schema)) != 0) drop(place.at("type"));
  }
  ++choices_;
  if (key == "oneOf") drop(place.at(key));
  out["anyOf"] = std::move(any);
  const bool nullable = schema.contains("type") && is_flag(schema, "nullable", true);
  if (nullable && !takes_null(out)) out["anyOf"].get_array().push_back(null_schema());
  return dialect_.type_lists == TypeLists::single ? single_or_null(std::move(out)) : out;
}

}  // namespace sennit::schema_dialects
