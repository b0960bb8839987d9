#include <sennit/agent/definition/shape.hpp>
#include <sennit/agent/definition/yaml.hpp>
#include <sennit/tools/openapi/document.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

namespace sennit::openapi {
namespace {

json::value scalar(const yaml::Node& node) {
  if (node.quoted) return json::value(node.text);
  if (node.text == "null" || node.text == "~") return nullptr;
  if (const auto boolean = format::parse_boolean(node.text)) return *boolean;
  if (const auto integer = format::parse_integer(node.text)) return *integer;
  if (const auto number = format::parse_number(node.text)) return *number;
  return json::value(node.text);
}

json::value to_json(const yaml::Node& node) {
  switch (node.kind) {
    case yaml::Node::Kind::scalar:
      return scalar(node);
    case yaml::Node::Kind::list: {
      json::array list;
      for (const yaml::Node& item : node.items) list.push_back(to_json(item));
      return list;
    }
    case yaml::Node::Kind::map: {
      json::object map;
      for (std::size_t i = 0; i < node.items.size(); ++i) map.emplace(node.keys[i].text, to_json(node.items[i]));
      return map;
    }
    default:
      return nullptr;
  }
}

json::value parse_yaml(std::string_view text, const std::string& name) {
  const yaml::Bounds bounds{kMaxYamlDocument, kMaxDocumentDepth, 200'000, 2 * kMaxYamlDocument,
                            "an OpenAPI document in YAML"};
  std::vector<Diagnostic> problems;
  const std::optional<yaml::Node> root = yaml::parse(text, problems, bounds);
  for (const Diagnostic& problem : problems) {
    throw Error(errc::config, problem.message).at(fmt::format("{}:{}:{}", name, problem.line, problem.column));
  }
  return root ? to_json(*root) : json::value();
}

json::value parse_any(std::string_view text, const std::string& name) {
  if (text.size() > kMaxDocument) {
    throw Error(errc::config, fmt::format("larger than {} MiB", kMaxDocument >> 20U)).at(name);
  }
  const std::size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first == std::string_view::npos || text[first] != '{') return parse_yaml(text, name);
  json::parse_options options;
  options.max_depth = kMaxDocumentDepth;
  boost::system::error_code wrong;
  json::value root = json::parse(text.substr(first), wrong, {}, options);
  if (!wrong) return root;
  // `{` begins a map of YAML too, and its parser says where it breaks.
  return parse_yaml(text, name);
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// A reference is a URL first, and a JSON pointer in it.
std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool encoded = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    decoded += encoded ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (encoded) i += 2;
  }
  return decoded;
}

std::string unescaped(std::string_view token) {
  std::string text;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool escaped = token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1');
    text += !escaped ? token[i] : token[++i] == '0' ? '~' : '/';
  }
  return text;
}

std::string escaped(std::string_view key) {
  std::string token;
  for (const char c : key) token += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return token;
}

const json::value* step(const json::value& value, const std::string& token) {
  if (const json::object* map = value.if_object()) return map->if_contains(token);
  const json::array* list = value.if_array();
  const auto index = list == nullptr ? std::nullopt : format::parse_integer(token);
  if (!index || *index < 0 || static_cast<std::size_t>(*index) >= list->size()) return nullptr;
  return &(*list)[static_cast<std::size_t>(*index)];
}

}  // namespace

Document::Document(std::string_view text, std::string name) : name_(std::move(name)), root_(parse_any(text, name_)) {
  if (!root_.is_object()) refuse("#", "an OpenAPI document is a map that begins with `openapi: 3.1.0`");
  const json::value* version = root_.get_object().if_contains("openapi");
  if (version == nullptr && root_.get_object().contains("swagger")) {
    refuse("#/swagger",
           "this is Swagger 2.0; only OpenAPI 3.0 and 3.1 are read (converters are common: swagger2openapi)");
  }
  const std::string number = version == nullptr     ? std::string()
                             : version->is_string() ? std::string(version->get_string())
                                                    : json::serialize(*version);
  old_ = number.starts_with("3.0");
  if (!old_ && !number.starts_with("3.1")) {
    refuse("#/openapi", fmt::format("the version is {}; only OpenAPI 3.0 and 3.1 are read",
                                    number.empty() ? "missing" : "'" + number.substr(0, 40) + "'"));
  }
}

Document Document::read(const std::filesystem::path& file) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(file, failure)) {
    throw Error(errc::config, "no such OpenAPI document").at(file.string());
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  if (stream) {
    text.resize(kMaxDocument + 1);
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream && !stream.eof()) {
    throw Error(errc::config, fmt::format("cannot read the OpenAPI document: {}", std::strerror(errno)))
        .at(file.string());
  }
  return {text, file.string()};
}

void Document::refuse(std::string_view pointer, std::string_view why) const {
  throw Error(errc::config, std::string(why)).at(fmt::format("{}: {}", name_, pointer));
}

Place Document::target(std::string_view reference, std::string_view from) const {
  const std::string shown(reference.substr(0, 200));
  if (!reference.starts_with("#")) {
    refuse(from, fmt::format("the reference '{}' leads out of the document; only those that begin with `#/` are "
                             "followed (bundle the document first)",
                             shown));
  }
  Place place{&root_, std::string(reference)};
  const std::string pointer = percent_decoded(reference.substr(1));
  std::string_view rest = pointer;
  while (!rest.empty()) {
    if (rest.front() != '/') refuse(from, fmt::format("'{}' is no reference", shown));
    rest.remove_prefix(1);
    const std::string_view token = rest.substr(0, rest.find('/'));
    rest.remove_prefix(token.size());
    place.value = step(*place.value, unescaped(token));
    if (place.value == nullptr) refuse(from, fmt::format("the reference '{}' leads nowhere", shown));
  }
  return place;
}

Place Document::followed(Place place) const {
  const std::string from = place.pointer;
  for (int followed = 0;; ++followed) {
    const json::object* map = place.value == nullptr ? nullptr : place.value->if_object();
    const json::value* reference = map == nullptr ? nullptr : map->if_contains("$ref");
    if (reference == nullptr) return place;
    if (!reference->is_string()) refuse(place.pointer, "`$ref` must be a text");
    if (followed == kMaxReferences) refuse(from, "references lead in a circle, or through too many others");
    place = target(reference->get_string(), place.pointer);
  }
}

Place member(const Place& place, std::string_view key) {
  const json::object* map = place.value == nullptr ? nullptr : place.value->if_object();
  return {map == nullptr ? nullptr : map->if_contains(key), place.pointer + "/" + escaped(key)};
}

}  // namespace sennit::openapi
