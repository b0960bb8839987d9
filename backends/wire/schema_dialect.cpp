#include <sennit/backends/wire/schema_dialect.hpp>
#include <sennit/backends/wire/schema_dialects.hpp>

#include <fmt/format.h>

#include <bit>
#include <map>
#include <utility>

namespace sennit {

namespace {

using schema_dialects::Dialect;
using schema_dialects::find_keyword;
using schema_dialects::Keyword;
using schema_dialects::Refs;
using schema_dialects::Rule;
using schema_dialects::takes;
using schema_dialects::takes_values;
using schema_dialects::TypeLists;
using schema_dialects::Values;

/// Schemas inside each other: more of them are an attack, or a `$ref` that is inlined again and again.
constexpr std::size_t kMaxDepth = 32;

constexpr std::array<std::string_view, 7> kTypeNames = {"object", "array",   "string", "integer",
                                                        "number", "boolean", "null"};

/// Where we are in the original, as a chain of stack objects.
struct Place {
  const Place* parent = nullptr;
  std::string_view key;
  std::size_t nesting = 0;  ///< objects and arrays around it
  bool optional = false;    ///< below a property that is not required

  [[nodiscard]] Place at(std::string_view step) const { return {this, step, nesting, optional}; }

  /// As a JSON Pointer.
  [[nodiscard]] std::string text() const {
    if (parent == nullptr) return {};
    std::string path = parent->text() + '/';
    for (const char c : key) {
      if (c == '~') {
        path += "~0";
      } else if (c == '/') {
        path += "~1";
      } else {
        path += c;
      }
    }
    return path;
  }
};

bool is_flag(const json::object& schema, std::string_view key, bool flag) {
  const json::value* value = schema.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool() == flag;
}

const json::object* object_at(const json::object& schema, std::string_view key) {
  const json::value* value = schema.if_contains(key);
  return value != nullptr ? value->if_object() : nullptr;
}

const json::array* array_at(const json::object& schema, std::string_view key) {
  const json::value* value = schema.if_contains(key);
  return value != nullptr ? value->if_array() : nullptr;
}

bool is_required(const json::object& schema, std::string_view property) {
  const json::array* names = array_at(schema, "required");
  return names != nullptr && std::any_of(names->begin(), names->end(), [property](const json::value& name) {
           return name.is_string() && std::string_view(name.get_string()) == property;
         });
}

json::value null_schema() {
  return json::object{{"type", "null"}};
}

bool takes_null(const json::object& schema) {
  const json::array* any = array_at(schema, "anyOf");
  if (any != nullptr && std::find(any->begin(), any->end(), null_schema()) != any->end()) return true;
  return schema.contains("type") && (allowed_types(schema) & kNullType) != 0;
}

/// `schema`, or null.
json::object or_null(json::object schema) {
  if (takes_null(schema)) return schema;
  json::value* any = schema.if_contains("anyOf");
  if (any != nullptr && any->is_array() && schema.size() == 1) {
    any->get_array().push_back(null_schema());
    return schema;
  }
  return {{"anyOf", json::array{std::move(schema), null_schema()}}};
}

json::array names_of(unsigned types) {
  json::array names;
  for (const std::string_view name : kTypeNames) {
    if ((types & type_bit(name)) != 0) names.emplace_back(name);
  }
  return names;
}

/// Whether the values of `enum` or `const` hold one of these types.
bool has_value_of(const json::object& schema, unsigned types) {
  const auto fits = [types](const json::value& value) { return (type_bits(value) & types) != 0; };
  if (const json::value* only = schema.if_contains("const")) return fits(*only);
  const json::array* values = array_at(schema, "enum");
  return values != nullptr && std::any_of(values->begin(), values->end(), fits);
}

bool lists_values(const json::object& schema) {
  return schema.contains("enum") || schema.contains("const");
}

/// The types of what `enum` or `const` list; integers are numbers.
unsigned types_of_values(const json::object& schema) {
  unsigned types = 0;
  for (const std::string_view name : kTypeNames) {
    if (name != "integer" && has_value_of(schema, type_bit(name))) types |= type_bit(name);
  }
  return types == 0 ? unsigned{kAnyType} : types;
}

bool must_be_list(std::string_view key) {
  constexpr std::array<std::string_view, 5> kLists = {"enum", "anyOf", "oneOf", "allOf", "prefixItems"};
  return std::find(kLists.begin(), kLists.end(), key) != kLists.end();
}

/// Whether each name in `type` is one of JSON's.
bool names_types(const json::value& type) {
  const auto known = [](const json::value& name) { return name.is_string() && type_bit(name.get_string()) != 0; };
  if (!type.is_array()) return known(type);
  return !type.get_array().empty() && std::all_of(type.get_array().begin(), type.get_array().end(), known);
}

/// What `type` alone allows; `nullable` is another matter.
unsigned stated_types(const json::object& schema) {
  const json::value* type = schema.if_contains("type");
  return type != nullptr ? allowed_types({{"type", *type}}) : kAnyType;
}

bool has_options(const json::object& schema, std::string_view key) {
  const json::array* options = array_at(schema, key);
  return options != nullptr && !options->empty();
}

/// Whether an option of a choice says nothing of its frame, so that it has the type of the schema around it.
bool takes_type_of(const json::value& option, const json::object& around) {
  if (!option.is_object() || !around.contains("type")) return false;
  constexpr std::array<std::string_view, 8> kFrame = {"type",  "$ref", "anyOf", "oneOf",
                                                      "allOf", "enum", "const", "properties"};
  return std::none_of(kFrame.begin(), kFrame.end(),
                      [&option](std::string_view key) { return option.get_object().contains(key); });
}

class Translator {
 public:
  Translator(const json::object& original, SchemaDialect dialect)
      : original_(original),
        root_(&original),
        dialect_(schema_dialects::kDialects[static_cast<std::size_t>(dialect)]),
        column_(static_cast<std::size_t>(dialect)) {}

