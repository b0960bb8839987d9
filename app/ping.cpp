#include <sennit/agent/definition/shape.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/models_known.hpp>
#include <sennit/app/origin.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/ping.hpp>
#include <sennit/app/ping_report.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/signals.hpp>
#include <sennit/app/unicode.hpp>
#include <sennit/app/usage.hpp>
#include <sennit/backends/wire/provider_key.hpp>
#include <sennit/backends/wire/remote_stream.hpp>
#include <sennit/backends/wire/wire_model.hpp>
#include <sennit/plugins/builtin.hpp>

#include <CLI/CLI.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace sennit::app {
namespace {

struct PingSettings {
  std::string model;
  std::string api;
  std::string base_url;
  std::string timeout = "60s";
  bool no_tools = false;
};

constexpr std::string_view kTool = "pong";
/// Room for a reasoning model's thoughts, and a bound on what a ping may cost.
constexpr std::int64_t kMostTokens = 600;

constexpr char kNotes[] =
    "Asks for a few words, then for a call of a tool, and says what came of it. It costs what these few tokens cost.\n"
    "MODEL is provider/model, a name from `sennit models`, or an agent file, whose model it takes.\n\n"
    "Exit status: 0 all is right, 1 something failed, 2 used wrongly, 130 stopped by Ctrl-C.\n";

/// The model with its settings, as an agent would have it.
Definition definition_of(const PingSettings& settings, const Registry& registry) {
  std::error_code ignored;
  Definition definition;
  const bool is_file = settings.model.ends_with(".yaml") || settings.model.ends_with(".yml");
  if (is_file || std::filesystem::is_regular_file(settings.model, ignored)) {
    definition = read_agent({.file = settings.model, .model = {}, .settings = {}});
  } else {
    const std::vector<std::string> backends = registry.backend_names();
    const std::string_view first = std::string_view(settings.model).substr(0, settings.model.find('/'));
    definition.model.name = settings.model;
    if (std::ranges::count(backends, first) == 0) {
      const std::vector<KnownModel> meant = models_meant(*catalogue(), settings.model);
      if (meant.size() > 1) {
        throw Error(errc::invalid_argument,
                    fmt::format("several providers have {}: say which, such as {}", settings.model, meant.front().id));
      }
      definition.model.name = meant.front().id;
    }
  }
  ModelSpec& spec = definition.model;
  if (!settings.api.empty()) spec.api = settings.api;
  if (!settings.base_url.empty()) spec.base_url = settings.base_url;
  const auto patience = format::parse_duration(settings.timeout);
  if (!patience || *patience <= milliseconds::zero()) {
    throw Error(errc::invalid_argument,
                fmt::format("--timeout {}: a duration is wanted, such as 30s or 2m", settings.timeout));
  }
  for (milliseconds* limit :
       {&spec.connect_timeout, &spec.first_token_timeout, &spec.idle_timeout, &spec.total_timeout}) {
    *limit = *limit == milliseconds::zero() ? *patience : std::min(*limit, *patience);
  }
  return definition;
}

class Ping {
 public:
  Ping(Environment& environment, const Definition& definition, std::shared_ptr<const Backend> backend)
      : environment_(environment), spec_(definition.model), backend_(std::move(backend)) {
    find_target();
  }

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] int printed() const { return printed_; }

  asio::awaitable<void> run(bool with_tools) {
    const Selection selection = co_await backend_->select(environment_);
    if (selection.backend) {
      backend_ = selection.backend;
      target_.model = backend_->info().id;
    }
    say_what();
    if (!selection.notice.empty()) say({Mark::untold, "model", one_line(selection.notice)});
    if (!check_key()) co_return;
    const bool answered = co_await ask_for_words();
    if (answered && with_tools) co_await ask_for_call();
    if (usage_.total() > 0) say(cost_finding(usage_, backend_->info().prices));
  }

 private:
  /// What is asked, behind HTTP: where, with which key.
  void find_target() {
    target_.model = spec_.name;
    const std::shared_ptr<const Catalogue> known = catalogue();
    target_.provider = known->provider(spec_.name.substr(0, spec_.name.find('/')));
    if (target_.provider == nullptr) return;
    const WireModel wire = resolve_model(known, *target_.provider, spec_);
    target_.model = wire.id;
    target_.address = public_address(wire.url);
    target_.key_variable = key_variable_for(*target_.provider, spec_);
    options_.max_tokens = kMostTokens;
    // The least thinking: a ping is to be quick. Efforts rise.
    if (wire.entry.efforts && !wire.entry.efforts->empty()) options_.reasoning_effort = wire.entry.efforts->front();
    api_ = to_string(wire.api);
  }

  void say(const Finding& finding) {
    failed_ = failed_ || finding.mark == Mark::wrong;
    write(line_of(finding, colour_));
  }
  void write(const std::string& text) {
    if (printed_ == kExitCompleted) printed_ = print(text);
  }
  void say_what() {
    std::string words = one_line(target_.model);
    if (!api_.empty()) words += fmt::format(" · {} · {}", api_, one_line(target_.address));
    write(words + "\n");
  }

  bool check_key() {
    if (target_.provider == nullptr) return true;
    try {
      target_.has_key = !resolve_key(*target_.provider, spec_).empty();
    } catch (const Error& error) {
      say({Mark::wrong, "key", one_line(error.message())});
      return false;
    }
    return true;
  }

