#include <sennit/agent/guards.hpp>
#include <sennit/agent/secret_reference.hpp>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace sennit {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxAgents = 100;  // an agent that is made of more is not loaded

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

fs::path settled(const fs::path& path) {
  std::error_code failed;
  fs::path result = fs::weakly_canonical(path, failed);
  return failed ? path.lexically_normal() : result;
}

bool contains(const fs::path& folder, const fs::path& path) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

/// What one agent is made of.
class Parts {
 public:
  explicit Parts(const Definition& definition) : definition_(definition), base_(definition.directory()) {}

  std::vector<fs::path> find() && {
    if (!definition_.file.empty()) found_.push_back(definition_.file);
    for (const SubAgent& agent : definition_.agents) found_.push_back(base_ / agent.file);
    for (const HookSpec& hook : definition_.hooks) add_command(base_, hook.run);
    for (const GuardrailSpec& rail : definition_.guardrails.input) add_command(base_, rail.run);
    for (const GuardrailSpec& rail : definition_.guardrails.output) add_command(base_, rail.run);
    for (const McpServer& server : definition_.mcp) add_command(base_ / server.directory, server.command);
    for (const ToolSelection& tool : definition_.tools) add_tool(tool);
    add_model(definition_.model);
    for (const McpServer& server : definition_.mcp) add_secrets(json::value(server.client_secret.describe()));
    add_secrets(describe(definition_));  // without its handles, which are above
    return std::move(found_);
  }

 private:
  /// Its words that are files, or would be: "sh", "guard.sh". The first of them is the program.
  void add_command(const fs::path& from, const std::vector<std::string>& words) {
    constexpr std::size_t kLongest = 4096;
    bool is_program = true;
    for (const std::string& word : words) {
      if (word.empty() || word.size() > kLongest || word.front() == '-') continue;
      const fs::path path = from / word;
      std::error_code failed;
      const bool names_a_file = word.find('/') != std::string::npos || fs::path(word).has_extension();
      const bool is_file = fs::is_regular_file(path, failed);
      if (!is_file && (!names_a_file || fs::is_directory(path, failed))) continue;
      found_.push_back(path);
      if (is_file && is_program) add_folder_of(path);
      is_program = false;
    }
  }

  /// Programs load what stands beside them: Python's look there first. Not a folder that is the agent's own: in that
  /// one it works.
  void add_folder_of(const fs::path& program) {
    for (const fs::path& folder : {settled(fs::absolute(program).parent_path()), settled(program).parent_path()}) {
      std::error_code failed;
      if (contains(folder, settled(fs::absolute(base_))) || contains(folder, fs::current_path(failed))) continue;
      found_.push_back(folder);
    }
  }

  void add_tool(const ToolSelection& tool) {
    const json::value* document = tool.options.if_contains("document");
    if (tool.name == "openapi" && document != nullptr && document->is_string()) {
      found_.push_back(base_ / std::string_view(document->get_string()));
    }
    const json::value* command = tool.options.if_contains("command");
    if (command == nullptr || !command->is_array()) return;
    std::vector<std::string> words;
    for (const json::value& word : command->get_array()) {
      if (word.is_string()) words.emplace_back(word.get_string());
    }
    add_command(base_, words);
  }

  void add_model(const ModelSpec& model) {
    if (!model.ca_file.empty()) found_.push_back(base_ / model.ca_file);
    add_secrets(json::value(model.api_key.describe()));
    for (const ModelSpec& other : model.fallback) add_model(other);
  }

  void add_secret(const secret::Reference& reference) {
    if (reference.source == secret::Source::file) {
      const bool at_home = reference.what.starts_with("~/");
      found_.push_back(at_home ? fs::path(variable("HOME")) / reference.what.substr(2) : base_ / reference.what);
    }
    if (reference.source != secret::Source::cmd) return;
    std::error_code failed;
    try {
      add_command(fs::current_path(failed), secret::split_words(reference.what));  // it runs where we do
    } catch (const Error&) {
      return;  // told where it is needed
    }
  }

  void add_secrets(const json::value& value) {
    if (const json::string* text = value.if_string()) {
      secret::for_each_piece(
          *text, [](std::string_view) {}, [&](const secret::Reference& reference) { add_secret(reference); });
    } else if (const json::array* list = value.if_array()) {
      for (const json::value& element : *list) add_secrets(element);
    } else if (const json::object* map = value.if_object()) {
      for (const auto& entry : *map) add_secrets(entry.value());
    }
  }

  const Definition& definition_;
  const fs::path base_;
  std::vector<fs::path> found_;
};

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

std::vector<fs::path> parts_of_tree(const Definition& top) {
  std::set<fs::path> found;
  std::set<fs::path> seen;
  std::vector<fs::path> waiting;
  const auto add = [&](const Definition& definition) {
    for (fs::path& path : Parts(definition).find()) found.insert(std::move(path));
    for (const SubAgent& agent : definition.agents) {
      fs::path file = settled(definition.directory() / agent.file);
      if (seen.size() < kMaxAgents && seen.insert(file).second) waiting.push_back(std::move(file));
    }
  };
  add(top);
  while (!waiting.empty()) {
    const fs::path file = std::move(waiting.back());
    waiting.pop_back();
    try {
      add(parse_definition_file(file).definition);
    } catch (const Error&) {
      continue;  // told by who loads it
    }
  }
  return {found.begin(), found.end()};
}

Guards guards_of(const PartContext& context) {
  Guards guards;
  const Definition& own = context.definition;
  std::vector<fs::path> parts = context.guarded.empty() ? parts_of_tree(own) : Parts(own).find();
  parts.insert(parts.end(), context.above.begin(), context.above.end());
  parts.insert(parts.end(), context.guarded.begin(), context.guarded.end());
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  for (fs::path& path : parts) {
    std::error_code failed;
    (fs::is_directory(path, failed) ? guards.folders : guards.files).push_back(std::move(path));
  }
  if (!context.state.empty()) guards.folders.push_back(context.state);
  add_deployment(guards);
  return guards;
}

}  // namespace sennit