  [[nodiscard]] std::optional<TranslatedSchema> run(std::string* why);

 private:
  enum class Step : std::uint8_t { fresh, under_way, done };
  struct Edge {
    std::string_view from, to;  ///< names of definitions; empty: the root
    bool optional = false;
  };

  /// The first refusal counts; the walk then comes to its end without doing anything.
  void refuse(const Place& place, std::string_view what) {
    if (refused()) return;
    const std::string where = place.text();
    why_ = fmt::format("{} cannot say the schema at {}: {}", dialect_.name, where.empty() ? "its root" : where, what);
  }
  [[nodiscard]] bool refused() const { return !why_.empty(); }
  void drop(const Place& place) { dropped_.push_back(place.text()); }
  [[nodiscard]] Rule rule_of(std::string_view key) const;
  [[nodiscard]] const json::value* definition(std::string_view name) const {
    return definitions_ != nullptr ? definitions_->if_contains(name) : nullptr;
  }

  void measure(const json::value& value, std::size_t depth);
  void find_definitions();
  void find_root();
  [[nodiscard]] json::object translate_root();
  void add_definitions(json::object& out);
  void check_cycles();
  [[nodiscard]] bool leads_back(std::string_view name, std::map<std::string_view, Step>& steps) const;
  void check_limits();

  [[nodiscard]] json::object translate(const json::value& source, const Place& place);
  [[nodiscard]] json::object translate_object(const json::object& schema, const Place& place);
  [[nodiscard]] json::object translate_all_of(const json::object& schema, const Place& place);

  [[nodiscard]] std::string_view target(const json::object& schema, const Place& place);
  [[nodiscard]] json::object translate_reference(const json::object& schema, const Place& place);
  [[nodiscard]] json::object inline_definition(const json::object& schema, std::string_view name, const Place& place);

