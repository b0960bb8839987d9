#include <sennit/agent/definition.hpp>
#include <sennit/agent/definition/bind.hpp>
#include <sennit/agent/definition/reader.hpp>
#include <sennit/agent/definition/yaml.hpp>
#include <sennit/agent/io/digest.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <tuple>

namespace sennit {
namespace {

/// Calls `literal(text)` and `variable(name)` for the pieces of a text with `${env:NAME}` in it.
template <class Literal, class Variable>
void for_each_piece(std::string_view text, Literal literal, Variable variable) {
  constexpr std::string_view kOpen = "${env:";
  while (!text.empty()) {
    const std::size_t open = text.find(kOpen);
    const std::size_t close = open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) return literal(text);
    if (open > 0) literal(text.substr(0, open));
    variable(text.substr(open + kOpen.size(), close - open - kOpen.size()));
    text.remove_prefix(close + 1);
  }
}

/// Maps sorted by key, so that the same settings have the same text.
json::value canonical(const json::value& value) {
  if (const auto* list = value.if_array(); list != nullptr) {
    json::array sorted;
    for (const json::value& element : *list) sorted.push_back(canonical(element));
    return sorted;
  }
  const auto* map = value.if_object();
  if (map == nullptr) return value;
  std::vector<const json::key_value_pair*> entries;
  for (const auto& entry : *map) entries.push_back(&entry);
  std::ranges::sort(entries, {}, [](const json::key_value_pair* entry) { return entry->key(); });
  json::object sorted;
  for (const auto* entry : entries) sorted.emplace(entry->key(), canonical(entry->value()));
  return sorted;
}

std::string read_text_file(const std::filesystem::path& file) {
  std::error_code failure;
  const auto status = std::filesystem::status(file, failure);
  if (!std::filesystem::exists(status)) throw Error(errc::not_found, "no such agent file").at(file.string());
  if (std::filesystem::is_directory(status)) {
    throw Error(errc::io, "this is a folder; an agent file is wanted").at(file.string());
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  if (stream) {  // one byte more than is allowed, so that the parser sees that it is too much
    text.resize(yaml::kMaxBytes + 1);
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream && !stream.eof()) {
    throw Error(errc::io, fmt::format("cannot read the agent file: {}", std::generic_category().message(errno)))
        .at(file.string());
  }
  return text;
}

/// A name for an agent whose file gives none.
std::string name_from(const std::filesystem::path& file) {
  std::string name = file.stem().string().substr(0, 64);
  for (char& c : name) {
    if (!format::is_name({&c, 1})) c = '-';
  }
  return name.empty() ? Definition{}.name : name;
}

/// Whether a setting of this name holds a secret.
bool sounds_secret(std::string_view name) {
  constexpr std::array<std::string_view, 6> kSigns{"auth", "key", "token", "secret", "cookie", "password"};
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::any_of(kSigns, [&](std::string_view sign) { return lower.find(sign) != std::string::npos; });
}

void mask_secrets(json::value& value, bool secret) {
  if (auto* list = value.if_array()) {
    for (json::value& element : *list) mask_secrets(element, secret);
  } else if (auto* map = value.if_object()) {
    for (auto& [key, element] : *map) mask_secrets(element, sounds_secret(key));
  } else if (const auto* text = value.if_string(); text != nullptr && secret && !text->empty()) {
    value = Secret(std::string(*text)).describe();
  }
}

}  // namespace

std::string Secret::resolve() const {
  std::string value;
  const auto literal = [&](std::string_view text) { value += text; };
  const auto variable = [&](std::string_view name) {
    const char* const found = std::getenv(std::string(name).c_str());
    if (found == nullptr || *found == '\0') {
      throw Error(errc::config,
                  fmt::format("the environment variable {} is not set; set it with `export {}=…`", name, name));
    }
    value += found;
  };
  for_each_piece(reference_, literal, variable);
  return value;
}

std::string Secret::describe() const {
  std::string shown;
  const auto literal = [&](std::string_view /*text*/) { shown += "***"; };
  const auto variable = [&](std::string_view name) { shown += fmt::format("${{env:{}}}", name); };
  for_each_piece(reference_, literal, variable);
  return shown;
}

std::string Secret::fingerprint() const {
  return sha256(reference_);
}

std::filesystem::path Definition::directory() const {
  const std::filesystem::path parent = file.parent_path();
  return parent.empty() ? "." : parent;
}

bool ParsedDefinition::ok() const {
  return std::ranges::none_of(diagnostics,
                              [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::error; });
}

ParsedDefinition parse_definition(std::string_view yaml, const std::filesystem::path& file) {
  ParsedDefinition parsed;
  parsed.definition.file = file;
  parsed.definition.name = name_from(file);
  const auto root = yaml::parse(yaml, parsed.diagnostics);
  if (root) {
    format::Reader reader(parsed.diagnostics, parsed.positions);
    const json::value value = reader.read(*root, format::map_with(format::definition_table()), "");
    format::assign_fields(&parsed.definition, format::definition_table(), value);
  }
  std::ranges::sort(parsed.diagnostics, {}, [](const Diagnostic& d) { return std::tie(d.line, d.column, d.message); });
  if (parsed.diagnostics.size() >= yaml::kMaxProblems) {
    const Diagnostic& last = parsed.diagnostics.back();
    parsed.diagnostics.push_back(
        {Diagnostic::Severity::error, last.line, last.column, "there may be more; these are the first"});
  }
  return parsed;
}

ParsedDefinition parse_definition_file(const std::filesystem::path& file) {
  return parse_definition(read_text_file(file), file);
}

Definition read_definition(const std::filesystem::path& file) {
  ParsedDefinition parsed = parse_definition_file(file);
  if (parsed.ok()) return std::move(parsed.definition);
  std::string where;
  std::string message;
  for (const Diagnostic& diagnostic : parsed.diagnostics) {
    if (diagnostic.severity != Diagnostic::Severity::error) continue;
    if (where.empty()) {
      where = fmt::format("{}:{}:{}", file.string(), diagnostic.line, diagnostic.column);
      message = diagnostic.message;
    } else {
      message += "\n" + format_diagnostic(file, diagnostic);
    }
  }
  throw Error(errc::config, std::move(message)).at(std::move(where));
}

json::value describe(const Definition& definition) {
  json::value settings = canonical(format::get_fields(&definition, format::definition_table()));
  mask_secrets(settings, false);
  return settings;
}

std::string digest(const Definition& definition) {
  const json::value value = format::get_fields(&definition, format::definition_table());
  return sha256(json::serialize(canonical(value)));
}

std::string format_diagnostic(const std::filesystem::path& file, const Diagnostic& diagnostic) {
  const bool error = diagnostic.severity == Diagnostic::Severity::error;
  return fmt::format("{}:{}:{}: {}: {}", file.string(), diagnostic.line, diagnostic.column, error ? "error" : "warning",
                     diagnostic.message);
}

}  // namespace sennit
