#include <sennit/agent/definition.hpp>
#include <sennit/agent/io/process_command.hpp>
#include <sennit/tools/code.hpp>
#include <sennit/tools/options.hpp>
#include <sennit/tools/shell_child.hpp>

#include <boost/describe/enum.hpp>
#include <fmt/format.h>

#include <utility>

namespace sennit {
namespace {

enum class Language { python, javascript };
BOOST_DESCRIBE_ENUM(Language, python, javascript)

struct CodeArguments {
  Language language = Language::python;
  std::string source;
  std::string input;
};
SENNIT_DESCRIBE(CodeArguments, (language), (source, "the program; what it prints is the result", {.min_length = 1}),
                (input, "given to its standard input", {.required = false}))

struct Interpreter {
  const char* program;
  const char* package;
  const char* title;
};

Interpreter interpreter_of(Language language) {
  return language == Language::python ? Interpreter{"python3", "python3", "Python"}
                                      : Interpreter{"node", "nodejs", "JavaScript"};
}

// Empty: it is not installed where a sandbox looks.
std::string find(Language language) {
  Process::Command command;
  command.arguments = {interpreter_of(language).program};
  command.environment = {{"PATH", child::kPath}};
  try {
    return process::find_program(command);
  } catch (const Error&) {
    return {};
  }
}

std::vector<std::string> command_of(const CodeArguments& arguments) {
  if (arguments.source.size() > child::kMaxSource) {
    throw Error(errc::too_large, fmt::format("the source is longer than {} bytes", child::kMaxSource));
  }
  const std::string program = find(arguments.language);
  const Interpreter interpreter = interpreter_of(arguments.language);
  if (program.empty()) {
    throw Error(errc::not_found,
                fmt::format("{} cannot be run here: there is no '{}' in {} (Debian: apt install {})", interpreter.title,
                            interpreter.program, child::kPath, interpreter.package));
  }
  if (arguments.language == Language::python) return {program, "-I", "-c", arguments.source};
  return {program, "-e", arguments.source};
}

std::string languages_text() {
  std::string text;
  for (const Language language : {Language::python, Language::javascript}) {
    const Interpreter interpreter = interpreter_of(language);
    if (find(language).empty()) {
      text += fmt::format(" {} is not installed here ('{}' is missing).", interpreter.title, interpreter.program);
    }
  }
  return text;
}

std::vector<Facet> reach(const child::Settings& settings, const json::object& arguments) {
  std::vector<Facet> facets = child::hosts_of(settings);
  for (const char* name : {"language", "source"}) {
    const json::value* value = arguments.if_contains(name);
    if (value == nullptr || !value->is_string()) continue;
    facets.push_back({std::string_view(name) == "source" ? "command" : name, std::string(value->get_string())});
  }
  facets.push_back({"script", "true"});
  return facets;
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_code(const json::object& options, const PartContext& context) {
  const auto chosen = read_options<child::Options>(options, "code");
  const auto settings = std::make_shared<const child::Settings>(child::settings_of(chosen, context, "code"));
  ToolTraits traits = child::traits_of(*settings, "code");
  traits.reach = [settings](const json::object& arguments) { return reach(*settings, arguments); };
  return {make_tool(
      "code",
      "Runs a program in Python or JavaScript and gives what it prints." + languages_text() +
          child::description_of(*settings),
      [settings](CodeArguments arguments, ToolContext& run) {
        std::vector<std::string> command = command_of(arguments);
        return child::perform(settings, std::move(command), "", std::move(arguments.input), run.environment());
      },
      std::move(traits))};
}

}  // namespace sennit