  [[nodiscard]] bool says_more_than(const json::object& schema, std::string_view choice) const;
  [[nodiscard]] json::object translate_choice(const json::object& schema, std::string_view key, const Place& place);
  [[nodiscard]] json::object translate_options(const json::object& schema, std::string_view key, const Place& place);
  [[nodiscard]] json::object single_or_null(json::object choice) const;

  [[nodiscard]] json::object any_value(const Place& place);
  [[nodiscard]] json::object translate_types(const json::object& schema, const Place& place);
  [[nodiscard]] json::object with_types(const json::object& schema, unsigned types, const Place& place);
  [[nodiscard]] json::object split(const json::object& schema, unsigned types, const Place& place);

  [[nodiscard]] json::object emit(const json::object& schema, unsigned types, const Place& place);
  void emit_type(const json::object& schema, unsigned types, json::object& out);
  void emit_keyword(const json::object& schema, const Keyword& keyword, const Place& place, json::object& out);
  void emit_values(const json::object& schema, unsigned types, const Place& place, json::object& out);
  void emit_object(const json::object& schema, const Place& place, json::object& out);
  void emit_properties(const json::object& schema, const Place& place, json::object& out);
  void emit_required(const json::object& schema, const Place& place, json::object& out);
  void emit_array(const json::object& schema, const Place& place, json::object& out);
  void emit_tuple(const json::object& schema, const json::array& tuple, const Place& place, json::object& out);

  const json::object& original_;
  const json::object* root_;  // `original_`, or the definition that it refers to
  const Dialect& dialect_;
  const std::size_t column_;
  const json::object* definitions_ = nullptr;
  std::string_view definitions_key_ = "$defs";
  std::string_view definition_;  // the one that is being translated
  std::vector<std::string_view> inlining_;
  std::vector<Edge> edges_;
  std::vector<std::string> dropped_;
  std::string why_;
  std::size_t depth_ = 0;  // 0: at the root
  std::size_t nodes_ = 0;
  std::size_t properties_ = 0;
  std::size_t optional_ = 0;
  std::size_t values_ = 0;
  std::size_t choices_ = 0;
};

std::optional<TranslatedSchema> Translator::run(std::string* why) {
  measure(original_, 0);
  TranslatedSchema result;
  if (!refused()) result.schema = translate_root();
  if (!refused()) check_cycles();
  if (!refused()) check_limits();
  if (refused()) {
    if (why != nullptr) *why = why_;
    return {};
  }
  std::sort(dropped_.begin(), dropped_.end());
  dropped_.erase(std::unique(dropped_.begin(), dropped_.end()), dropped_.end());
  result.dropped = std::move(dropped_);
  return result;
}

Rule Translator::rule_of(std::string_view key) const {
  if (const Keyword* keyword = find_keyword(key)) return keyword->rules[column_];
  return dialect_.unknown_is_fatal && !key.starts_with("x-") ? Rule::fatal : Rule::note;
}

/// Bounds the whole before anything walks it.
void Translator::measure(const json::value& value, std::size_t depth) {
  if (refused()) return;
  if (depth > kMaxSchemaDepth) return refuse({}, fmt::format("it is nested deeper than {}", kMaxSchemaDepth));
  if (++nodes_ > kMaxSchemaNodes) return refuse({}, fmt::format("it has more than {} values", kMaxSchemaNodes));
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) measure(member.value(), depth + 1);
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array) measure(element, depth + 1);
  }
}

void Translator::find_definitions() {
  const json::value* older = original_.if_contains("definitions");
  const json::value* found = original_.if_contains("$defs");
  if (older != nullptr && found != nullptr) return refuse({}, "it has `definitions` and `$defs`: leave one of them");
  if (older != nullptr) definitions_key_ = "definitions";
  if (found == nullptr) found = older;
  if (found == nullptr) return;
  definitions_ = found->if_object();
  if (definitions_ == nullptr) refuse({}, fmt::format("`{}` is no object", definitions_key_));
}