  void say_key() {
    if (target_.provider == nullptr) return;
    say({Mark::right, "address", "answers"});
    if (!target_.has_key) return say({Mark::untold, "key", "none was sent, and none was asked for"});
    const std::string_view from = target_.key_variable.empty() ? "the agent file's" : target_.key_variable;
    say({Mark::right, "key", fmt::format("{} is accepted", from)});
  }

  asio::awaitable<bool> ask_for_words() {
    const ProbeResult result = co_await probe(environment_, backend_,
                                              {.words = "Count from one to twenty in words, with commas.",
                                               .tools = {},
                                               .choice = ToolChoice::automatic,
                                               .options = options_});
    usage_ += result.completion.usage;
    if (result.error) {
      say(finding_of(*result.error, target_));
      co_return false;
    }
    say_key();
    const Finding finding = answer_finding(result);
    say(finding);
    co_return finding.mark != Mark::wrong;
  }

  [[nodiscard]] asio::awaitable<ProbeResult> ask_to_call(ToolChoice choice) {
    json::object parameters{{"type", "object"},
                            {"properties", {{"word", {{"type", "string"}}}}},
                            {"required", json::array{"word"}},
                            {"additionalProperties", false}};
    ProbeQuestion question{.words = fmt::format("Call the tool `{}` with the word \"ready\". Say nothing.", kTool),
                           .tools = {{std::string(kTool), "Says that all is well.", std::move(parameters)}},
                           .choice = choice,
                           .options = options_};
    return probe(environment_, backend_, std::move(question));
  }

  asio::awaitable<void> ask_for_call() {
    const auto& abilities = backend_->info().abilities;
    if (abilities && !abilities->contains(Ability::tools)) {
      say({Mark::untold, "tools", "not tried: the catalogue says that it calls none"});
      co_return;
    }
    ProbeResult result = co_await ask_to_call(ToolChoice::required);
    usage_ += result.completion.usage;
    // Models that think often take tools, but refuse to be forced.
    const bool unforced = result.error && result.error->code() == errc::bad_request;
    if (unforced) {
      ProbeResult again = co_await ask_to_call(ToolChoice::automatic);
      usage_ += again.completion.usage;
      if (!again.error) result = std::move(again);
    }
    Finding finding = tools_finding(result, kTool, target_);
    if (unforced && finding.mark == Mark::right) finding.words += " (it refuses to be forced to)";
    say(finding);
  }

  Environment& environment_;
  const ModelSpec spec_;
  std::shared_ptr<const Backend> backend_;
  PingTarget target_;
  std::string_view api_;
  CompletionOptions options_;
  Usage usage_;
  const bool colour_ = wants_colour(STDOUT_FILENO);
  bool failed_ = false;
  int printed_ = kExitCompleted;
};

/// Drives the loop until it is done, or a signal has stopped it; that signal.
int drive(asio::io_context& loop, asio::awaitable<void> work) {
  asio::cancellation_signal stop;
  int stopped = 0;
  Signals signals(loop);
  signals.handle([&](int signal) {
    if (signal == SIGWINCH) return;
    stopped = signal;
    stop.emit(asio::cancellation_type::terminal);
  });
  bool done = false;
  std::exception_ptr failure;
  asio::co_spawn(loop, std::move(work), asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr thrown) {
                   failure = std::move(thrown);
                   done = true;
                 }));
  while (!done && loop.run_one() != 0) {
  }
  if (failure && stopped == 0) std::rethrow_exception(failure);
  return stopped;
}

int ping(const PingSettings& settings) {
  asio::io_context loop(1);
  const auto work = asio::make_work_guard(loop);
  const CommonOptions nothing_kept{.state = {}, .no_store = true, .log = {}};
  Runtime runtime(builtin(), runtime_options(nothing_kept, loop));
  const Definition definition = definition_of(settings, runtime.registry());
  const PartContext context{definition, runtime.registry(), {}};
  Ping ping(runtime.shard(), definition, runtime.registry().backend(definition.model, context));
  const int signal = drive(loop, ping.run(!settings.no_tools));
  finish(loop, runtime);
  if (signal != 0) return 128 + signal;
  if (ping.printed() != kExitCompleted) return ping.printed();
  return ping.failed() ? kExitFailed : kExitCompleted;
}

}  // namespace

void add_ping(CLI::App& app, int& exit_code) {
  const auto settings = std::make_shared<PingSettings>();
  CLI::App* command = app.add_subcommand("ping", "Ask a model for a few words: its key, its speed, its tool calls");
  command->add_option("MODEL", settings->model, "The model, or an agent file")->required()->type_name("");
  command->add_option("--api", settings->api, "The protocol, where the provider speaks several")
      ->check(CLI::IsMember(std::vector<std::string>(api_names().begin(), api_names().end())))
      ->type_name("NAME");
  command->add_option("--base-url", settings->base_url, "Another address than the provider's")->type_name("URL");
  command->add_flag("--no-tools", settings->no_tools, "Ask for no tool call");
  command->add_option("--timeout", settings->timeout, "For each of the two questions at most (60s)")
      ->type_name("DURATION");
  refuse_empty(*command, "MODEL");
  command->footer(kNotes);
  command->callback([settings, &exit_code] { exit_code = ping(*settings); });
}

}  // namespace sennit::app
