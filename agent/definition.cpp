#include <sennit/agent/definition.hpp>
#include <sennit/agent/definition/bind.hpp>
#include <sennit/agent/definition/reader.hpp>
#include <sennit/agent/definition/yaml.hpp>
#include <sennit/agent/io/digest.hpp>
#include <sennit/agent/secret_reference.hpp>
#include <sennit/agent/secret_words.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>
#include <tuple>

namespace sennit {
namespace {

/// Maps sorted by key, so that the same settings have the same text.
json::value canonical(const json::value& value) {
  if (const auto* list = value.if_array(); list != nullptr) {
    json::array sorted;
    for (const json::value& element : *list) sorted.push_back(canonical(element));
    return sorted;
  }
  // A file's place is not what an agent is: it may move with the agent's folder.
  if (const auto* text = value.if_string(); text != nullptr) return json::value(secret::unbound(*text));
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

/// Of a command that is a list of words.
void mask_words(json::value& command) {
  const auto* list = command.if_array();
  if (list == nullptr || !std::ranges::all_of(*list, [](const json::value& word) { return word.is_string(); })) return;
  command = json::value_from(with_fingerprints(json::value_to<std::vector<std::string>>(command)));
}

void mask_secrets(json::value& value, bool secret) {
  if (auto* list = value.if_array()) {
    for (json::value& element : *list) mask_secrets(element, secret);
  } else if (auto* map = value.if_object()) {
    for (auto& [key, element] : *map) mask_secrets(element, sounds_secret(key) || (secret && key == "value"));
    if (json::value* command = map->if_contains("command")) mask_words(*command);
  } else if (const auto* text = value.if_string(); text != nullptr && secret && !text->empty()) {
    value = Secret(std::string(*text)).describe();
  }
}

}  // namespace

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
    bind_secrets(parsed.definition);
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

namespace {

/// All errors of a file as one.
Error error_of(const std::filesystem::path& file, const std::vector<Diagnostic>& diagnostics) {
  std::string where;
  std::string message;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity != Diagnostic::Severity::error) continue;
    if (where.empty()) {
      where = fmt::format("{}:{}:{}", file.string(), diagnostic.line, diagnostic.column);
      message = diagnostic.message;
    } else {
      message += "\n" + format_diagnostic(file, diagnostic);
    }
  }
  return Error(errc::config, std::move(message)).at(std::move(where));
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
  return std::ranges::any_of(diagnostics,
                             [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::error; });
}

}  // namespace

Definition read_definition(const std::filesystem::path& file) {
  ParsedDefinition parsed = parse_definition_file(file);
  if (!parsed.ok()) throw error_of(file, parsed.diagnostics);
  return std::move(parsed.definition);
}

PolicySettings read_policy(const std::filesystem::path& file) {
  ParsedPolicy parsed = parse_policy(read_text_file(file));
  if (has_errors(parsed.diagnostics)) throw error_of(file, parsed.diagnostics);
  return std::move(parsed.policy);
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