/// The object that a root `$ref` stands for, where the root has to be one in place.
void Translator::find_root() {
  for (std::size_t hops = 0; root_->contains("$ref"); ++hops) {
    const json::value* next = hops < kMaxDepth ? definition(target(*root_, {})) : nullptr;
    if (next == nullptr || !next->is_object()) return refuse({}, "its `$ref` leads to no object");
    root_ = &next->get_object();
  }
}

json::object Translator::translate_root() {
  nodes_ = 0;
  find_definitions();
  if (!refused() && dialect_.object_root) find_root();
  if (refused()) return {};
  const Place place;
  json::object out = translate_object(*root_, place);
  if (refused()) return {};
  const json::value* type = out.if_contains("type");
  if (dialect_.object_root && (type == nullptr || *type != "object" || out.contains("anyOf"))) {
    refuse(place, "the root must be an object: put it into a property of one");
  }
  add_definitions(out);
  return out;
}

void Translator::add_definitions(json::object& out) {
  if (definitions_ == nullptr || dialect_.refs == Refs::inlined) return;
  const Place root;
  const Place all = root.at(definitions_key_);
  json::object definitions;
  for (const auto& [name, schema] : *definitions_) {
    definition_ = name;
    definitions[name] = translate(schema, all.at(name));
  }
  out["$defs"] = std::move(definitions);
}

void Translator::check_cycles() {
  if (dialect_.refs != Refs::acyclic && dialect_.refs != Refs::cyclic_where_optional) return;
  std::map<std::string_view, Step> steps;
  for (const Edge& edge : edges_) {
    if (!leads_back(edge.from, steps)) continue;
    const bool never = dialect_.refs == Refs::acyclic;
    return refuse({}, never ? "a `$ref` leads back to where it stands: bound the nesting"
                            : "a `$ref` leads back to where it stands: only properties that are not required may");
  }
}

bool Translator::leads_back(std::string_view name, std::map<std::string_view, Step>& steps) const {
  if (steps[name] != Step::fresh) return steps[name] == Step::under_way;
  steps[name] = Step::under_way;
  for (const Edge& edge : edges_) {
    if (edge.from != name || (edge.optional && dialect_.refs == Refs::cyclic_where_optional)) continue;
    if (leads_back(edge.to, steps)) return true;
  }
  steps[name] = Step::done;
  return false;
}

void Translator::check_limits() {
  const auto check = [this](std::size_t count, std::size_t limit, std::string_view what) {
    if (limit > 0 && count > limit) refuse({}, fmt::format("it has {} {}, at most {} are taken", count, what, limit));
  };
  check(properties_, dialect_.max_properties, "properties");
  check(values_, dialect_.max_values, "values in `enum`");
  check(optional_, dialect_.max_optional, "properties that are not required");
  check(choices_, dialect_.max_choices, "choices and lists of types");
}

json::object Translator::translate(const json::value& source, const Place& place) {
  if (refused()) return {};
  json::object out;
  if (++depth_ > kMaxDepth || ++nodes_ > kMaxSchemaNodes) {
    refuse(place, "it is too deep or too large");
  } else if (const json::object* schema = source.if_object()) {
    out = translate_object(*schema, place);
  } else if (source.is_bool() && source.get_bool()) {
    out = any_value(place);
  } else {
    refuse(place, "nothing can stand here: leave it out");
  }
  --depth_;
  return out;
}

json::object Translator::translate_object(const json::object& schema, const Place& place) {
  for (const auto& [key, value] : schema) {
    if (rule_of(key) == Rule::fatal) {
      refuse(place, fmt::format("it has no words for `{}`: leave it out, or say it otherwise", std::string_view(key)));
    } else if (must_be_list(key) && !value.is_array()) {
      refuse(place, fmt::format("`{}` is no list", std::string_view(key)));
    }
  }
  if (&schema != &original_ && (schema.contains("$defs") || schema.contains("definitions"))) {
    refuse(place, "definitions stand at the root only: move them there");
  }
  if (refused()) return {};
  if (schema.contains("$ref")) return translate_reference(schema, place);
  if (has_options(schema, "allOf")) return translate_all_of(schema, place);
  if (has_options(schema, "anyOf")) return translate_choice(schema, "anyOf", place);
  if (has_options(schema, "oneOf")) return translate_choice(schema, "oneOf", place);
  return translate_types(schema, place);
}

