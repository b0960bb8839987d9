#include <sennit/app/assistant.hpp>
#include <sennit/app/chat.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/inputs.hpp>
#include <sennit/app/origin.hpp>
#include <sennit/app/repl.hpp>
#include <sennit/app/usage.hpp>
#include <sennit/plugins/builtin.hpp>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <filesystem>
#include <memory>

namespace sennit::app {
namespace {

struct ReplSettings {
  std::string agent;
  std::string session;
  std::string model;
  std::vector<std::string> values;
  bool yes = false;
};

Definition definition_of(const ReplSettings& settings, const CLI::App& app) {
  if (settings.agent.empty()) return assistant();
  if (std::filesystem::exists(settings.agent)) return read_definition(settings.agent);
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands(nullptr)) commands.push_back(command->get_name());
  const std::string_view near = nearest(settings.agent, commands);
  throw Error(errc::not_found,
              "there is no command and no agent file '" + settings.agent + "'" +
                  (near.empty() ? "; see sennit --help" : "; did you mean `sennit " + std::string(near) + "`?"));
}

/// How to start like this again. A program that was named by its path is not found by its name alone.
std::vector<std::string> command_of(const ReplSettings& settings, const CommonOptions& common, const char* name) {
  std::vector<std::string> words{std::string_view(name).find('/') == std::string_view::npos ? "sennit" : name};
  if (!common.state.empty()) words.insert(words.end(), {"--state", common.state.string()});
  if (!common.log.empty()) words.insert(words.end(), {"--log", common.log});
  for (const std::string& value : settings.values) words.insert(words.end(), {"--input", value});
  if (settings.yes) words.emplace_back("--yes");
  return words;
}

int converse(const ReplSettings& settings, const CommonOptions& common, const CLI::App& app, const char* name) {
  refuse_unkept(common, settings.session);
  ChatSettings chat;
  chat.definition = definition_of(settings, app);
  chat.origin = origin_of({.file = settings.agent, .model = {}, .settings = {}});
  chat.inputs = read_inputs(chat.definition, settings.values);
  chat.session = settings.session;
  chat.model = settings.model;
  chat.command = command_of(settings, common, name);
  if (settings.yes) chat.approvals = Approvals::allow;
  if (!Terminal::interactive(STDOUT_FILENO)) {
    throw Error(errc::invalid_argument,
                "a conversation needs a terminal; for a pipe or a file use `sennit run AGENT.yaml`");
  }
  asio::io_context loop(1);
  const auto work = asio::make_work_guard(loop);
  Signals signals(loop);
  Runtime runtime(builtin(), runtime_options(common, loop));
  const int code = Chat(loop, signals, runtime, std::move(chat)).converse();
  finish(loop, runtime);
  return code;
}

}  // namespace

void add_repl(CLI::App& app, const CommonOptions& common, const char* name, int& exit_code) {
  const auto settings = std::make_shared<ReplSettings>();
  app.add_option("AGENT", settings->agent, "Agent file to talk with; without one: Sennit's own assistant")
      ->type_name("");
  app.add_option("-s,--session", settings->session, "Continue this conversation, or begin it")->type_name("NAME");
  app.add_option("-m,--model", settings->model, "Another model than the file names")->type_name("NAME");
  app.add_option("-i,--input", settings->values, "A value for one of the agent's inputs")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_flag("-y,--yes", settings->yes, "Approve every call that asks");
  for (const char* name : {"--session", "--model"}) refuse_empty(app, name);
  app.final_callback([settings, &common, &app, name, &exit_code] {
    if (app.get_subcommands().empty()) exit_code = converse(*settings, common, app, name);
  });
}

}  // namespace sennit::app
