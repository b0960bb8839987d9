#include <sennit/agent/guards.hpp>

#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

namespace sennit {
namespace {

namespace fs = std::filesystem;

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

/// The words of a command that are files below the agent's folder, or would be: "sh", "guard.sh".
void add_words(Guards& guards, const fs::path& base, const std::vector<std::string>& words) {
  constexpr std::size_t kLongest = 4096;
  for (const std::string& word : words) {
    if (word.empty() || word.size() > kLongest || word.front() == '-') continue;
    const fs::path path = base / word;
    std::error_code failed;
    const bool names_a_file = word.find('/') != std::string::npos || fs::path(word).has_extension();
    if (fs::is_regular_file(path, failed) || (names_a_file && !fs::is_directory(path, failed))) {
      guards.files.push_back(path);
    }
  }
}

/// `${file:PATH}` in a text.
void add_secrets(Guards& guards, const fs::path& base, std::string_view text) {
  constexpr std::string_view kOpen = "${file:";
  for (std::size_t at = text.find(kOpen); at != std::string_view::npos; at = text.find(kOpen, at + 1)) {
    const std::size_t start = at + kOpen.size();
    const std::size_t end = text.find('}', start);
    if (end == std::string_view::npos) return;
    guards.files.push_back(base / text.substr(start, end - start));
  }
}

void add_secrets(Guards& guards, const fs::path& base, const json::value& value) {
  if (const json::string* text = value.if_string()) return add_secrets(guards, base, std::string_view(*text));
  if (const json::array* list = value.if_array()) {
    for (const json::value& element : *list) add_secrets(guards, base, element);
  }
  if (const json::object* map = value.if_object()) {
    for (const auto& entry : *map) add_secrets(guards, base, entry.value());
  }
}

void add_tools(Guards& guards, const fs::path& base, const std::vector<ToolSelection>& tools) {
  for (const ToolSelection& tool : tools) {
    add_secrets(guards, base, json::value(tool.options));
    const json::value* document = tool.options.if_contains("document");
    if (tool.name == "openapi" && document != nullptr && document->is_string()) {
      guards.files.push_back(base / std::string_view(document->get_string()));
    }
    const json::value* command = tool.options.if_contains("command");
    if (command == nullptr || !command->is_array()) continue;
    std::vector<std::string> words;
    for (const json::value& word : command->get_array()) {
      if (word.is_string()) words.emplace_back(word.get_string());
    }
    add_words(guards, base, words);
  }
}

void add_servers(Guards& guards, const fs::path& base, const std::vector<McpServer>& servers) {
  for (const McpServer& server : servers) {
    add_words(guards, server.directory.empty() ? base : base / server.directory, server.command);
    for (const auto& [name, value] : server.env) add_secrets(guards, base, std::string_view(value));
    for (const auto& [name, value] : server.headers) add_secrets(guards, base, std::string_view(value));
  }
}

/// Where the program looks for what holds for all agents of a machine.
void add_deployment(Guards& guards) {
  const std::string_view policy = variable("SENNIT_POLICY");
  if (!policy.empty()) guards.files.emplace_back(policy);
  const std::string_view settings = variable("XDG_CONFIG_HOME");
  const std::string_view home = variable("HOME");
  if (!settings.empty()) guards.folders.push_back(fs::path(settings) / "sennit");
  if (!home.empty()) guards.folders.push_back(fs::path(home) / ".config" / "sennit");
  guards.folders.emplace_back("/etc/sennit");
}

}  // namespace

Guards guards_of(const PartContext& context) {
  Guards guards;
  const Definition& definition = context.definition;
  const fs::path base = definition.directory();
  if (!definition.file.empty()) guards.files.push_back(definition.file);
  for (const fs::path& file : context.above) {
    if (!file.empty()) guards.files.push_back(file);
  }
  for (const SubAgent& agent : definition.agents) guards.files.push_back(base / agent.file);
  for (const HookSpec& hook : definition.hooks) add_words(guards, base, hook.run);
  for (const GuardrailSpec& rail : definition.guardrails.input) add_words(guards, base, rail.run);
  for (const GuardrailSpec& rail : definition.guardrails.output) add_words(guards, base, rail.run);
  add_servers(guards, base, definition.mcp);
  add_tools(guards, base, definition.tools);
  if (!context.state.empty()) guards.folders.push_back(context.state);
  add_deployment(guards);
  return guards;
}

}  // namespace sennit