json::object Translator::translate_all_of(const json::object& schema, const Place& place) {
  const json::array& parts = schema.at("allOf").get_array();
  if (parts.size() > 1 || says_more_than(schema, "allOf")) {
    refuse(place, "`allOf` of several schemas, or beside others: write the one schema that they mean");
    return {};
  }
  if (schema.contains("type")) drop(place.at("type"));
  const Place list = place.at("allOf");
  json::object out = translate(parts.front(), list.at("0"));
  for (const std::string_view note : {"description", "title"}) {
    if (schema.contains(note) && !out.contains(note) && !out.contains("$ref")) out[note] = schema.at(note);
  }
  return out;
}

/// The name of the definition that `$ref` leads to; empty for the root, or after a refusal.
std::string_view Translator::target(const json::object& schema, const Place& place) {
  const json::value& reference = schema.at("$ref");
  for (const auto& [key, value] : schema) {
    constexpr std::array<std::string_view, 6> kHarmless = {"$ref",  "description", "title",
                                                           "$defs", "definitions", "nullable"};
    if (rule_of(key) == Rule::note || std::find(kHarmless.begin(), kHarmless.end(), key) != kHarmless.end()) continue;
    refuse(place, fmt::format("`{}` beside `$ref`: put it into what is referred to", std::string_view(key)));
    return {};
  }
  const std::string_view text = reference.is_string() ? std::string_view(reference.get_string()) : std::string_view();
  if (text == "#") return {};
  for (const std::string_view prefix : {"#/$defs/", "#/definitions/"}) {
    if (!text.starts_with(prefix)) continue;
    const std::string_view name = text.substr(prefix.size());
    // Escapes and longer ways are for our validator; what we write has to mean the same to every server.
    if (name.empty() || name.find_first_of("/~%") != std::string_view::npos || definition(name) == nullptr) break;
    return definitions_->find(name)->key();  // outlives the reference, which may be in a copy
  }
  refuse(place, "a `$ref` that leads to nothing in `$defs`");
  return {};
}

/// Nothing may stand beside a reference: its notes are left out.
json::object Translator::translate_reference(const json::object& schema, const Place& place) {
  const std::string_view name = target(schema, place);
  if (refused()) return {};
  if (dialect_.refs == Refs::inlined) return inline_definition(schema, name, place);
  if (name.empty() && dialect_.refs == Refs::cyclic_named) {
    refuse(place, "a `$ref` to the root: give what it means a name in `$defs`");
    return {};
  }
  edges_.push_back({definition_, name, place.optional});
  return {{"$ref", name.empty() ? "#" : fmt::format("#/$defs/{}", name)}};
}

json::object Translator::inline_definition(const json::object& schema, std::string_view name, const Place& place) {
  if (name.empty() || std::find(inlining_.begin(), inlining_.end(), name) != inlining_.end()) {
    refuse(place, "a `$ref` leads back to where it stands: bound the nesting");
    return {};
  }
  const Place root{nullptr, {}, place.nesting, place.optional};
  const Place all = root.at(definitions_key_);
  inlining_.push_back(name);
  json::object out = translate(*definition(name), all.at(name));
  inlining_.pop_back();
  if (const json::value* description = schema.if_contains("description")) out["description"] = *description;
  return out;
}

/// Whether anything beside `choice`, its type and notes for people is said.
bool Translator::says_more_than(const json::object& schema, std::string_view choice) const {
  constexpr std::array<std::string_view, 6> kBeside = {"type",  "nullable", "description",
                                                       "title", "$defs",    "definitions"};
  return std::any_of(schema.begin(), schema.end(), [&](const json::key_value_pair& member) {
    const std::string_view key = member.key();
    if (key == choice || rule_of(key) == Rule::note) return false;
    if ((key == "anyOf" || key == "oneOf" || key == "allOf") && !has_options(schema, key)) return false;
    return std::find(kBeside.begin(), kBeside.end(), key) == kBeside.end();
  });
}

