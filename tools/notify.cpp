#include <sennit/agent/io/process.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/agent/secret.hpp>
#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/child_exchange.hpp>
#include <sennit/tools/http_exchange.hpp>
#include <sennit/tools/notify.hpp>
#include <sennit/tools/options.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <utility>

namespace sennit {
namespace {

constexpr milliseconds kTimeToReport{5'000};  // the call ends by itself and says more than the run's own limit could
constexpr std::size_t kMaxText = 4000;        // characters; ntfy takes 4096 bytes as a message
constexpr std::size_t kMaxTitle = 100;
constexpr std::size_t kMaxAnswer = 16U << 10U;

struct NotifyOptions {
  std::vector<std::string> command;
  std::string url;
  std::map<std::string, std::string> headers;
  std::string json;
  std::string ca_file;
  json::value timeout = 30;
};
SENNIT_DESCRIBE(NotifyOptions, (command), (url), (headers), (json), (ca_file), (timeout))

struct NotifyArguments {
  std::string text;
  std::string title;
};
SENNIT_DESCRIBE(NotifyArguments, (text, "what the person should know", {.min_length = 1, .max_length = kMaxText}),
                (title, "a few words that stand above it", {.max_length = kMaxTitle, .required = false}))

using SettingsPointer = std::shared_ptr<const NotifySettings>;

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return text;
}

std::string words_of(const NotifyArguments& arguments) {
  return arguments.title.empty() ? arguments.text : one_line(arguments.title) + "\n" + arguments.text;
}

/// A word of the command. What a model writes must not become an option of the program.
std::string filled(const std::string& word, const NotifyArguments& arguments) {
  const std::string pattern = has_reference(word) ? Secret(word).resolve() : word;
  std::string result;
  for (std::size_t i = 0; i < pattern.size();) {
    const std::string_view rest = std::string_view(pattern).substr(i);
    const bool is_text = rest.starts_with("{text}");
    const bool is_title = rest.starts_with("{title}");
    if (!is_text && !is_title) {
      result += pattern[i++];
      continue;
    }
    const std::string value = is_text ? arguments.text : one_line(arguments.title);
    if (result.empty() && value.starts_with('-')) result += ' ';
    std::copy_if(value.begin(), value.end(), std::back_inserter(result), [](char c) { return c != '\0'; });
    i += is_text ? 6 : 7;
  }
  return result;
}

/// What programs of a desktop need of our environment; nothing that may hold a secret.
std::map<std::string, std::string> desktop() {
  constexpr std::array<const char*, 10> kNames{
      "DBUS_SESSION_BUS_ADDRESS", "DISPLAY",    "HOME",           "LANG", "LOGNAME", "PATH", "USER",
      "WAYLAND_DISPLAY",          "XAUTHORITY", "XDG_RUNTIME_DIR"};
  std::map<std::string, std::string> environment;
  for (const char* name : kNames) {
    const char* const value = std::getenv(name);
    if (value != nullptr) environment[name] = value;
  }
  return environment;
}

asio::awaitable<std::string> run_command(SettingsPointer settings, NotifyArguments arguments,
                                         Environment& environment) {
  Process::Command command;
  command.environment = desktop();
  bool filled_in = false;
  for (const std::string& word : settings->command) {
    filled_in = filled_in || word.find("{text}") != std::string::npos || word.find("{title}") != std::string::npos;
    command.arguments.push_back(filled(word, arguments));
  }
  const std::string program = settings->command.front();
  asio::awaitable<Process> starting = Process::start(std::move(command));
  Process started = co_await std::move(starting);
  const auto process = std::make_shared<Process>(std::move(started));
  asio::awaitable<ChildOutput> exchanging =
      exchange(environment, process, *process, filled_in ? std::string() : words_of(arguments), kMaxAnswer);
  const ChildOutput said = co_await std::move(exchanging);
  asio::awaitable<ExitStatus> ending = process->wait();
  const ExitStatus status = co_await std::move(ending);
  if (!status.success() && !said.cut) {
    throw Error(errc::io, fmt::format("{} failed ({} {}): {}", program, status.signal == 0 ? "status" : "signal",
                                      status.signal == 0 ? status.code : status.signal,
                                      sanitize_utf8(one_line(said.errors.substr(0, 300)))));
  }
  co_return std::string("the person was notified");
}

asio::awaitable<ToolOutput> show_answer(http::Answer answer) {
  if (answer.status / 100 == 2) co_return ToolOutput{"the person was notified"};
  // Not its body: that is a stranger's text, and the model could do nothing with it.
  co_return ToolOutput{fmt::format("the notification was not taken: HTTP {}", answer.status), true};
}

/// Headers go over https, except to this machine.
void check_way(const NotifySettings& settings, const http::Target& target) {
  const bool here = target.host == "localhost" || target.host.starts_with("127.") || target.host == "[::1]";
  if (!settings.headers.empty() && target.url.starts_with("http:") && !here) {
    throw Error(errc::config, "notify: `headers` are sent over https only: use an https:// URL");
  }
}

asio::awaitable<ToolOutput> post(SettingsPointer settings, NotifyArguments arguments, std::string key,
                                 ToolContext& context) {
  http::Call call{
      "POST",        Secret(settings->url).resolve_address(), {}, words_of(arguments), "text/plain; charset=utf-8",
      std::move(key)};
  if (!settings->json.empty()) {
    call.body = json::serialize(json::object{{settings->json, call.body}});
    call.content_type = "application/json";
  }
  HttpSettings http;
  const http::Target target = http::check_url(call.url, {});
  check_way(*settings, target);
  http.allow_hosts = {target.authority};
  http.allow_private = true;  // the agent file names the address, not the model
  http.headers = settings->headers;
  http.ca_file = settings->ca_file;
  http.timeout = settings->timeout;
  http.trusted = {target.authority};
  auto shared = std::make_shared<const HttpSettings>(std::move(http));
  auto performing = http::perform(std::move(shared), std::move(call), context, kMaxAnswer, &show_answer);
  ToolOutput output = co_await std::move(performing);
  co_return output;
}

asio::awaitable<ToolOutput> notify(SettingsPointer settings, NotifyArguments arguments, ToolContext& context) {
  if (!settings->url.empty()) {
    auto posting = post(settings, std::move(arguments), context.effect_id(), context);
    ToolOutput output = co_await std::move(posting);
    co_return output;
  }
  if (settings->command.empty()) {
    context.progress(words_of(arguments));
    co_return ToolOutput{"shown to the person"};
  }
  auto running = run_command(settings, std::move(arguments), context.environment());
  asio::awaitable<std::string> bounded =
      with_timeout(context.environment(), settings->timeout, std::move(running), settings->command.front());
  std::string text = co_await std::move(bounded);
  co_return ToolOutput{std::move(text)};
}

/// The host, where it is written out.
std::string checked_host(const NotifySettings& settings) {
  if (has_reference(settings.url)) return {};
  const http::Target target = http::check_url(settings.url, {});
  check_way(settings, target);
  return target.host;
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_notify(NotifySettings settings) {
  if (!settings.command.empty() && !settings.url.empty()) {
    throw Error(errc::config, "notify: give either `command` or `url`");
  }
  if (settings.url.empty() && (!settings.headers.empty() || !settings.json.empty())) {
    throw Error(errc::config, "notify: `headers` and `json` belong to a `url`");
  }
  if (!settings.command.empty() && settings.command.front().empty()) {
    throw Error(errc::config, "notify: `command` names no program");
  }
  ToolTraits traits{.repeat = Repeat::never, .timeout = settings.timeout + kTimeToReport, .concurrency = 2};
  traits.touches.process = !settings.command.empty();
  traits.touches.network = traits.touches.process || !settings.url.empty();  // a program sends it somewhere
  if (!settings.url.empty()) {
    try {
      const std::string host = checked_host(settings);
      traits.facets[host.empty() ? std::string("=notify") : "=" + host] = host.empty() ? "destination" : "host";
    } catch (const Error& error) {
      throw Error(errc::config, error.code() == errc::config ? error.message() : "notify: url: " + error.message());
    }
  }
  const auto shared = std::make_shared<const NotifySettings>(std::move(settings));
  return {make_tool(
      "notify", "Tells the person something when they may not be looking: that a long task is done, or needs them.",
      [shared](NotifyArguments arguments, ToolContext& context) {
        return notify(shared, std::move(arguments), context);
      },
      traits)};
}

std::vector<std::shared_ptr<Tool>> make_notify_tools(const json::object& options, const PartContext& context) {
  auto chosen = read_options<NotifyOptions>(options, "notify");
  NotifySettings settings;
  settings.command = std::move(chosen.command);
  settings.url = std::move(chosen.url);
  settings.headers = std::move(chosen.headers);
  settings.json = std::move(chosen.json);
  if (!chosen.ca_file.empty()) settings.ca_file = (context.definition.directory() / chosen.ca_file).string();
  settings.timeout = duration_option(chosen.timeout, "notify");
  return make_notify(std::move(settings));
}

}  // namespace sennit
