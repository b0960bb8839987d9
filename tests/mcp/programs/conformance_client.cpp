// The client of the official conformance suite: `mcp_conformance_client URL`, with MCP_CONFORMANCE_SCENARIO,
// MCP_CONFORMANCE_PROTOCOL_VERSION and MCP_CONFORMANCE_CONTEXT in the environment. It makes of the server what an agent
// file makes of one, calls what it offers, and is a person who agrees to everything and a browser that signs in.
#include <sennit/agent/event.hpp>
#include <sennit/agent/io/http.hpp>
#include <sennit/agent/io/loop_environment.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/mcp/client/mcp_source.hpp>
#include <sennit/mcp/client/oauth_fetch.hpp>
#include <sennit/mcp/client/oauth_rules.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>

using namespace sennit;

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class Context final : public ToolContext {
 public:
  explicit Context(Environment& environment) : environment_(environment) {}
  Environment& environment() override { return environment_; }
  const std::string& effect_id() const override { return nothing_; }
  const std::string& session() const override { return nothing_; }
  Memory* memory() override { return nullptr; }
  const Labels& labels() const override { return labels_; }
  void progress(std::string text) override { std::cerr << "progress: " << text << '\n'; }
  // Defaults where there are some; else what fits a plain field.
  asio::awaitable<std::string> ask(std::string question) override {
    std::cerr << "asked: " << question << '\n';
    if (question.find("; empty:") != std::string::npos) co_return std::string();
    co_return std::string("yes");
  }
  asio::awaitable<Outcome> delegate(const Agent& /*agent*/, std::string /*task*/) override {
    throw Error(errc::denied, "no model here");
  }

 private:
  Environment& environment_;
  std::string nothing_;
  Labels labels_;
};

/// Follows where it is sent, as a browser does.
asio::awaitable<void> browse(Environment& environment, std::string url) {
  for (int i = 0; i < 5; ++i) {
    http::Request request;
    request.url = url;
    auto sending = environment.http().send(std::move(request));
    const auto response = co_await std::move(sending);
    (void)co_await http::read_all(*response);
    std::cerr << "browser: " << response->status() << ' ' << url << '\n';
    if (response->status() < 300 || response->status() >= 400) co_return;
    url = response->header("location");
  }
}

json::value sample(const json::value& schema) {
  const std::string_view type = find_string(schema, "type");
  if (type == "integer") return 1;
  if (type == "number") return 1.5;
  if (type == "boolean") return true;
  if (type == "array") return json::array();
  if (type == "object") return json::object();
  return "text";
}

json::object arguments_for(const json::object& schema) {
  json::object arguments;
  const json::value* properties = schema.if_contains("properties");
  if (properties == nullptr || !properties->is_object()) return arguments;
  for (const auto& [name, property] : properties->get_object()) arguments[name] = sample(property);
  return arguments;
}

/// Whether the scenario is only about some of the calls.
json::array calls_of(const std::vector<std::shared_ptr<Tool>>& tools, const json::value& context) {
  if (const json::value* given = find(context, "toolCalls"); given != nullptr && given->is_array()) {
    json::array calls;
    for (const json::value& call : given->get_array()) {
      calls.push_back(
          {{"name", "t_" + std::string(find_string(call, "name"))}, {"arguments", *find(call, "arguments")}});
    }
    return calls;
  }
  json::array calls;
  const json::value* schema = nullptr;
  for (const auto& tool : tools) {
    const ToolDescription& description = tool->spec().description;
    json::object arguments = arguments_for(description.parameters);
    // json-schema-2020-12-preservation wants back the schema of the first tool as it was understood.
    static json::value first;
    if (schema == nullptr) {
      first = description.parameters;
      schema = &first;
    }
    if (arguments.contains("schema")) arguments["schema"] = *schema;
    if (description.name == "t_read_resource") arguments["uri"] = "file:///path/to/file%20name.txt";
    if (description.name == "t_get_prompt") arguments = {{"name", "test_prompt"}, {"arguments", json::object()}};
    calls.push_back({{"name", description.name}, {"arguments", std::move(arguments)}});
  }
  return calls;
}

