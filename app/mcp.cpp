#include <sennit/agent/definition/shape.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/signal.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/mcp.hpp>
#include <sennit/app/mcp_http.hpp>
#include <sennit/app/origin.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/signals.hpp>
#include <sennit/app/usage.hpp>
#include <sennit/mcp/server/agent_service.hpp>
#include <sennit/mcp/server/http_endpoint.hpp>
#include <sennit/mcp/server/stdio_endpoint.hpp>
#include <sennit/plugins/builtin.hpp>

#include <CLI/CLI.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace sennit::app {
namespace {

constexpr char kMcpNotes[] =
    "Each agent is one tool, which takes its task as `input`. A client that can ask its person is\n"
    "asked where the agent's policy asks; without one such calls are declined.\n\n"
    "Over standard input and output nothing but the protocol is printed there; logs go to standard\n"
    "error. The end of the input ends it. With --http a client has to bring a token, which is\n"
    "printed on standard error unless --token says where it comes from.\n\n"
    "Exit status: 0 ended by the client, Ctrl-C or SIGTERM; 1 failed; 2 used wrongly.\n";

// What is under way when it ends.
constexpr milliseconds kGrace{3'000};
// For the answers to leave.
constexpr milliseconds kLastWords{500};

struct McpSettings {
  std::vector<std::string> files;
  std::string model;
  McpHttpSettings http;
  bool tools = false;
  bool no_agents = false;
  bool untrusted = false;
  std::string timeout = "1h";
};

mcp::ServerLimits limits_of(const McpSettings& settings) {
  const auto limit = format::parse_duration(settings.timeout);
  if (!limit || *limit <= milliseconds::zero()) {
    throw Error(errc::invalid_argument, "--timeout " + settings.timeout + ": a duration is wanted, such as 10m or 2h");
  }
  return {.call_timeout = *limit};
}

mcp::AgentServiceOptions service_options(const McpSettings& settings) {
  if (settings.no_agents && !settings.tools) {
    throw Error(errc::invalid_argument, "with --no-agents and without --tools there is nothing to offer");
  }
  mcp::AgentServiceOptions options;
  options.tools = settings.tools;
  options.agents = !settings.no_agents;
  if (settings.untrusted) options.labels.untrusted = {"mcp-client"};
  return options;
}

void add_agents(mcp::AgentService& service, const McpSettings& settings) {
  for (const std::string& file : settings.files) {
    const AgentSource source{.file = file, .model = settings.model, .settings = {}};
    service.add(read_agent(source), origin_of(source));
  }
}

void say(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

/// What is served, until it is told to end.
class Serving {
 public:
  Serving(Runtime& runtime, mcp::Server& server) : runtime_(runtime), environment_(runtime.shard()), server_(server) {}

  asio::awaitable<void> over_stdio() {
    TaskScope talking(environment_.executor(), [this](const Error& error) { failure_ = error; });
    talking.spawn(talk());
    co_await ended_.wait();
    // Where the client left, nothing is under way any more; where we are told to end, runs that are kept are suspended.
    co_await runtime_.shutdown(kGrace);
    co_await server_.stop(kLastWords);
    talking.cancel();
    co_await talking.join();
    if (failure_) throw Error(*failure_);
  }

  asio::awaitable<void> over_http(const McpHttpSettings& settings) {
    bool made = false;
    mcp::HttpEndpointOptions options;
    options.access = access_of(settings, environment_, made);
    const std::string token = options.access.token;
    mcp::HttpEndpoint endpoint(server_, std::move(options));
    http::Server front(environment_, listen_options(settings),
                       [&endpoint](http::ServerRequest request, http::ServerAnswer& answer) {
                         return endpoint.handle(std::move(request), answer);
                       });
    tell(settings, front.port(), made ? token : std::string());
    co_await ended_.wait();
    say("sennit: ending\n");
    co_await runtime_.shutdown(kGrace);
    co_await server_.stop(kLastWords);
    co_await front.stop(kLastWords);
  }

  void end() { ended_.notify(); }

 private:
  asio::awaitable<void> talk() {
    std::optional<Error> failure;
    try {
      auto talking = mcp::serve_stdio(server_, STDIN_FILENO, STDOUT_FILENO);
      co_await std::move(talking);
    } catch (...) {
      failure = current_error();
    }
    end();
    if (failure) throw Error(*failure);
  }

  static void tell(const McpHttpSettings& settings, std::uint16_t port, const std::string& token) {
    const std::string address = listen_options(settings).address;
    const std::string host = address.find(':') == std::string::npos ? address : "[" + address + "]";
    say(fmt::format("sennit: serving at http://{}:{}{}\n", host, port, settings.path));
    if (!token.empty()) say(fmt::format("sennit: clients send the header `Authorization: Bearer {}`\n", token));
    if (settings.no_token) say("sennit: without a token: every program of this machine may use it\n");
  }

  Runtime& runtime_;
  Environment& environment_;
  mcp::Server& server_;
  Signal ended_;
  std::optional<Error> failure_;
};

int serve_mcp(const McpSettings& settings, const CommonOptions& common) {
  asio::io_context loop(1);
  const auto work = asio::make_work_guard(loop);
  Signals signals(loop);
  Runtime runtime(builtin(), runtime_options(common, loop));
  mcp::AgentService service(runtime, service_options(settings));
  add_agents(service, settings);
  std::optional<Error> failure;
  {
    mcp::Server server(runtime.shard(), service, limits_of(settings));
    Serving serving(runtime, server);
    signals.handle([&serving](int signal) {
      if (signal != SIGWINCH) serving.end();
    });
    try {
      await(loop, settings.http.listen.empty() ? serving.over_stdio() : serving.over_http(settings.http));
    } catch (...) {
      failure = current_error();
    }
    signals.handle({});
    finish(loop, runtime);
  }
  return failure ? report(*failure) : kExitCompleted;
}

}  // namespace

void add_mcp(CLI::App& app, CommonOptions& common, int& exit_code) {
  const auto settings = std::make_shared<McpSettings>();
  CLI::App* command = app.add_subcommand("mcp", "Offer agents and their tools to MCP clients");
  command->add_option("AGENT", settings->files, "Agent files")->required()->type_name("");
  command->add_option("-m,--model", settings->model, "Another model than the files name")->type_name("NAME");
  command->add_flag("--tools", settings->tools, "Offer the agents' own tools too, under their policies");
  command->add_flag("--no-agents", settings->no_agents, "Offer the tools only");
  command->add_flag("--untrusted", settings->untrusted, "What clients send may not steer what has consequences");
  command->add_option("--timeout", settings->timeout, "For one call, what it waits for included (default: 1h)")
      ->type_name("DURATION");
  command->add_option("--http", settings->http.listen, "Serve over HTTP: 8080, 127.0.0.1:8080")->type_name("ADDRESS");
  command->add_option("--path", settings->http.path, "Where (default: /mcp)")->type_name("PATH");
  CLI::Option* token = command->add_option("--token", settings->http.token,
                                           "The token that clients bring: '${env:NAME}', '${file:PATH}'");
  token->type_name("REFERENCE");
  command->add_flag("--no-token", settings->http.no_token, "Let every program of this machine in")->excludes(token);
  command->add_option("--allow-host", settings->http.hosts, "A name by which clients may call this server")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->add_option("--allow-origin", settings->http.origins, "Pages that may use it: https://app.example.com")
      ->type_name("ORIGIN")
      ->allow_extra_args(false);
  add_common_options(*command, common);
  for (const char* name : {"AGENT", "--model", "--http", "--token"}) refuse_empty(*command, name);
  command->footer(kMcpNotes);
  command->callback([settings, &common, &exit_code] { exit_code = serve_mcp(*settings, common); });
}

}  // namespace sennit::app
