// Run by the build: turns the catalogue's YAML into JSON inside a C++ source, because a program that starts has no time
// to read YAML (15 ms for what takes less than one as JSON). Knows nothing of what the files mean: that is checked by
// the tests, which read the YAML as a person's own file is read.
//   yaml_to_json NAME=FILE… > shipped_files.cpp
#include <yaml-cpp/yaml.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <regex>
#include <string>
#include <string_view>

namespace {

void write_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

void write(std::string& out, const YAML::Node& node) {
  static const std::regex kNumber("-?(0|[1-9][0-9]*)(\\.[0-9]+)?");
  const auto plain = [&] { return node.Tag() == "?"; };  // neither in quotes nor in block style
  char separator = node.IsMap() ? '{' : '[';
  switch (node.Type()) {
    case YAML::NodeType::Map:
      for (const auto& entry : node) {
        out += separator;
        write_string(out, entry.first.Scalar());
        out += ':';
        write(out, entry.second);
        separator = ',';
      }
      out += separator == ',' ? "}" : "{}";
      break;
    case YAML::NodeType::Sequence:
      for (const auto& element : node) {
        out += separator;
        write(out, element);
        separator = ',';
      }
      out += separator == ',' ? "]" : "[]";
      break;
    case YAML::NodeType::Scalar:
      if (plain() &&
          (node.Scalar() == "true" || node.Scalar() == "false" || std::regex_match(node.Scalar(), kNumber))) {
        out += node.Scalar();
      } else {
        write_string(out, node.Scalar());
      }
      break;
    default:
      out += "null";
  }
}

/// A function that gives the bytes. Not a string literal: those may not be that long.
void write_function(std::string_view name, const std::string& json) {
  std::cout << "std::string_view shipped_" << name << "() noexcept {\n  static constexpr char kJson[] = {";
  for (const char c : json) std::cout << static_cast<int>(static_cast<signed char>(c)) << ',';
  std::cout << "};\n  return {kJson, sizeof kJson};\n}\n\n";
}

}  // namespace

int main(int argc, char** argv) try {
  std::cout << "#include <sennit/backends/catalogue/shipped_files.hpp>\n\nnamespace sennit {\n\n";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::size_t equals = argument.find('=');
    std::string json;
    write(json, YAML::LoadFile(std::string(argument.substr(equals + 1))));
    write_function(argument.substr(0, equals), json);
  }
  std::cout << "}  // namespace sennit\n";
  return std::cout.flush() ? 0 : 1;
} catch (const std::exception& failure) {
  std::cerr << "yaml_to_json: " << failure.what() << '\n';
  return 1;
}
