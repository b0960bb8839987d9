#include <sennit/agent/definition.hpp>
#include <sennit/agent/spelling.hpp>
#include <sennit/tools/options.hpp>
#include <sennit/tools/shell.hpp>
#include <sennit/tools/shell_child.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <optional>
#include <utility>

namespace sennit {
namespace {

struct ShellArguments {
  std::optional<std::vector<std::string>> argv;
  std::optional<std::string> script;
  std::string directory;
  std::string input;
};
SENNIT_DESCRIBE(ShellArguments, (argv, "a program and its arguments, each a word of its own: no shell reads them"),
                (script, "instead of argv: a shell script"),
                (directory, "where to work; relative to the first folder", {.required = false}),
                (input, "given to its standard input", {.required = false}))

// Models write for bash; what has none understands most of it.
const char* shell_program() {
  return ::access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
}

std::vector<std::string> command_of(const ShellArguments& arguments) {
  const bool has_argv = arguments.argv && !arguments.argv->empty();
  const bool has_script = arguments.script && !arguments.script->empty();
  if (has_argv == has_script) {
    throw Error(errc::invalid_argument, "give either `argv` (a program and its arguments) or `script`");
  }
  if (has_argv) return *arguments.argv;
  if (arguments.script->size() > child::kMaxSource) {
    throw Error(errc::too_large, fmt::format("the script is longer than {} bytes", child::kMaxSource));
  }
  return {shell_program(), "-c", *arguments.script};
}

// The policy sees what will be run, before anything is checked.
std::vector<Facet> reach(const child::Settings& settings, const json::object& arguments) {
  std::vector<Facet> facets = child::hosts_of(settings);
  if (const json::value* argv = arguments.if_contains("argv"); argv != nullptr && argv->is_array()) {
    std::vector<std::string> words;
    for (const json::value& word : argv->get_array()) {
      words.push_back(word.is_string() ? std::string(word.get_string()) : json::serialize(word));
    }
    if (!words.empty()) facets.push_back({"command", child::quote(words)});
  }
  if (const json::value* script = arguments.if_contains("script"); script != nullptr && script->is_string()) {
    facets.push_back({"command", std::string(script->get_string())});
    facets.push_back({"script", "true"});
  }
  if (const json::value* directory = arguments.if_contains("directory");
      directory != nullptr && directory->is_string() && !directory->get_string().empty()) {
    facets.push_back({"path", spelt_path(directory->get_string())});
  }
  return facets;
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_shell(const json::object& options, const PartContext& context) {
  const auto chosen = read_options<child::Options>(options, "shell");
  const auto settings = std::make_shared<const child::Settings>(child::settings_of(chosen, context, "shell"));
  ToolTraits traits = child::traits_of(*settings, "shell");
  traits.reach = [settings](const json::object& arguments) { return reach(*settings, arguments); };
  return {make_tool(
      "shell", "Runs a program (argv) or a shell script (script)." + child::description_of(*settings),
      [settings](ShellArguments arguments, ToolContext& run) {
        std::vector<std::string> command = command_of(arguments);
        return child::perform(settings, std::move(command), std::move(arguments.directory), std::move(arguments.input),
                              run.environment());
      },
      std::move(traits))};
}

}  // namespace sennit