/// Whether the options of a choice only narrow `schema`, so that it can do without: they name no property of their own.
bool only_narrows(const json::object& schema, const json::array& options) {
  const json::object* known = object_at(schema, "properties");
  const auto is_known = [known](std::string_view name) { return known != nullptr && known->contains(name); };
  return std::all_of(options.begin(), options.end(), [&](const json::value& option) {
    if (!option.is_object()) return option.is_bool();
    for (const std::string_view key : {"$ref", "anyOf", "oneOf", "allOf", "patternProperties", "if", "items"}) {
      if (option.get_object().contains(key)) return false;
    }
    const json::object* properties = object_at(option.get_object(), "properties");
    const json::array* required = array_at(option.get_object(), "required");
    return (properties == nullptr || std::all_of(properties->begin(), properties->end(),
                                                 [&](const auto& member) { return is_known(member.key()); })) &&
           (required == nullptr || std::all_of(required->begin(), required->end(), [&](const json::value& name) {
              return name.is_string() && is_known(name.get_string());
            }));
  });
}

json::object Translator::translate_choice(const json::object& schema, std::string_view key, const Place& place) {
  if (depth_ == 0 && dialect_.object_root) {
    refuse(place, fmt::format("its root is a choice (`{}`): put it into a property", key));
    return {};
  }
  if (!says_more_than(schema, key)) return translate_options(schema, key, place);
  const bool two = has_options(schema, "anyOf") && has_options(schema, "oneOf");
  if (two || !only_narrows(schema, schema.at(key).get_array())) {
    refuse(place, fmt::format("`{}` beside other keywords: repeat those in each of its schemas", key));
    return {};
  }
  drop(place.at(key));
  return translate_types(schema, place);
}

