#include <sennit/agent/definition/reader.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/agent/schema/validate.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace sennit::format {
namespace {

using Kind = Shape::Kind;
using yaml::Node;

/// "a" and "a.b": the file itself has no name.
std::string join(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::string plural(std::size_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

/// What stands in the file, for "expected …, found …".
std::string found(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::list:
      return "a list of " + plural(node.items.size(), "value");
    case Node::Kind::map:
      return node.items.size() == 1 ? fmt::format("a map with the key {}", quote(node.keys[0].text))
                                    : "a map of " + plural(node.items.size(), "key");
    default:
      break;
  }
  if (node.quoted) return fmt::format("the text {}", quote(node.text));
  if (parse_boolean(node.text)) return quote(node.text);
  return fmt::format("{} {}", parse_number(node.text) ? "the number" : "the text", quote(node.text));
}

bool is_scalar(Kind kind) {
  return kind == Kind::text || kind == Kind::boolean || kind == Kind::integer || kind == Kind::number ||
         kind == Kind::duration || kind == Kind::bytes;
}

/// Whether a node of this kind can be meant as such a shape, right or wrong.
bool resembles(const Node& node, const Shape& shape) {
  switch (node.kind) {
    case Node::Kind::scalar:
      return is_scalar(shape.kind) || shape.kind == Kind::texts || shape.kind == Kind::selection;
    case Node::Kind::list:
      return shape.kind == Kind::list || shape.kind == Kind::texts;
    case Node::Kind::map:
      if (shape.kind == Kind::texts) return shape.parts[0].kind == Kind::either;
      return shape.kind == Kind::map || shape.kind == Kind::table || shape.kind == Kind::object ||
             shape.kind == Kind::json_schema || shape.kind == Kind::selection;
    default:
      return false;
  }
}

/// The name that is nearest to what somebody wrote: "My agent!" is `my-agent`.
std::string as_name(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, 64)) {
    if (is_name({&c, 1})) {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (name.ends_with('-')) name.pop_back();
  return name;
}

/// Advice for what people write where `shape` is expected.
std::string advice(const Node& node, const Shape& shape) {
  const bool wants_text = shape.kind == Kind::text || shape.kind == Kind::texts;
  if (wants_text && node.flow) {
    return node.kind == Node::Kind::map ? "; put text that begins with `{` in quotes"
                                        : "; put text that begins with `[` in quotes";
  }
  if (node.quoted && is_scalar(shape.kind) && shape.kind != Kind::text) return "; remove the quotes";
  if (shape.kind == Kind::integer && shape.least == shape.most) return "; this Sennit reads no other version";
  if (shape.kind == Kind::boolean) {
    const std::string_view word = node.text;
    if (word == "yes" || word == "Yes" || word == "on" || word == "On") return "; write true";
    if (word == "no" || word == "No" || word == "off" || word == "Off") return "; write false";
  }
  if (shape.fits == &is_name) {
    if (const std::string name = as_name(node.text); !name.empty()) return fmt::format("; for example `{}`", name);
  }
  return {};
}

/// The lower case of a key with `_` for `-`, as people coming from other formats spell it.
std::string normalised(std::string_view key) {
  std::string text(key);
  std::ranges::transform(text, text.begin(), [](char c) {
    return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

/// Another part of the file where `key` would be right: "model.options".
std::string_view home_of(std::string_view key) {
  for (const Table* table : all_tables()) {
    if (table->find(key) != nullptr) return table->path;
  }
  return {};
}

/// A key of another part of the file that is near to `key`: "temperature` in `model.options".
std::string near_elsewhere(std::string_view key) {
  constexpr std::size_t kShortest = 4;  // shorter words are near to anything
  if (key.size() < kShortest) return {};
  for (const Table* table : all_tables()) {
    std::vector<std::string> candidates;
    candidates.reserve(table->fields.size());
    for (const Field& field : table->fields) candidates.emplace_back(field.key);
    const std::string_view near = nearest(key, candidates);
    if (!near.empty()) return fmt::format("`{}` in `{}`", near, table->path);
  }
  return {};
}

json::value scalar_to_json(const Node& node) {
  const std::string& text = node.text;
  if (node.quoted) return json::value(text);
  if (text == "null" || text == "Null" || text == "NULL" || text == "~") return nullptr;
  if (const auto boolean = parse_boolean(text)) return *boolean;
  if (const auto integer = parse_integer(text)) return *integer;
  if (const auto number = parse_number(text)) return *number;
  return json::value(text);
}

}  // namespace

std::string quote(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::size_t end = std::min(text.find('\n'), text.size());
  const bool cut = end < text.size() || end > kLongest;
  end = std::min(end, kLongest);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return fmt::format("`{}{}`", text.substr(0, end), cut ? "…" : "");
}

std::string_view CheckedMap::text(std::string_view key) const {
  const json::value* const found = value.if_contains(key);
  return found != nullptr && found->is_string() ? std::string_view(found->as_string()) : std::string_view{};
}

Position CheckedMap::at(const Table& table, std::string_view key) const {
  const Field* const field = table.find(key);
  for (std::size_t i = 0; field != nullptr && i < node.keys.size(); ++i) {
    if (table.find(node.keys[i].text) == field) return node.items[i].at;
  }
  return node.at;
}

void Reader::error(Position at, std::string message) {
  if (diagnostics_.size() >= yaml::kMaxProblems) return;
  diagnostics_.push_back({Diagnostic::Severity::error, at.line, at.column, std::move(message)});
}

void Reader::warning(Position at, std::string message) {
  if (diagnostics_.size() >= yaml::kMaxProblems) return;
  diagnostics_.push_back({Diagnostic::Severity::warning, at.line, at.column, std::move(message)});
}

json::value Reader::mismatch(const Node& node, const Shape& shape, const std::string& path) {
  if (node.kind == Node::Kind::null) {
    error(node.at, fmt::format("`{}` has no value: expected {}; or remove the line", path, describe(shape)));
  } else {
    const std::string name = path.empty() ? "" : fmt::format("`{}`: ", path);
    error(node.at, fmt::format("{}expected {}; found {}{}", name, describe(shape), found(node), advice(node, shape)));
  }
  return nullptr;
}

json::value Reader::read(const Node& node, const Shape& shape, const std::string& path) {
  if (node.kind == Node::Kind::broken) return nullptr;
  positions_.try_emplace(path, node.at);
  if (shape.kind == Kind::anything) return read_anything(node, path);
  if (node.kind == Node::Kind::null && shape.may_be_empty) return json::object{};
  if (shape.kind == Kind::either) {
    for (const Shape& part : shape.parts) {
      if (resembles(node, part)) return read(node, part, path);
    }
    return mismatch(node, shape, path);
  }
  if (!resembles(node, shape)) return mismatch(node, shape, path);
  switch (shape.kind) {
    case Kind::list:
      return read_list(node, shape, path);
    case Kind::texts:
      if (node.kind == Node::Kind::list) return read_list(node, shape, path);
      return read_one(node, shape, path);
    case Kind::map:
      return read_map(node, shape, path);
    case Kind::table:
      return read_table(node, *shape.table, path);
    case Kind::object:
      return read_anything(node, path);
    case Kind::selection:
      return read_selection(node, shape, path);
    case Kind::json_schema:
      return read_schema(node, path);
    default:
      return read_scalar(node, shape, path);
  }
}

json::value Reader::read_scalar(const Node& node, const Shape& shape, const std::string& path) {
  const auto within = [&](double number) { return number >= shape.least && number <= shape.most; };
  if (shape.kind == Kind::text) return read_text(node, shape, path);
  if (shape.kind == Kind::duration) {
    const auto duration = parse_duration(node.text);
    if (duration && within(static_cast<double>(duration->count()))) return duration->count();
  } else if (shape.kind == Kind::bytes) {
    const auto bytes = parse_bytes(node.text);
    if (bytes && within(static_cast<double>(*bytes))) return *bytes;
  } else if (!node.quoted) {
    const auto boolean = parse_boolean(node.text);
    const auto integer = parse_integer(node.text);
    const auto number = parse_number(node.text);
    if (shape.kind == Kind::boolean && boolean) return *boolean;
    if (shape.kind == Kind::integer && integer && within(static_cast<double>(*integer))) return *integer;
    if (shape.kind == Kind::number && number && within(*number)) return *number;
  }
  return mismatch(node, shape, path);
}

json::value Reader::read_text(const Node& node, const Shape& shape, const std::string& path) {
  const std::string& words = node.text;
  if (!shape.choices.empty() && std::ranges::count(shape.choices, words) == 0) {
    const std::vector<std::string> candidates(shape.choices.begin(), shape.choices.end());
    const std::string_view near = nearest(words, candidates);
    error(node.at, fmt::format("`{}`: expected {}; found {}{}", path, describe(shape), quote(words),
                               near.empty() ? "" : fmt::format("; did you mean `{}`?", near)));
    return nullptr;
  }
  if (shape.fits != nullptr && !shape.fits(words)) return mismatch(node, shape, path);
  if (shape.references) {
    if (std::string wrong = wrong_reference(words); !wrong.empty()) {
      error(node.at, fmt::format("`{}`: {}", path, wrong));
      return nullptr;
    }
  } else if (has_reference(words)) {
    warning(node.at,
            fmt::format("`{}`: secrets (`${{env:…}}`) are not resolved here, only where keys, headers, addresses "
                        "and environments stand",
                        path));
  }
  return json::value(words);
}

json::value Reader::read_list(const Node& node, const Shape& shape, const std::string& path) {
  json::array list;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    list.push_back(read(node.items[i], shape.parts[0], fmt::format("{}[{}]", path, i)));
  }
  // A wrong entry stays as null, so that what follows keeps its place. There is no empty text that could mean that.
  const bool whole = std::ranges::none_of(list, [](const json::value& element) { return element.is_null(); });
  if (!whole && shape.kind == Kind::texts) return nullptr;
  return list;
}

json::value Reader::read_one(const Node& node, const Shape& shape, const std::string& path) {
  json::value only = read(node, shape.parts[0], path);
  if (only.is_null()) return nullptr;
  json::array list;
  list.push_back(std::move(only));
  return list;
}

json::value Reader::read_map(const Node& node, const Shape& shape, const std::string& path) {
  json::object map;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    json::value element = read(node.items[i], shape.parts[0], join(path, node.keys[i].text));
    if (!element.is_null()) map.emplace(node.keys[i].text, std::move(element));
  }
  return map;
}

json::value Reader::read_table(const Node& node, const Table& table, const std::string& path) {
  json::object map;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const yaml::Key& key = node.keys[i];
    const Field* const field = table.find(key.text);
    if (field == nullptr) {
      unknown_key(key, table);
      continue;
    }
    if (map.contains(field->key)) {
      error(key.at, fmt::format("`{}` means the same as `{}`, which is there already", key.text, field->key));
      continue;
    }
    json::value value = read(node.items[i], field->shape, join(path, field->key));
    if (!value.is_null()) map.emplace(field->key, std::move(value));
  }
  for (const Field& field : table.fields) {
    const bool present =
        std::ranges::any_of(node.keys, [&](const yaml::Key& key) { return table.find(key.text) == &field; });
    if (field.required && !present) {
      const std::string place = path.empty() ? "" : fmt::format(" in `{}`", path);
      error(node.at, fmt::format("missing key `{}`{}: {}", field.key, place, describe(field.shape)));
    }
  }
  if (table.check != nullptr) table.check(*this, CheckedMap{node, map, path});
  return map;
}

void Reader::unknown_key(const yaml::Key& key, const Table& table) {
  std::string message = "unknown key " + quote(key.text);
  std::vector<std::string> candidates;
  for (const Field& field : table.fields) {
    candidates.emplace_back(field.key);
    candidates.insert(candidates.end(), field.synonyms.begin(), field.synonyms.end());
  }
  const auto foreign = std::ranges::find_if(table.foreign, [&](const auto& pair) { return pair.first == key.text; });
  const std::string_view near = nearest(normalised(key.text), candidates);
  const std::string_view home = home_of(key.text);
  if (foreign != table.foreign.end()) {
    message += fmt::format("; it is called `{}` here", foreign->second);
  } else if (!home.empty() && normalised(key.text) != near) {
    message += fmt::format("; it belongs in `{}`", home);
  } else if (!near.empty()) {
    message += fmt::format("; did you mean `{}`?", near);
  } else if (const std::string elsewhere = near_elsewhere(key.text); !elsewhere.empty()) {
    message += fmt::format("; did you mean {}?", elsewhere);
  } else {
    message += "; known keys:";
    for (const Field& field : table.fields)
      message += fmt::format("{} {}", &field == table.fields.data() ? "" : ",", field.key);
  }
  error(key.at, std::move(message));
}

json::value Reader::read_selection(const Node& node, const Shape& shape, const std::string& path) {
  if (node.kind == Node::Kind::scalar) {
    if (is_name(node.text)) return json::object{{"name", node.text}, {"options", json::object{}}};
    return mismatch(node, shape, path);
  }
  if (node.items.size() != 1) {
    error(node.at, fmt::format("`{}`: expected one name with its options, `name: {{options}}`; found {}{}", path,
                               found(node), node.items.empty() ? "" : "; indent the options under the name"));
    return nullptr;
  }
  const Node& options = node.items[0];
  if (options.kind == Node::Kind::broken) return nullptr;
  if (options.kind != Node::Kind::map && options.kind != Node::Kind::null) {
    error(options.at, fmt::format("`{}`: expected the options of {} as a map; found {}", path, quote(node.keys[0].text),
                                  found(options)));
    return nullptr;
  }
  json::value read_options = options.kind == Node::Kind::null ? json::object{} : read_anything(options, path);
  if (read_options.is_null()) return nullptr;
  return json::object{{"name", node.keys[0].text}, {"options", std::move(read_options)}};
}

json::value Reader::read_schema(const Node& node, const std::string& path) {
  json::value schema = read_anything(node, path);
  if (!schema.is_object()) return nullptr;
  check_required(node);
  try {
    const Validator checked(schema.as_object());
  } catch (const Error& failure) {
    error(node.at, fmt::format("`{}`: {}", path, failure.message()));
    return nullptr;
  }
  return schema;
}

/// Elsewhere `required: true` stands in each property; JSON Schema has a list beside them, and would ignore it.
void Reader::check_required(const Node& schema) {
  const Node* const required = schema.find("required");
  if (required != nullptr && required->kind == Node::Kind::scalar) {
    error(required->at, "`required` is a list of names beside `properties`: required: [answer]");
  }
  for (std::size_t i = 0; i < schema.items.size(); ++i) {
    const Node& inside = schema.items[i];
    const bool names = schema.kind == Node::Kind::map && schema.keys[i].text == "properties";
    if (!names) {
      if (inside.kind == Node::Kind::map) check_required(inside);
      continue;
    }
    for (const Node& property : inside.items) check_required(property);
  }
}

json::value Reader::read_anything(const Node& node, const std::string& path) {
  switch (node.kind) {
    case Node::Kind::scalar:
      return scalar_to_json(node);
    case Node::Kind::list: {
      json::array list;
      for (const Node& item : node.items) list.push_back(read_anything(item, path));
      return list;
    }
    case Node::Kind::map: {
      json::object map;
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        const Node& item = node.items[i];
        if (node.flow && item.kind == Node::Kind::null && node.items.size() == 1) {
          warning(node.at, fmt::format("`{}`: `{{{}}}` is a map here; put it in quotes to get a capture", path,
                                       node.keys[i].text));
        }
        const std::string place = join(path, node.keys[i].text);
        positions_.try_emplace(place, item.at);
        map.emplace(node.keys[i].text, read_anything(item, place));
      }
      return map;
    }
    default:
      return nullptr;
  }
}

}  // namespace sennit::format
