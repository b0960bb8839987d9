#include <sennit/agent/definition/shape.hpp>
#include <sennit/agent/definition/yaml.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/app/overlay.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace sennit::app {
namespace {

using format::Shape;
using format::Table;
using yaml::Node;

/// The keys that a map of this shape takes; null: any.
const Table* table_in(const Shape& shape) {
  if (shape.kind == Shape::Kind::table) return shape.table;
  for (const Shape& part : shape.parts) {
    if (const Table* table = table_in(part); table != nullptr && shape.kind == Shape::Kind::either) return table;
  }
  return nullptr;
}

/// A value in short, `model: auto`, becomes the map that it stands for.
void make_map(Node& node, const Table* table) {
  if (node.kind == Node::Kind::map) return;
  Node map;
  map.kind = Node::Kind::map;
  const bool is_name = node.kind == Node::Kind::scalar && !format::parse_boolean(node.text);
  if (is_name && table != nullptr && table->find("name") != nullptr) {
    map.keys.push_back({"name", {}});
    map.items.push_back(std::move(node));
  }
  node = std::move(map);
}

/// The value at a key; made if it is not there. A synonym of the key counts as the key.
Node& member(Node& map, const Table* table, std::string_view key) {
  const format::Field* const field = table == nullptr ? nullptr : table->find(key);
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const std::string& known = map.keys[i].text;
    if (known == key || (field != nullptr && table->find(known) == field)) return map.items[i];
  }
  map.keys.push_back({std::string(key), {}});
  return map.items.emplace_back();
}

Node value_of(const std::string& text) {
  std::vector<Diagnostic> problems;
  if (text.starts_with('[') || text.starts_with('{')) {
    std::optional<Node> node = yaml::parse(text, problems);
    const bool whole = node && (node->kind == Node::Kind::list || node->kind == Node::Kind::map);
    if (whole && problems.empty()) return std::move(*node);
  }
  Node node;
  node.kind = Node::Kind::scalar;
  node.text = text;
  return node;
}

void set(Node& root, const std::string& setting) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(errc::invalid_argument, "--set wants KEY=VALUE, such as limits.steps=5, not '" + setting + "'");
  }
  std::string_view path = std::string_view(setting).substr(0, equals);
  const Table* table = &format::definition_table();
  Node* node = &root;
  while (true) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string_view key = path.substr(0, dot);
    make_map(*node, table);
    const format::Field* const field = table == nullptr ? nullptr : table->find(key);
    node = &member(*node, table, key);
    table = field == nullptr ? nullptr : table_in(field->shape);
    if (dot == path.size()) break;
    path.remove_prefix(dot + 1);
  }
  *node = value_of(setting.substr(equals + 1));
}

/// What needs no quotes, and says no less without them.
bool is_plain(std::string_view text) {
  constexpr std::string_view kSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-/";
  return !text.empty() && text.find_first_not_of(kSafe) == std::string_view::npos && text != "-" && text != "---";
}

void write(std::string& out, const Node& node) {
  switch (node.kind) {
    case Node::Kind::scalar:
      out += !node.quoted && is_plain(node.text) ? node.text : json::serialize(json::value(node.text));
      return;
    case Node::Kind::list:
      out += '[';
      for (const Node& item : node.items) {
        if (&item != node.items.data()) out += ", ";
        write(out, item);
      }
      out += ']';
      return;
    case Node::Kind::map:
      out += '{';
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        out += (i == 0 ? "" : ", ") + json::serialize(json::value(node.keys[i].text)) + ": ";
        write(out, node.items[i]);
      }
      out += '}';
      return;
    default:
      out += '~';
  }
}

}  // namespace

Definition overlaid(std::string_view text, const std::filesystem::path& file,
                    const std::vector<std::string>& settings) {
  std::vector<Diagnostic> problems;
  std::optional<Node> root = yaml::parse(text, problems);
  if (!root) throw Error(errc::config, "the agent file cannot be read").at(file.string());
  for (const std::string& setting : settings) set(*root, setting);
  std::string changed;
  write(changed, *root);
  ParsedDefinition parsed = parse_definition(changed, file);
  std::string wrong;
  for (const Diagnostic& diagnostic : parsed.diagnostics) {
    if (diagnostic.severity != Diagnostic::Severity::error) continue;
    wrong += (wrong.empty() ? "" : "\n") + diagnostic.message;
  }
  if (!wrong.empty()) throw Error(errc::invalid_argument, std::move(wrong)).at("--set");
  return std::move(parsed.definition);
}

}  // namespace sennit::app
