#include <sennit/backends/llama/schema_grammar.hpp>
#include <sennit/backends/wire/schema_words.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

using schema_dialects::has_options;
using schema_dialects::is_flag;
using schema_dialects::is_one_of;
using schema_dialects::pointer_step;
using schema_dialects::says_any;

/// White space is short: a model that is unsure of its next word could go on with it for ever. `\u` makes no halves of
/// pairs, numbers have no more digits than a double.
constexpr std::string_view kBasics = R"(s-ws ::= | " " | "\n" [ \t]{0,20}
s-char ::= [^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-CefEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}))
s-string ::= "\"" s-char* "\""
s-whole ::= "0" | [1-9] [0-9]{0,14}
s-integer ::= "-"? s-whole
s-number ::= "-"? s-whole ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?
s-boolean ::= "true" | "false"
s-null ::= "null"
s-member ::= s-string ":" s-ws s-value
s-object ::= "{" s-ws (s-member ("," s-ws s-member)* s-ws)? "}"
s-array ::= "[" s-ws (s-value ("," s-ws s-value)* s-ws)? "]"
s-value ::= s-object | s-array | s-string | s-number | s-boolean | s-null
)";

/// Keywords that say nothing about which texts are right, or that are read.
bool is_read(std::string_view keyword) {
  return keyword.starts_with("x-") || is_one_of(keyword, {"$comment",
                                                          "$defs",
                                                          "$id",
                                                          "$ref",
                                                          "$schema",
                                                          "additionalProperties",
                                                          "allOf",
                                                          "anyOf",
                                                          "const",
                                                          "default",
                                                          "definitions",
                                                          "deprecated",
                                                          "description",
                                                          "enum",
                                                          "example",
                                                          "examples",
                                                          "items",
                                                          "maxItems",
                                                          "maxLength",
                                                          "minItems",
                                                          "minLength",
                                                          "nullable",
                                                          "oneOf",
                                                          "prefixItems",
                                                          "properties",
                                                          "readOnly",
                                                          "required",
                                                          "title",
                                                          "type",
                                                          "writeOnly",
                                                          "$anchor",
                                                          "contentEncoding",
                                                          "contentMediaType",
                                                          "$vocabulary",
                                                          "id",
                                                          "strict"});
}

bool is_zero(const json::value& value) {
  return value.is_number() && value.to_number<double>() == 0;
}

/// Which type a schema without `type` speaks of.
std::string_view implied_type(const json::object& schema) {
  if (says_any(schema, {"properties", "required", "additionalProperties"})) return "object";
  if (says_any(schema, {"items", "prefixItems", "minItems", "maxItems"})) return "array";
  if (says_any(schema, {"minLength", "maxLength", "pattern"})) return "string";
  return {};
}

/// What `extra` says as well: its members and demands are added, and otherwise its word counts.
void merge(json::object& into, const json::object& extra) {
  for (const auto& [key, value] : extra) {
    json::value* const present = into.if_contains(key);
    if (present != nullptr && key == "properties" && present->is_object() && value.is_object()) {
      for (const auto& [name, schema] : value.get_object()) present->get_object()[name] = schema;
    } else if (present != nullptr && key == "required" && present->is_array() && value.is_array()) {
      for (const json::value& name : value.get_array()) {
        json::array& names = present->get_array();
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      }
    } else {
      into[key] = value;
    }
  }
}

json::object without(const json::object& schema, std::string_view keyword) {
  json::object rest = schema;
  rest.erase(keyword);
  return rest;
}

}  // namespace

std::string SchemaGrammar::literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02X}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

void SchemaGrammar::add_rule(std::string name, std::string body) {
  rules_.emplace_back(std::move(name), std::move(body));
}

std::string SchemaGrammar::text() const {
  std::string out(kBasics);
  for (const auto& [name, body] : rules_) out += fmt::format("{} ::= {}\n", name, body);
  return out;
}

/// A rule of its own for `body`; the same body has one rule.
std::string SchemaGrammar::fresh(std::string body) {
  const auto [found, is_new] = same_.try_emplace(body);
  if (is_new) {
    found->second = fmt::format("s-{}", made_++);
    rules_.emplace_back(found->second, std::move(body));
  }
  return found->second;
}

std::string SchemaGrammar::add_schema(const json::value& schema) {
  root_ = &schema;
  references_.clear();
  open_.clear();
  std::string rule = value(schema, Place{});
  root_ = nullptr;
  return rule;
}

/// A schema inside another one's brackets: there a character has been read.
std::string SchemaGrammar::inner(const json::value& schema, const Place& place, std::string_view step) {
  std::vector<std::string> outer;
  outer.swap(open_);
  std::string rule = value(schema, Place{place.pointer + std::string(step), place.depth + 1});
  open_.swap(outer);
  return rule;
}

std::string SchemaGrammar::value(const json::value& schema, const Place& place) {
  if (!schema.is_object() || place.depth > kMaxDepth || rules_.size() > kMaxRules) {
    const bool says_all = schema.is_bool() && schema.get_bool();
    if (!says_all) looser_.push_back(place.pointer);
    return std::string(kAny);
  }
  return object_schema(schema.get_object(), place);
}

