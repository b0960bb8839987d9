#include <sennit/backends/wire/schema_dialect.hpp>
#include <sennit/backends/wire/schema_walk.hpp>
#include <sennit/backends/wire/schema_words.hpp>

#include <fmt/format.h>

#include <utility>

namespace sennit {
namespace schema_dialects {

std::string Place::text() const {
  return parent != nullptr ? parent->text() + pointer_step(key) : std::string();
}

Walk::Walk(const json::object& original, SchemaDialect dialect)
    : original_(original),
      root_(&original),
      dialect_(kDialects[static_cast<std::size_t>(dialect)]),
      column_(static_cast<std::size_t>(dialect)) {}

TranslatedSchema Walk::run() {
  measure(original_, 0);
  nodes_ = 0;
  find_definitions();
  TranslatedSchema result{translate_root(), {}};
  check_cycles();
  check_limits();
  std::sort(dropped_.begin(), dropped_.end());
  dropped_.erase(std::unique(dropped_.begin(), dropped_.end()), dropped_.end());
  result.dropped = std::move(dropped_);
  return result;
}

void Walk::refuse(const Place& place, std::string_view what) const {
  const std::string where = place.text();
  throw Refusal{
      fmt::format("{} cannot say the schema at {}: {}", dialect_.name, where.empty() ? "its root" : where, what)};
}

Rule Walk::rule_of(std::string_view key) const {
  if (const Keyword* keyword = find_keyword(key)) return keyword->rules[column_];
  return dialect_.unknown_is_fatal && !key.starts_with("x-") ? Rule::fatal : Rule::note;
}

/// Bounds the whole before anything walks it.
void Walk::measure(const json::value& value, std::size_t depth) {
  if (depth > kMaxSchemaDepth) refuse({}, fmt::format("it is nested deeper than {}", kMaxSchemaDepth));
  if (++nodes_ > kMaxSchemaNodes) refuse({}, fmt::format("it has more than {} values", kMaxSchemaNodes));
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) measure(member.value(), depth + 1);
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array) measure(element, depth + 1);
  }
}

json::object Walk::translate_root() {
  if (dialect_.object_root) find_root();
  json::object out = translate_object(*root_, {});
  const json::value* type = out.if_contains("type");
  if (dialect_.object_root && (type == nullptr || *type != "object" || out.contains("anyOf"))) {
    refuse({}, "the root must be an object: put it into a property of one");
  }
  add_definitions(out);
  return out;
}

void Walk::check_limits() const {
  const auto check = [this](std::size_t count, std::size_t limit, std::string_view what) {
    if (limit > 0 && count > limit) refuse({}, fmt::format("it has {} {}, at most {} are taken", count, what, limit));
  };
  check(properties_, dialect_.max_properties, "properties");
  check(values_, dialect_.max_values, "values in `enum`");
  check(optional_, dialect_.max_optional, "properties that are not required");
  check(choices_, dialect_.max_choices, "choices and lists of types");
}

json::object Walk::translate(const json::value& source, const Place& place) {
  if (++depth_ > kMaxDepth || ++nodes_ > kMaxSchemaNodes) refuse(place, "it is too deep or too large");
  json::object out;
  if (const json::object* schema = source.if_object()) {
    out = translate_object(*schema, place);
  } else if (source.is_bool() && source.get_bool()) {
    out = any_value(place);
  } else {
    refuse(place, "nothing can stand here: leave it out");
  }
  --depth_;
  return out;
}

json::object Walk::translate_object(const json::object& schema, const Place& place) {
  for (const auto& [name, value] : schema) {
    const std::string_view key = name;
    if (rule_of(key) == Rule::fatal) {
      refuse(place, fmt::format("it has no words for `{}`: leave it out, or say it otherwise", key));
    }
    if (is_one_of(key, {"enum", "anyOf", "oneOf", "allOf", "prefixItems"}) && !value.is_array()) {
      refuse(place, fmt::format("`{}` is no list", key));
    }
    // Dropped, it would leave a schema that takes anything.
    if (key == "enum" && value.get_array().empty()) refuse(place, "`enum` is empty: nothing could ever fit");
  }
  if (&schema != &original_ && says_any(schema, {"$defs", "definitions"})) {
    refuse(place, "definitions stand at the root only: move them there");
  }
  if (schema.contains("$ref")) return translate_reference(schema, place);
  if (has_options(schema, "allOf")) return translate_all_of(schema, place);
  if (has_options(schema, "anyOf")) return translate_choice(schema, "anyOf", place);
  if (has_options(schema, "oneOf")) return translate_choice(schema, "oneOf", place);
  return translate_types(schema, place);
}

}  // namespace schema_dialects

namespace {

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

std::string_view to_string(SchemaDialect dialect) noexcept {
  return schema_dialects::kDialects[static_cast<std::size_t>(dialect)].name;
}

std::optional<TranslatedSchema> translate_schema(const json::object& schema, SchemaDialect dialect, std::string* why) {
  if (dialect == SchemaDialect::plain) return TranslatedSchema{schema, {}};
  try {
    return schema_dialects::Walk(schema, dialect).run();
  } catch (schema_dialects::Refusal& refusal) {
    if (why != nullptr) *why = std::move(refusal.why);
    return {};
  }
}

bool says_as_is(const json::object& schema, SchemaDialect dialect) {
  if (dialect == SchemaDialect::plain) return true;
  const std::optional<TranslatedSchema> translated = translate_schema(schema, dialect);
  return translated && with_sorted_sets(translated->schema) == with_sorted_sets(schema);
}

}  // namespace sennit
