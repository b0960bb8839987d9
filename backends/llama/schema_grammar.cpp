#include <sennit/backends/llama/schema_grammar.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

namespace sennit {
namespace {

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

constexpr std::string_view kAny = "s-value";

/// Keywords that say nothing about which texts are right, or that are read below.
constexpr std::array<std::string_view, 36> kRead = {"$comment",
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
                                                    "strict"};

constexpr std::array<std::string_view, 6> kValueTypes = {"object", "array", "string", "number", "boolean", "null"};

std::string pointer_step(std::string_view name) {
  std::string out = "/";
  for (const char c : name) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

std::string json_text(const json::value& value) {
  std::string text;
  append_json(text, value);
  return text;
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string either(const std::vector<std::string>& choices) {
  if (choices.size() == 1) return choices.front();
  return fmt::format("({})", fmt::join(choices, " | "));
}

std::optional<std::int64_t> count_at(const json::object& schema, std::string_view key) {
  const json::value* found = schema.if_contains(key);
  if (found == nullptr || !found->is_number()) return {};
  boost::system::error_code failure;
  const auto number = found->to_number<std::int64_t>(failure);
  if (failure || number < 0) return {};
  return number;
}

bool is_zero(const json::value& value) {
  return value.is_number() && value.to_number<double>() == 0;
}

/// `{2,5}` after what is repeated; a limit that is too large to be unrolled is none.
std::string repeats(std::int64_t least, std::optional<std::int64_t> most) {
  least = std::min(least, SchemaGrammar::kMaxRepeat);
  if (most && *most > SchemaGrammar::kMaxRepeat) most.reset();
  if (most) return fmt::format("{{{},{}}}", least, std::max(least, *most));
  return least == 0 ? "*" : least == 1 ? "+" : fmt::format("{{{},}}", least);
}

/// Which type a schema without `type` speaks of.
std::string_view implied_type(const json::object& schema) {
  for (const std::string_view key : {"properties", "required", "additionalProperties"}) {
    if (schema.contains(key)) return "object";
  }
  for (const std::string_view key : {"items", "prefixItems", "minItems", "maxItems"}) {
    if (schema.contains(key)) return "array";
  }
  for (const std::string_view key : {"minLength", "maxLength", "pattern"}) {
    if (schema.contains(key)) return "string";
  }
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
    if (std::find(kRead.begin(), kRead.end(), name) != kRead.end() || name.starts_with("x-")) continue;
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
    const json::value* const choices = schema.if_contains(keyword);
    if (choices != nullptr && choices->is_array() && !choices->get_array().empty()) {
      return alternatives(schema, keyword, place);
    }
  }
  note(schema, place);
  if (const json::value* only = schema.if_contains("const")) return fresh(literal(json_text(*only)));
  if (const json::value* listed = schema.if_contains("enum"); listed != nullptr && listed->is_array()) {
    std::vector<std::string> choices;
    for (const json::value& one : listed->get_array()) choices.push_back(literal(json_text(one)));
    if (!choices.empty()) return fresh(fmt::format("{}", fmt::join(choices, " | ")));
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
  const json::value* const nullable = schema.if_contains("nullable");
  if (nullable != nullptr && nullable->is_bool() && nullable->get_bool()) choices.emplace_back("s-null");
  if (choices.empty()) return std::string(kAny);
  return choices.size() == 1 ? choices.front() : fresh(fmt::format("{}", fmt::join(choices, " | ")));
}

std::string SchemaGrammar::typed(std::string_view type, const json::object& schema, const Place& place) {
  if (type == "object") return object(schema, place);
  if (type == "array") return array(schema, place);
  if (type == "string") return text_rule(schema, place);
  if (type == "integer") return integer(schema);
  if (std::find(kValueTypes.begin(), kValueTypes.end(), type) != kValueTypes.end()) return fmt::format("s-{}", type);
  if (!type.empty()) looser_.push_back(place.pointer + "/type");
  return std::string(kAny);
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

std::string SchemaGrammar::object(const json::object& schema, const Place& place) {
  std::set<std::string, std::less<>> required;
  if (const json::value* names = schema.if_contains("required"); names != nullptr && names->is_array()) {
    for (const json::value& name : names->get_array()) {
      if (name.is_string()) required.emplace(name.get_string());
    }
  }
  std::vector<Member> all;
  const json::value* const properties = schema.if_contains("properties");
  if (properties != nullptr && properties->is_object()) {
    for (const auto& [key, property] : properties->get_object()) {
      const std::string_view name = key;
      const bool must = required.erase(std::string(name)) > 0;
      // `false`: it must not be there. A required one cannot be left out, and no text would be right.
      if (property.is_bool() && !property.get_bool() && !must) continue;
      all.push_back({std::string(name), inner(property, place, "/properties" + pointer_step(name)), must});
    }
  }
  const json::value* const others = schema.if_contains("additionalProperties");
  for (const std::string& name : required) {
    const bool described = others != nullptr && others->is_object();
    all.push_back({name, described ? inner(*others, place, "/additionalProperties") : std::string(kAny), true});
  }
  if (!all.empty()) return members(all);
  const bool nothing = others != nullptr && others->is_bool() && !others->get_bool();
  if (nothing) return fresh(R"("{" s-ws "}")");
  return others != nullptr && others->is_object() ? map(schema, place) : "s-object";
}

/// Members in their order. Once one has been written, each of the others is `("," member)?` or, required, without the
/// question mark; the trouble is the first: it may be any one up to the first that is required.
std::string SchemaGrammar::members(const std::vector<Member>& all) {
  std::vector<std::string> written;
  for (const Member& member : all) {
    written.push_back(fmt::format("{} \":\" s-ws {}", literal(json_string(member.name)), member.rule));
  }
  std::string rest;  // what may follow member i
  std::vector<std::string> begins;
  bool any_required = false;
  for (std::size_t i = all.size(); i-- > 0;) {
    std::string begin = written[i] + (rest.empty() ? "" : " " + rest);
    if (all[i].required) {
      begins.clear();  // nothing after it can be the first
      any_required = true;
    }
    begins.push_back(std::move(begin));
    const std::string_view mark = all[i].required ? "" : "?";
    rest = fresh(fmt::format("(\",\" s-ws {}){}{}{}", written[i], mark, rest.empty() ? "" : " ", rest));
  }
  std::reverse(begins.begin(), begins.end());
  return fresh(fmt::format(R"("{{" s-ws ({} s-ws){} "}}")", either(begins), any_required ? "" : "?"));
}

std::string SchemaGrammar::map(const json::object& schema, const Place& place) {
  const std::string value_rule = inner(schema.at("additionalProperties"), place, "/additionalProperties");
  const std::string member = fresh(fmt::format("s-string \":\" s-ws {}", value_rule));
  return fresh(fmt::format(R"("{{" s-ws ({0} ("," s-ws {0})* s-ws)? "}}")", member));
}

std::string SchemaGrammar::array(const json::object& schema, const Place& place) {
  const json::value* first = schema.if_contains("prefixItems");
  const json::value* items = schema.if_contains("items");
  if (first == nullptr && items != nullptr && items->is_array()) first = items;  // as older drafts wrote it
  if (first != nullptr && first->is_array() && !first->get_array().empty()) {
    return tuple(schema, first->get_array(), place);
  }
  const std::string item = items == nullptr || items->is_array() ? std::string(kAny) : inner(*items, place, "/items");
  const std::int64_t least = count_at(schema, "minItems").value_or(0);
  const std::optional<std::int64_t> most = count_at(schema, "maxItems");
  if (most && *most == 0) return fresh(R"("[" s-ws "]")");
  if (least > kMaxRepeat) looser_.push_back(place.pointer + "/minItems");
  if (most && *most > kMaxRepeat) looser_.push_back(place.pointer + "/maxItems");
  std::optional<std::int64_t> more = most;
  if (more) --*more;
  const std::string list =
      fmt::format("{0} (\",\" s-ws {0}){1} s-ws", item, repeats(std::max<std::int64_t>(least - 1, 0), more));
  return fresh(fmt::format(R"("[" s-ws ({}){} "]")", list, least == 0 ? "?" : ""));
}

/// All of the first items and no others: always right where the schema does not ask for more.
std::string SchemaGrammar::tuple(const json::object& schema, const json::array& first, const Place& place) {
  if (count_at(schema, "minItems").value_or(0) > static_cast<std::int64_t>(first.size()) ||
      count_at(schema, "maxItems").value_or(kMaxRepeat) < static_cast<std::int64_t>(first.size())) {
    looser_.push_back(place.pointer + "/prefixItems");
    return "s-array";
  }
  std::vector<std::string> items;
  for (std::size_t i = 0; i < first.size(); ++i) {
    items.push_back(inner(first[i], place, fmt::format("/prefixItems/{}", i)));
  }
  return fresh(fmt::format(R"("[" s-ws {} s-ws "]")", fmt::join(items, " \",\" s-ws ")));
}

std::string SchemaGrammar::text_rule(const json::object& schema, const Place& place) {
  const std::int64_t least = count_at(schema, "minLength").value_or(0);
  const std::optional<std::int64_t> most = count_at(schema, "maxLength");
  if (least > kMaxRepeat) looser_.push_back(place.pointer + "/minLength");
  if (most && *most > kMaxRepeat) looser_.push_back(place.pointer + "/maxLength");
  const std::string times = repeats(least, most);
  return times == "*" ? "s-string" : fresh(fmt::format(R"("\"" s-char{} "\"")", times));
}

std::string SchemaGrammar::integer(const json::object& schema) const {
  const json::value* const least = schema.if_contains("minimum");
  const bool positive = least != nullptr && least->is_number() && least->to_number<double>() >= 0;
  return positive ? "s-whole" : "s-integer";
}

std::string schema_grammar(const json::value& schema) {
  SchemaGrammar grammar;
  std::string rule = grammar.add_schema(schema);
  grammar.add_rule("root", "s-ws " + rule);
  return grammar.text();
}

}  // namespace sennit
