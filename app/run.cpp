#include <sennit/agent/agent.hpp>
#include <sennit/agent/definition/shape.hpp>
#include <sennit/app/attachments.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/foreground.hpp>
#include <sennit/app/inputs.hpp>
#include <sennit/app/origin.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/run.hpp>
#include <sennit/app/usage.hpp>
#include <sennit/plugins/builtin.hpp>

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

namespace sennit::app {
namespace {

struct RunSettings {
  AgentSource agent;
  std::vector<std::string> input;
  std::vector<std::string> values;
  std::vector<std::string> attached;
  std::vector<std::string> tags;
  std::vector<std::string> labels;
  std::string session;
  std::string wait;
  ForegroundSettings foreground;
};

constexpr char kRunNotes[] =
    "On a terminal everything is shown as it happens. Into a pipe or a file go the agent's\n"
    "words as they come, and nothing else; tools, notices and the footer go to standard\n"
    "error. --quiet prints the final answer alone. --json prints one event a line.\n"
    "Calls that need approval are asked for where a terminal is there, and declined\n"
    "elsewhere, unless --yes, --no or --suspend says so beforehand.\n";

milliseconds read_wait(const std::string& wait) {
  if (wait.empty()) return milliseconds::zero();
  const auto duration = format::parse_duration(wait);
  if (duration) return *duration;
  throw Error(errc::invalid_argument, "--wait " + wait + ": a duration is wanted, such as 30s or 10m");
}

/// `untrusted=mail`, `private=crm`.
Labels read_labels(const std::vector<std::string>& given) {
  Labels labels;
  for (const std::string& label : given) {
    const std::size_t equals = label.find('=');
    const std::string kind = label.substr(0, equals);
    const std::string origin = equals == std::string::npos ? std::string() : label.substr(equals + 1);
    if (origin.empty() || (kind != "untrusted" && kind != "private")) {
      throw Error(errc::invalid_argument,
                  "--label " + label + ": untrusted=ORIGIN or private=ORIGIN is wanted, such as untrusted=mail");
    }
    if (kind == "untrusted") labels.add_untrusted(origin);
    if (kind == "private") labels.add_confidential(origin);
  }
  return labels;
}

int run_agent(const RunSettings& settings, const CommonOptions& common) {
  refuse_unkept(common, settings.session);
  if (common.no_store && settings.foreground.suspend) {
    throw Error(errc::invalid_argument, "--suspend keeps the run, and with --no-store nothing is");
  }
  const milliseconds wait = read_wait(settings.wait);
  Labels labels = read_labels(settings.labels);
  asio::io_context loop(1);
  const auto work = asio::make_work_guard(loop);
  Signals signals(loop);
  Runtime runtime(builtin(), runtime_options(common, loop));
  Definition definition = read_agent(settings.agent);
  std::map<std::string, json::value> inputs = read_inputs(definition, settings.values);
  std::vector<Blob> attachments = read_attachments(settings.attached);
  std::string input = read_input(settings.input);

  Foreground foreground(loop, signals, settings.foreground);
  RunOptions options = foreground.options();
  options.inputs = std::move(inputs);
  options.attachments = std::move(attachments);
  options.tags = settings.tags;
  options.labels = std::move(labels);
  options.origin = origin_of(settings.agent);
  options.wait_for_session = wait;
  Agent agent(runtime, std::move(definition));
  Session session = agent.session(settings.session);
  const Outcome outcome = foreground.follow(session.start(std::move(input), std::move(options)));
  foreground.leave();
  finish(loop, runtime);
  return foreground.status(outcome);
}

}  // namespace

void add_run(CLI::App& app, CommonOptions& common, int& exit_code) {
  const auto settings = std::make_shared<RunSettings>();
  CLI::App* run = app.add_subcommand("run", "Run an agent once");
  run->add_option("AGENT", settings->agent.file, "Agent file")->required()->type_name("");
  run->add_option("INPUT", settings->input, "What to say to it; - or nothing: standard input")->type_name("");
  run->add_option("-s,--session", settings->session, "Continue this conversation, or begin it")->type_name("NAME");
  run->add_option("-m,--model", settings->agent.model, "Another model than the file names")->type_name("NAME");
  run->add_option("-i,--input", settings->values, "A value for one of the agent's inputs")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  run->add_option("-a,--attach", settings->attached, "An image, a PDF or a sound that belongs to the input; or its URL")
      ->type_name("FILE")
      ->allow_extra_args(false);
  run->add_option("--tag", settings->tags, "A word for the rules of model.route")
      ->type_name("WORD")
      ->allow_extra_args(false);
  run->add_option("--label", settings->labels,
                  "Where the input comes from, for the policy: untrusted=mail, private=crm")
      ->type_name("KIND=ORIGIN")
      ->allow_extra_args(false);
  run->add_option("--wait", settings->wait, "Where the session has a run, wait for its end, at most so long: 10m")
      ->type_name("DURATION");
  add_output_options(*run, settings->foreground);
  add_approval_options(*run, settings->foreground);
  add_common_options(*run, common);
  for (const char* name : {"AGENT", "--session", "--model"}) refuse_empty(*run, name);
  run->footer(std::string(kRunNotes) + "\n" + kExitCodeTable);
  run->callback([settings, &common, &exit_code] { exit_code = run_agent(*settings, common); });
}

}  // namespace sennit::app
