// The rules for values of one type: members in their order, items, texts of a length.
#include <sennit/backends/llama/schema_grammar.hpp>
#include <sennit/backends/wire/schema_words.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace sennit {
namespace {

using schema_dialects::array_at;
using schema_dialects::is_flag;
using schema_dialects::is_one_of;
using schema_dialects::pointer_step;

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

/// `{2,5}` after what is repeated; a limit that is too large to be unrolled is none.
std::string repeats(std::int64_t least, std::optional<std::int64_t> most) {
  least = std::min(least, SchemaGrammar::kMaxRepeat);
  if (most && *most > SchemaGrammar::kMaxRepeat) most.reset();
  if (most) return fmt::format("{{{},{}}}", least, std::max(least, *most));
  return least == 0 ? "*" : least == 1 ? "+" : fmt::format("{{{},}}", least);
}

}  // namespace

std::string SchemaGrammar::typed(std::string_view type, const json::object& schema, const Place& place) {
  if (type == "object") return object(schema, place);
  if (type == "array") return array(schema, place);
  if (type == "string") return text_rule(schema, place);
  if (type == "integer") return integer(schema);
  if (is_one_of(type, {"number", "boolean", "null"})) return fmt::format("s-{}", type);
  if (!type.empty()) looser_.push_back(place.pointer + "/type");
  return std::string(kAny);
}

std::string SchemaGrammar::object(const json::object& schema, const Place& place) {
  std::set<std::string, std::less<>> required;
  if (const json::array* names = array_at(schema, "required")) {
    for (const json::value& name : *names) {
      if (name.is_string()) required.emplace(name.get_string());
    }
  }
  std::vector<Member> all;
  if (const json::object* properties = object_at(schema, "properties")) {
    for (const auto& [key, property] : *properties) {
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
  if (is_flag(schema, "additionalProperties", false)) return fresh(R"("{" s-ws "}")");
  return others != nullptr && others->is_object() ? map(schema, place) : "s-object";
}

/// Members in their order. Once one has been written, each of the others is `("," member)?` or, required, without the
/// question mark; the trouble is the first: it may be any one up to the first that is required.
std::string SchemaGrammar::members(const std::vector<Member>& all) {
  std::vector<std::string> written;
  for (const Member& member : all) {
    written.push_back(fmt::format("{} \":\" s-ws {}", literal(wire_text(json::value(member.name))), member.rule));
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
  const json::array* first = array_at(schema, "prefixItems");
  const json::value* items = schema.if_contains("items");
  if (!schema.contains("prefixItems")) first = array_at(schema, "items");  // as older drafts wrote it
  if (first != nullptr && !first->empty()) return tuple(schema, *first, place);
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

}  // namespace sennit