json::object Translator::translate_options(const json::object& schema, std::string_view key, const Place& place) {
  const json::array& options = schema.at(key).get_array();
  json::object out;
  for (const std::string_view note : {"description", "title"}) {
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

/// A choice with null among its options as what it is without, and `nullable`.
json::object Translator::single_or_null(json::object choice) const {
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
    for (const std::string_view note : {"description", "title"}) {
      if (choice.contains(note)) out[note] = choice.at(note);
    }
  } else {
    choice["anyOf"] = std::move(rest);
    out = std::move(choice);
  }
  if (null) out["nullable"] = true;
  return out;
}

json::object Translator::any_value(const Place& place) {
  if (!dialect_.any_value) refuse(place, "it takes anything: say its `type`");
  if (!dialect_.names_any_value) return {};
  return {{"type", names_of(kAnyType)}};
}

json::object Translator::translate_types(const json::object& schema, const Place& place) {
  unsigned types = stated_types(schema);
  if (schema.contains("type") && !names_types(schema.at("type"))) {
    refuse(place, "`type` names no type of JSON");
    return {};
  }
  bool null = schema.contains("type") && is_flag(schema, "nullable", true);
  const bool restricted = dialect_.values == Values::strings || dialect_.values == Values::strings_and_numbers;
  if (!schema.contains("type")) {
    // What has `properties` is meant to be an object, although JSON Schema would take a number, too.
    if (schema.contains("properties")) {
      types = kObjectType;
    } else if (lists_values(schema)) {
      const bool deep = has_value_of(schema, kObjectType | kArrayType);
      if (restricted || (deep && dialect_.values == Values::plain)) types = types_of_values(schema);
    } else if (!dialect_.any_value) {
      refuse(place, "it takes anything: say its `type`");
      return {};
    }
  }
  // Where null may not stand among the values of `enum`, it stands apart.
  const bool null_among = has_value_of(schema, kNullType) && has_value_of(schema, kAnyType & ~kNullType);
  if (restricted && null_among && (types & kNullType) != 0) {
    null = true;
    types &= ~unsigned{kNullType};
  }
  json::object out = with_types(schema, types, place);
  if (!null || refused()) return out;
  if (dialect_.type_lists != TypeLists::single) return or_null(std::move(out));
  out["nullable"] = true;
  return out;
}

json::object Translator::with_types(const json::object& schema, unsigned types, const Place& place) {
  const bool open = types == kAnyType && !schema.contains("type");
  const bool several = !std::has_single_bit(types) && !open;
  switch (dialect_.type_lists) {
    case TypeLists::kept:
      break;
    case TypeLists::plain_values:
      if (!several || (types & kObjectType) == 0) break;
      if (types == (kObjectType | kNullType)) return or_null(emit(schema, kObjectType, place));
      refuse(place, "an object, or something else: write it as `anyOf`");
      return {};
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
json::object Translator::split(const json::object& schema, unsigned types, const Place& place) {
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

/// Keywords that are translated together with others.
bool stands_elsewhere(std::string_view key) {
  constexpr std::array<std::string_view, 16> kElsewhere = {
      "type",  "enum",  "const", "properties", "required",    "additionalProperties", "items",    "prefixItems",
      "anyOf", "oneOf", "allOf", "$defs",      "definitions", "additionalItems",      "nullable", "$ref"};
  return std::find(kElsewhere.begin(), kElsewhere.end(), key) != kElsewhere.end();
}

/// What `schema` says about values of `types`. A keyword about other types says nothing, and servers refuse it.
json::object Translator::emit(const json::object& schema, unsigned types, const Place& place) {
  Place inside = place;
  const bool stated = types != kAnyType || schema.contains("type");
  if (stated && (types & (kObjectType | kArrayType)) != 0) ++inside.nesting;
  if (dialect_.max_nesting > 0 && inside.nesting > dialect_.max_nesting) {
    refuse(place, fmt::format("more than {} objects and arrays inside each other", dialect_.max_nesting));
    return {};
  }
  json::object out;
  emit_type(schema, types, out);
  for (const auto& [key, value] : schema) {
    const Keyword* keyword = find_keyword(key);
    if (keyword == nullptr || (keyword->types & types) == 0 || stands_elsewhere(key)) continue;
    emit_keyword(schema, *keyword, inside, out);
  }
  if (lists_values(schema)) emit_values(schema, types, place, out);
  const auto says_any = [&schema](std::initializer_list<std::string_view> keys) {
    return std::any_of(keys.begin(), keys.end(), [&](std::string_view key) { return schema.contains(key); });
  };
  const bool object = stated || says_any({"required", "additionalProperties"});
  if ((types & kObjectType) != 0 && object) emit_object(schema, inside, out);
  const bool array = stated || says_any({"items", "prefixItems"});
  if ((types & kArrayType) != 0 && array) emit_array(schema, inside, out);
  return out;
}

void Translator::emit_type(const json::object& schema, unsigned types, json::object& out) {
  const json::value* type = schema.if_contains("type");
  if (type == nullptr && types == kAnyType && (!dialect_.names_any_value || lists_values(schema))) return;
  if (type != nullptr && types == stated_types(schema) && !dialect_.upper_case) {
    out["type"] = *type;
  } else {
    json::array names = names_of(types);
    out["type"] = names.size() == 1 ? names.front() : json::value(names);
  }
  if (const json::string* name = out.at("type").if_string(); name != nullptr && dialect_.upper_case) {
    json::string upper = *name;
    for (char& c : upper) c = static_cast<char>(c - ('a' - 'A'));
    out["type"] = std::move(upper);
  }
  if (out.at("type").is_array() && out.at("type").get_array().size() > 1) ++choices_;
}

/// Whether a bound allows everything anyhow.
bool is_trivial(const Keyword& keyword, const json::value& value) {
  if (value.is_bool()) return !value.get_bool();
  if (!value.is_number() || !keyword.name.starts_with("min")) return false;
  return (keyword.types & kNumberType) == 0 && value.to_number<double>() == 0;
}

/// A keyword that is about no other one. Beside types that it is not about it says nothing, and servers refuse it.
void Translator::emit_keyword(const json::object& schema, const Keyword& keyword, const Place& place,
                              json::object& out) {
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
void Translator::emit_values(const json::object& schema, unsigned types, const Place& place, json::object& out) {
  const json::value* only = schema.if_contains("const");
  const json::array* list = array_at(schema, "enum");
  if (only != nullptr && rule_of("const") == Rule::keep) out["const"] = *only;
  if (dialect_.values == Values::anything) {
    if (list != nullptr) out["enum"] = *list;
    values_ += list != nullptr ? list->size() : 0;
    return;
  }
  const std::string_view key = only != nullptr ? "const" : "enum";
  json::array values;
  if (only != nullptr) values.push_back(*only);
  if (only == nullptr && list != nullptr) values = *list;
  const bool filter = types != kAnyType || dialect_.values != Values::plain;
  json::array kept;
  for (const json::value& value : values) {
    const bool other = (type_bits(value) & types) == 0;
    if (!filter || !other) kept.push_back(value);
  }
  if (!takes_values(dialect_, kept, types)) {
    // {"type":"null"} says all that can be said about null.
    if (types != kNullType) drop(place.at(key));
    return;
  }
  values_ += kept.size();
  if (only != nullptr && rule_of("const") == Rule::some) {
    out["const"] = *only;
  } else {
    out["enum"] = std::move(kept);
  }
}

void Translator::emit_object(const json::object& schema, const Place& place, json::object& out) {
  const json::value* properties = schema.if_contains("properties");
  if (properties != nullptr && !properties->is_object()) return refuse(place, "`properties` is no object");
  const json::value* others = schema.if_contains("additionalProperties");
  const bool open = others != nullptr && !is_flag(schema, "additionalProperties", false);
  if (!dialect_.free_objects) {
    if (open) return refuse(place, "an object with free keys: name them in `properties`, or take a list of pairs");
    // Closed and without properties it could only be empty, while it says that anything may be in it.
    if (depth_ > 0 && (properties == nullptr || properties->get_object().empty())) {
      return refuse(place, "an object without `properties`: name them");
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

void Translator::emit_properties(const json::object& schema, const Place& place, json::object& out) {
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

void Translator::emit_required(const json::object& schema, const Place& place, json::object& out) {
  const json::object* properties = object_at(schema, "properties");
  const json::array* required = array_at(schema, "required");
  const json::value* others = schema.if_contains("additionalProperties");
  const bool named_only = !dialect_.free_objects || is_flag(schema, "additionalProperties", false) ||
                          (others == nullptr && properties != nullptr && !properties->empty());
  if (required != nullptr && named_only) {
    // Where the server writes the named properties only, a further one could never be there.
    for (const json::value& name : *required) {
      const bool known = name.is_string() && properties != nullptr && properties->contains(name.get_string());
      if (!known) return refuse(place, "`required` names what `properties` does not: describe it there");
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

void Translator::emit_array(const json::object& schema, const Place& place, json::object& out) {
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

void Translator::emit_tuple(const json::object& schema, const json::array& tuple, const Place& place,
                            json::object& out) {
  const bool older = !schema.contains("prefixItems");
  const std::string_view rest_key = older ? "additionalItems" : "items";
  const Place list = place.at(older ? "items" : "prefixItems");
  if (rule_of("prefixItems") == Rule::fatal) return refuse(place, "a tuple: write an object");
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
  return Translator(schema, dialect).run(why);
}

bool says_as_is(const json::object& schema, SchemaDialect dialect) {
  if (dialect == SchemaDialect::plain) return true;
  const std::optional<TranslatedSchema> translated = translate_schema(schema, dialect);
  return translated && with_sorted_sets(translated->schema) == with_sorted_sets(schema);
}

}  // namespace sennit
