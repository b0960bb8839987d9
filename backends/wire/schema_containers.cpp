// What is inside of objects, arrays and tuples.
#include <sennit/backends/wire/schema_walk.hpp>
#include <sennit/backends/wire/schema_words.hpp>

#include <utility>

namespace sennit::schema_dialects {

void Walk::emit_object(const json::object& schema, const Place& place, json::object& out) {
  const json::value* properties = schema.if_contains("properties");
  if (properties != nullptr && !properties->is_object()) refuse(place, "`properties` is no object");
  const json::value* others = schema.if_contains("additionalProperties");
  const bool open = others != nullptr && !is_flag(schema, "additionalProperties", false);
  if (!dialect_.free_objects) {
    if (open) refuse(place, "an object with free keys: name them in `properties`, or take a list of pairs");
    // Closed and without properties it could only be empty, while it says that anything may be in it.
    if (depth_ > 0 && (properties == nullptr || properties->get_object().empty())) {
      refuse(place, "an object without `properties`: name them");
    }
  }
  emit_properties(schema, place, out);
  emit_required(schema, place, out);
  if (dialect_.closed) {
    out["additionalProperties"] = false;
  } else if (others != nullptr && rule_of("additionalProperties") == Rule::keep) {
    out["additionalProperties"] = *others;
    if (!others->is_bool()) out["additionalProperties"] = translate(*others, place.at("additionalProperties"));
  }
}

void Walk::emit_properties(const json::object& schema, const Place& place, json::object& out) {
  const json::object* properties = object_at(schema, "properties");
  if (properties == nullptr) {
    if (dialect_.closed) out["properties"] = json::object{};
    return;
  }
  const bool closed = is_flag(schema, "additionalProperties", false);
  if (dialect_.empty_is_closed && properties->empty() && !closed) return;
  const Place all = place.at("properties");
  json::object translated;
  for (const auto& [name, property] : *properties) {
    const bool optional = !is_required(schema, name);
    Place inside = all.at(name);
    inside.optional |= optional;
    json::object said = translate(property, inside);
    ++properties_;
    if (optional) ++optional_;
    if (optional && dialect_.all_required) said = or_null(std::move(said));
    translated[name] = std::move(said);
  }
  out["properties"] = std::move(translated);
}

void Walk::emit_required(const json::object& schema, const Place& place, json::object& out) const {
  const json::object* properties = object_at(schema, "properties");
  const json::array* required = array_at(schema, "required");
  const json::value* others = schema.if_contains("additionalProperties");
  const bool named_only = !dialect_.free_objects || is_flag(schema, "additionalProperties", false) ||
                          (others == nullptr && properties != nullptr && !properties->empty());
  if (required != nullptr && named_only) {
    // Where the server writes the named properties only, a further one could never be there.
    for (const json::value& name : *required) {
      const bool known = name.is_string() && properties != nullptr && properties->contains(name.get_string());
      if (!known) refuse(place, "`required` names what `properties` does not: describe it there");
    }
  }
  if (dialect_.all_required) {
    json::array names;
    if (properties != nullptr) {
      for (const auto& member : *properties) names.emplace_back(member.key());
    }
    out["required"] = std::move(names);
  } else if (required != nullptr) {
    out["required"] = *required;
  }
}

void Walk::emit_array(const json::object& schema, const Place& place, json::object& out) {
  const json::value* items = schema.if_contains("items");
  const json::array* tuple = array_at(schema, "prefixItems");
  if (tuple == nullptr) tuple = array_at(schema, "items");
  if (tuple != nullptr) return emit_tuple(schema, *tuple, place, out);
  if (items != nullptr && !is_flag(schema, "items", true)) {
    out["items"] = translate(*items, place.at("items"));
  } else if (!dialect_.any_value) {
    refuse(place, "an array of anything: say its `items`");
  }
}

void Walk::emit_tuple(const json::object& schema, const json::array& tuple, const Place& place, json::object& out) {
  const bool older = !schema.contains("prefixItems");
  const std::string_view rest_key = older ? "additionalItems" : "items";
  const Place list = place.at(older ? "items" : "prefixItems");
  if (rule_of("prefixItems") == Rule::fatal) refuse(place, "a tuple: write an object");
  const auto count = static_cast<double>(tuple.size());
  const auto is_count = [&](std::string_view key) {
    const json::value* bound = schema.if_contains(key);
    return bound != nullptr && bound->is_number() && bound->to_number<double>() == count;
  };
  const bool ends = is_flag(schema, rest_key, false) || is_count("maxItems");
  if (rule_of("prefixItems") == Rule::rewrite && (!ends || !is_count("minItems"))) return drop(list);
  json::array items;
  for (std::size_t i = 0; i < tuple.size(); ++i) {
    const std::string index = std::to_string(i);
    items.push_back(translate(tuple[i], list.at(index)));
  }
  out["prefixItems"] = std::move(items);
  const json::value* rest = schema.if_contains(rest_key);
  if (ends && !schema.contains("maxItems")) {
    out["maxItems"] = tuple.size();
  } else if (rest != nullptr && rest->is_object() && !ends) {
    out["items"] = translate(*rest, place.at(rest_key));
  }
}

}  // namespace sennit::schema_dialects
