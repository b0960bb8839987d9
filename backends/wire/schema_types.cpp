// Which types a schema allows, and in which words the dialect says several of them: a list, a choice, or `nullable`.
#include <sennit/backends/wire/schema_walk.hpp>
#include <sennit/backends/wire/schema_words.hpp>

#include <bit>
#include <utility>

namespace sennit::schema_dialects {

void Walk::check_any_value(const Place& place) const {
  if (!dialect_.any_value) refuse(place, "it takes anything: say its `type`");
}

json::object Walk::any_value(const Place& place) const {
  check_any_value(place);
  if (!dialect_.names_any_value) return {};
  return {{"type", names_of(kAnyType)}};
}

/// What a schema without `type` allows.
unsigned Walk::implied_types(const json::object& schema, const Place& place) const {
  // What has `properties` is meant to be an object, although JSON Schema would take a number, too.
  if (schema.contains("properties")) return kObjectType;
  if (!lists_values(schema)) {
    check_any_value(place);
    return kAnyType;
  }
  const bool deep = has_value_of(schema, kObjectType | kArrayType);
  const bool all_stay = dialect_.values == Values::anything || (dialect_.values == Values::plain && !deep);
  return all_stay ? unsigned{kAnyType} : types_of_values(schema);
}

json::object Walk::translate_types(const json::object& schema, const Place& place) {
  const bool stated = schema.contains("type");
  if (stated && !names_types(schema.at("type"))) refuse(place, "`type` names no type of JSON");
  unsigned types = stated ? stated_types(schema) : implied_types(schema, place);
  bool null = stated && is_flag(schema, "nullable", true);
  // Where null may not stand among the values of `enum`, it stands apart.
  const bool apart = dialect_.values == Values::strings || dialect_.values == Values::strings_and_numbers;
  const bool among = has_value_of(schema, kNullType) && has_value_of(schema, kAnyType & ~kNullType);
  if (apart && among && (types & kNullType) != 0) {
    null = true;
    types &= ~unsigned{kNullType};
  }
  json::object out = with_types(schema, types, place);
  if (!null) return out;
  if (dialect_.type_lists != TypeLists::single) return or_null(std::move(out));
  out["nullable"] = true;
  return out;
}

json::object Walk::with_types(const json::object& schema, unsigned types, const Place& place) {
  const bool open = types == kAnyType && !schema.contains("type");
  const bool several = !std::has_single_bit(types) && !open;
  switch (dialect_.type_lists) {
    case TypeLists::kept:
      break;
    case TypeLists::plain_values:
      if (!several || (types & kObjectType) == 0) break;
      if (types == (kObjectType | kNullType)) return or_null(emit(schema, kObjectType, place));
      refuse(place, "an object, or something else: write it as `anyOf`");
    case TypeLists::split_deep:
      if (several && (types & (kObjectType | kArrayType)) != 0) return split(schema, types, place);
      break;
    case TypeLists::single: {
      const bool null = (types & kNullType) != 0 && types != kNullType;
      if (null) types &= ~unsigned{kNullType};
      if ((types & kNumberType) != 0) types &= ~unsigned{kIntegerType};
      json::object out = std::has_single_bit(types) ? emit(schema, types, place) : split(schema, types, place);
      if (null) out["nullable"] = true;
      return out;
    }
  }
  return emit(schema, types, place);
}

/// A choice of one schema a type.
json::object Walk::split(const json::object& schema, unsigned types, const Place& place) {
  json::array any;
  for (const std::string_view name : kTypeNames) {
    const unsigned type = type_bit(name) & types;
    if (type == 0 || (lists_values(schema) && !has_value_of(schema, type))) continue;
    any.push_back(emit(schema, type, place));
  }
  ++choices_;
  if (any.empty()) refuse(place, "none of its values has one of its types");
  return {{"anyOf", std::move(any)}};
}

void Walk::emit_type(const json::object& schema, unsigned types, json::object& out) {
  const json::value* type = schema.if_contains("type");
  if (type == nullptr && types == kAnyType && (!dialect_.names_any_value || lists_values(schema))) return;
  json::value& said = out["type"];
  if (type != nullptr && types == stated_types(schema) && !dialect_.upper_case) {
    said = *type;
  } else {
    json::array names = names_of(types);
    said = names.size() == 1 ? names.front() : json::value(names);
  }
  if (json::string* name = said.if_string(); name != nullptr && dialect_.upper_case) {
    for (char& c : *name) c = static_cast<char>(c - ('a' - 'A'));
  }
  if (said.is_array() && said.get_array().size() > 1) ++choices_;
}

}  // namespace sennit::schema_dialects