void SchemaGrammar::note(const json::object& schema, const Place& place) {
  for (const auto& [key, value] : schema) {
    const std::string_view name = key;
    const bool lists_nothing = name == "enum" && !has_options(schema, name);
    if (is_read(name) && !lists_nothing) continue;
    const bool said = name == "minimum" && schema.contains("type") && schema.at("type") == "integer" && is_zero(value);
    if (!said) looser_.push_back(place.pointer + pointer_step(name));
  }
}

std::string SchemaGrammar::object_schema(const json::object& schema, const Place& place) {
  if (const json::value* target = schema.if_contains("$ref"); target != nullptr && target->is_string()) {
    return reference(target->get_string(), place);
  }
  if (schema.contains("allOf")) return all_of(schema, place);
  for (const std::string_view keyword : {"anyOf", "oneOf"}) {
    if (has_options(schema, keyword)) return alternatives(schema, keyword, place);
  }
  note(schema, place);
  if (const json::value* only = schema.if_contains("const")) return fresh(literal(wire_text(*only)));
  if (has_options(schema, "enum")) {
    std::vector<std::string> choices;
    for (const json::value& one : schema.at("enum").get_array()) choices.push_back(literal(wire_text(one)));
    return fresh(fmt::format("{}", fmt::join(choices, " | ")));
  }
  std::vector<std::string> choices;
  const json::value* const type = schema.if_contains("type");
  if (type != nullptr && type->is_array()) {
    for (const json::value& one : type->get_array()) {
      if (one.is_string()) choices.push_back(typed(one.get_string(), schema, place));
    }
  } else {
    choices.push_back(
        typed(type != nullptr && type->is_string() ? std::string_view(type->get_string()) : implied_type(schema),
              schema, place));
  }
  if (is_flag(schema, "nullable", true)) choices.emplace_back("s-null");
  if (choices.empty()) return std::string(kAny);
  return choices.size() == 1 ? choices.front() : fresh(fmt::format("{}", fmt::join(choices, " | ")));
}

std::string SchemaGrammar::reference(std::string_view target, const Place& place) {
  // Pointing at itself before a character has been read: the schema says nothing that way, a grammar never ends.
  const bool circular = std::find(open_.begin(), open_.end(), target) != open_.end();
  const json::value* const found = circular ? nullptr : resolve(target);
  if (found == nullptr) {
    looser_.push_back(place.pointer + "/$ref");
    return std::string(kAny);
  }
  const auto [known, is_new] = references_.try_emplace(std::string(target));
  if (!is_new) return known->second;
  const std::string name = known->second = fmt::format("s-{}", made_++);
  open_.emplace_back(target);
  add_rule(name, value(*found, Place{std::string(target.substr(1)), place.depth + 1}));
  open_.pop_back();
  return name;
}

const json::value* SchemaGrammar::resolve(std::string_view target) const {
  if (target == "#") return root_;
  if (!target.starts_with("#/")) return nullptr;
  boost::system::error_code failure;
  const json::value* const found = root_->find_pointer(target.substr(1), failure);
  return failure ? nullptr : found;
}

std::string SchemaGrammar::alternatives(const json::object& schema, std::string_view keyword, const Place& place) {
  const json::object rest = without(schema, keyword);
  const json::array& choices = schema.at(keyword).get_array();
  std::vector<std::string> rules;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const Place at{fmt::format("{}/{}/{}", place.pointer, keyword, i), place.depth + 1};
    const bool plain = !choices[i].is_object() || choices[i].get_object().contains("$ref");
    std::string rule;
    if (plain) {
      rule = value(choices[i], at);
    } else {
      json::object merged = rest;
      merge(merged, choices[i].get_object());
      rule = value(json::value(std::move(merged)), at);
    }
    if (std::find(rules.begin(), rules.end(), rule) == rules.end()) rules.push_back(std::move(rule));
  }
  return rules.size() == 1 ? rules.front() : fresh(fmt::format("{}", fmt::join(rules, " | ")));
}

std::string SchemaGrammar::all_of(const json::object& schema, const Place& place) {
  json::object merged = without(schema, "allOf");
  const json::value& all = schema.at("allOf");
  bool whole = all.is_array();
  for (std::size_t i = 0; whole && i < all.get_array().size(); ++i) {
    const json::value* part = &all.get_array()[i];
    for (std::size_t hops = 0; part != nullptr && hops < kMaxDepth; ++hops) {
      const std::string_view target = find_string(*part, "$ref");
      if (target.empty()) break;
      part = resolve(target);
    }
    whole = part != nullptr && part->is_object() && !part->get_object().contains("$ref");
    // Two lists of choices at once are more than one grammar rule says.
    const bool nested = whole && (part->get_object().contains("allOf") || part->get_object().contains("anyOf") ||
                                  part->get_object().contains("oneOf"));
    if (nested && all.get_array().size() == 1 && merged.empty()) {
      return value(*part, Place{place.pointer, place.depth + 1});
    }
    if (nested) {
      looser_.push_back(fmt::format("{}/allOf/{}", place.pointer, i));
    } else if (whole) {
      merge(merged, part->get_object());
    }
  }
  if (!whole) looser_.push_back(place.pointer + "/allOf");
  return value(json::value(std::move(merged)), Place{place.pointer, place.depth + 1});
}

std::string schema_grammar(const json::value& schema) {
  SchemaGrammar grammar;
  std::string rule = grammar.add_schema(schema);
  grammar.add_rule("root", "s-ws " + rule);
  return grammar.text();
}

}  // namespace sennit
