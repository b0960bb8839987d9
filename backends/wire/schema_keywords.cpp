// What a schema says of values of one type, or of a list of types that stays together: bounds, `enum` and `const`, and
// what is inside of objects and arrays.
#include <sennit/backends/wire/schema_walk.hpp>
#include <sennit/backends/wire/schema_words.hpp>

#include <fmt/format.h>

#include <utility>

namespace sennit::schema_dialects {

namespace {

/// Keywords that are translated together with others.
bool stands_elsewhere(std::string_view key) {
  return is_one_of(
      key, {"type", "enum", "const", "properties", "required", "additionalProperties", "items", "prefixItems", "anyOf",
            "oneOf", "allOf", "$defs", "definitions", "additionalItems", "nullable", "$ref"});
}

/// Whether a bound allows everything anyhow.
bool is_trivial(const Keyword& keyword, const json::value& value) {
  if (value.is_bool()) return !value.get_bool();
  if (!value.is_number() || !keyword.name.starts_with("min")) return false;
  return (keyword.types & kNumberType) == 0 && value.to_number<double>() == 0;
}

}  // namespace

/// What `schema` says about values of `types`. A keyword about other types says nothing, and servers refuse it.
json::object Walk::emit(const json::object& schema, unsigned types, const Place& place) {
  Place inside = place;
  const bool stated = types != kAnyType || schema.contains("type");
  if (stated && (types & (kObjectType | kArrayType)) != 0) ++inside.nesting;
  if (dialect_.max_nesting > 0 && inside.nesting > dialect_.max_nesting) {
    refuse(place, fmt::format("more than {} objects and arrays inside each other", dialect_.max_nesting));
  }
  json::object out;
  emit_type(schema, types, out);
  for (const auto& member : schema) {
    const Keyword* keyword = find_keyword(member.key());
    if (keyword == nullptr || (keyword->types & types) == 0 || stands_elsewhere(keyword->name)) continue;
    emit_keyword(schema, *keyword, inside, out);
  }
  if (lists_values(schema)) emit_values(schema, types, place, out);
  const bool object = stated || says_any(schema, {"required", "additionalProperties"});
  if ((types & kObjectType) != 0 && object) emit_object(schema, inside, out);
  const bool array = stated || says_any(schema, {"items", "prefixItems"});
  if ((types & kArrayType) != 0 && array) emit_array(schema, inside, out);
  return out;
}

/// A keyword that is about no other one.
void Walk::emit_keyword(const json::object& schema, const Keyword& keyword, const Place& place, json::object& out) {
  const std::string_view key = keyword.name;
  const json::value& value = schema.at(key);
  Rule rule = keyword.rules[column_];
  if (rule == Rule::some) rule = takes(dialect_, schema, key) ? Rule::keep : key == "format" ? Rule::note : Rule::drop;
  // Draft 4 has a flag here, which makes `minimum` exclusive: to a server it would be a number, or an error.
  if (key.starts_with("exclusive") && value.is_bool()) rule = Rule::drop;
  if (rule == Rule::keep) out[key] = value;
  if (rule == Rule::drop && !is_trivial(keyword, value)) drop(place.at(key));
}

/// `enum` and `const`: as they are, or without the values of other types and null (which stands apart), or not at all.
void Walk::emit_values(const json::object& schema, unsigned types, const Place& place, json::object& out) {
  const json::value* only = schema.if_contains("const");
  const json::array* list = array_at(schema, "enum");
  const Rule rule = rule_of("const");
  if (only != nullptr && rule == Rule::keep) out["const"] = *only;
  if (dialect_.values == Values::anything) {
    if (list == nullptr) return;
    out["enum"] = *list;
    values_ += list->size();
    return;
  }
  json::array kept;
  const auto keep = [&kept, types](const json::value& value) {
    if ((type_bits(value) & types) != 0) kept.push_back(value);
  };
  if (only != nullptr) {
    keep(*only);
  } else if (list != nullptr) {
    std::for_each(list->begin(), list->end(), keep);
  }
  if (!takes_values(dialect_, kept, types)) {
    // {"type":"null"} says all that can be said about null.
    if (types != kNullType) drop(place.at(only != nullptr ? "const" : "enum"));
    return;
  }
  values_ += kept.size();
  if (only != nullptr && rule == Rule::some) {
    out["const"] = *only;
  } else {
    out["enum"] = std::move(kept);
  }
}

}  // namespace sennit::schema_dialects
