// Private: Holds YAML against the tables of the format: gives JSON, and reports everything that is wrong, each with its
// place.
#pragma once

#include <sennit/agent/definition/shape.hpp>
#include <sennit/agent/definition/yaml.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::format {

/// A map as a Table::check sees it.
struct CheckedMap {
  const yaml::Node& node;
  const json::object& value;  ///< under the table's own keys; what was wrong is absent
  std::string_view path;

  [[nodiscard]] bool has(std::string_view key) const { return value.contains(key); }
  /// The text at `key`, or an empty one.
  [[nodiscard]] std::string_view text(std::string_view key) const;
  /// Where the value of `key` stands; the map itself if it is absent.
  [[nodiscard]] Position at(const Table& table, std::string_view key) const;
};

class Reader {
 public:
  Reader(std::vector<Diagnostic>& diagnostics, std::map<std::string, Position, std::less<>>& positions)
      : diagnostics_(diagnostics), positions_(positions) {}

  /// The value as JSON; null where it is wrong or absent. `path` is its place in the file ("limits.steps"), empty for
  /// the whole file.
  [[nodiscard]] json::value read(const yaml::Node& node, const Shape& shape, const std::string& path);

  void error(Position at, std::string message);
  void warning(Position at, std::string message);

 private:
  json::value read_scalar(const yaml::Node& node, const Shape& shape, const std::string& path);
  json::value read_text(const yaml::Node& node, const Shape& shape, const std::string& path);
  json::value read_list(const yaml::Node& node, const Shape& shape, const std::string& path);
  json::value read_one(const yaml::Node& node, const Shape& shape, const std::string& path);
  json::value read_map(const yaml::Node& node, const Shape& shape, const std::string& path);
  json::value read_table(const yaml::Node& node, const Table& table, const std::string& path);
  json::value read_selection(const yaml::Node& node, const Shape& shape, const std::string& path);
  json::value read_schema(const yaml::Node& node, const std::string& path);
  json::value read_anything(const yaml::Node& node, const std::string& path);
  void check_required(const yaml::Node& schema);
  void unknown_key(const yaml::Key& key, const Table& table);
  json::value mismatch(const yaml::Node& node, const Shape& shape, const std::string& path);

  std::vector<Diagnostic>& diagnostics_;
  std::map<std::string, Position, std::less<>>& positions_;
};

/// At most 60 bytes of a text, on one line, for a message.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace sennit::format
