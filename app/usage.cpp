#include <sennit/agent/registry.hpp>
#include <sennit/app/usage.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {
namespace {

/// Of an option its name and what it takes; limits and defaults stand in its description, for people.
class Help : public CLI::Formatter {
 public:
  Help() {
    column_width(28);
    label("Positionals", "Arguments");
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_type_size() == 0 || option->get_positional()) return {};
    const std::string type = option->get_type_name();
    return " " + type.substr(0, type.find(':'));
  }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    if (app->get_parent() != nullptr) return Formatter::make_usage(app, name);
    return "Usage: sennit [OPTIONS] [AGENT]\n       sennit COMMAND [OPTIONS] …\n";
  }
};

/// The command that was being read: the subcommand that was named, if one was.
const CLI::App& innermost(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// "sennit runs list"
std::string name_of(const CLI::App& command) {
  return command.get_parent() == nullptr ? "sennit" : name_of(*command.get_parent()) + " " + command.get_name();
}

std::vector<std::string> names_of_commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

/// What was typed and has no meaning.
std::string describe_extras(const CLI::App& app, const CLI::App& command) {
  const std::vector<std::string> extras = app.remaining(true);
  if (extras.empty()) return "an argument was not expected";
  const std::string& first = extras.front();
  if (first.starts_with('-')) {
    const std::vector<std::string> known = option_names(command);
    const std::string_view near = nearest(first.substr(0, first.find('=')), known);
    return fmt::format("there is no option {}{}", first, near.empty() ? "" : fmt::format("; did you mean {}?", near));
  }
  if (const std::vector<std::string> known = names_of_commands(command); &command != &app && !known.empty()) {
    const std::string_view near = nearest(first, known);
    return fmt::format("there is no command '{} {}'{}", name_of(command), first,
                       near.empty() ? "" : fmt::format("; did you mean `{} {}`?", name_of(command), near));
  }
  if (&command != &app) return fmt::format("'{}' was not expected", first);
  const std::string agent = app["AGENT"]->as<std::string>();
  const std::vector<std::string> commands = names_of_commands(app);
  if (const std::string_view near = nearest(agent, commands); !near.empty())
    return fmt::format("there is no command '{}'; did you mean `sennit {}`?", agent, near);
  return fmt::format("'{}' was not expected: a conversation begins without words; `sennit run {} …` takes them", first,
                     agent);
}

std::string say_usage_error(const CLI::App* app, const CLI::Error& error) {
  const CLI::App& command = innermost(*app);
  const bool extras = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  return fmt::format("sennit: error: {}\nSee `{} --help`.\n", extras ? describe_extras(*app, command) : error.what(),
                     name_of(command));
}

}  // namespace

void add_usage(CLI::App& app) {
  app.formatter(std::make_shared<Help>());
  app.failure_message(say_usage_error);
}

void refuse_empty(CLI::App& app, const char* option) {
  app.get_option(option)->check(
      [](const std::string& value) { return value.empty() ? std::string("a name is wanted, not ''") : std::string{}; });
}

}  // namespace sennit::app