McpServer server_for(const std::string& url, const json::value& context) {
  const std::string version = variable("MCP_CONFORMANCE_PROTOCOL_VERSION");
  McpServer server;
  server.name = "t";
  server.url = url;
  server.era = version.empty() ? "auto" : version >= "2026" ? "modern" : "legacy";
  server.timeout = milliseconds(10'000);
  server.start_timeout = milliseconds(10'000);
  server.auth = "oauth";
  server.client_id = find_string(context, "client_id");
  server.client_secret = Secret(std::string(find_string(context, "client_secret")));
  if (server.client_id.empty()) server.client_id = "https://conformance-test.local/client-metadata.json";
  return server;
}

/// What somebody writes into the agent file beside the secret that he was given; the suite does not say it.
asio::awaitable<std::string> issuer_of(Environment& environment, std::string url) {
  auto fetching = mcp::oauth::fetch_first(environment, {.loopback = true, .allow_private = false},
                                          mcp::oauth::resource_metadata_urls(url, {}));
  const std::optional<std::string> text = co_await std::move(fetching);
  if (!text) co_return mcp::oauth::origin_of(url);
  const std::vector<std::string> issuers =
      mcp::oauth::strings_at(json::parse(*text).as_object(), "authorization_servers");
  co_return issuers.empty() ? std::string() : issuers.front();
}

asio::awaitable<void> speak(Environment& environment, std::string url, int& failures) {
  const json::value context = parse_json(variable("MCP_CONFORMANCE_CONTEXT")).value_or(json::object());
  const Definition definition;
  const Registry registry;
  McpServer server = server_for(url, context);
  if (!server.client_secret.empty()) {
    auto finding = issuer_of(environment, url);
    server.issuer = co_await std::move(finding);
  }
  const auto source = make_mcp_source(server, PartContext{definition, registry, {}});
  auto listing = source->tools(environment);
  const auto tools = co_await std::move(listing);
  for (const std::string& notice : source->take_notices()) std::cerr << "notice: " << notice << '\n';
  Context person(environment);
  for (const json::value& call : calls_of(tools, context)) {
    for (const auto& tool : tools) {
      if (tool->spec().description.name != find_string(call, "name")) continue;
      try {
        json::object arguments = find(call, "arguments")->as_object();
        std::cerr << "call: " << find_string(call, "name") << ' ' << json::serialize(arguments) << '\n';
        auto calling = tool->call(std::move(arguments), person);
        const ToolOutput output = co_await std::move(calling);
        std::cerr << "result: " << output.content << '\n';
      } catch (const Error& error) {
        std::cerr << "failed: " << error.describe() << '\n';
        if (error.code() == errc::permission || error.code() == errc::authentication) ++failures;
      }
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 2;
  asio::io_context loop(1);
  Pool pool(1);
  LoopEnvironment* world = nullptr;
  std::vector<std::shared_ptr<asio::cancellation_signal>> never;
  const auto spawn = [&](asio::awaitable<void> work, std::function<void(std::exception_ptr)> then) {
    never.push_back(std::make_shared<asio::cancellation_signal>());
    asio::co_spawn(loop, spawnable(std::move(work)),
                   asio::bind_cancellation_slot(never.back()->slot(), std::move(then)));
  };
  LoopEnvironment environment(loop.get_executor(), pool, [&](const LogRecord& record) {
    std::cerr << record.component << ": " << record.message << '\n';
    const std::size_t at = record.message.find("open this address: ");
    if (at == std::string::npos) return;
    spawn(browse(*world, record.message.substr(at + 19)), [](const std::exception_ptr&) {});
  });
  world = &environment;
  int failures = 0;
  std::exception_ptr failure;
  spawn(speak(environment, arguments[count - 1], failures),
        [&](std::exception_ptr thrown) { failure = std::move(thrown); });
  loop.run();
  environment.close();
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
  return failures == 0 ? 0 : 1;
}
