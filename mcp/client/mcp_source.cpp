#include <sennit/agent/io/digest.hpp>
#include <sennit/agent/sandbox_box.hpp>
#include <sennit/agent/schema/validate.hpp>
#include <sennit/agent/secret_words.hpp>
#include <sennit/mcp/client/hop.hpp>
#include <sennit/mcp/client/http_link.hpp>
#include <sennit/mcp/client/mcp_source.hpp>
#include <sennit/mcp/client/mcp_tool.hpp>
#include <sennit/mcp/client/oauth.hpp>
#include <sennit/mcp/client/sse_link.hpp>
#include <sennit/mcp/client/stdio_link.hpp>
#include <sennit/mcp/client/tool_names.hpp>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace sennit {
namespace {

using namespace mcp;

constexpr std::size_t kMaxNotices = 100;
constexpr std::size_t kShown = 128;  // bytes of a tool's name

/// Paths become absolute, so that nobody else needs to know the agent file.
McpServer resolved(McpServer server, const std::filesystem::path& folder) {
  const auto absolute = [&](const std::filesystem::path& path) {
    return std::filesystem::weakly_canonical(folder / path);
  };
  if (!server.command.empty()) server.directory = absolute(server.directory);
  for (auto* list : {&server.roots, &server.sandbox.read, &server.sandbox.write}) {
    for (std::filesystem::path& path : *list) path = absolute(path);
  }
  return server;
}

std::string shown_command(const McpServer& server) {
  return fmt::format("{}", fmt::join(without_secrets(server.command), " "));
}

/// For people. What stands behind `?` or before `@` may be a secret.
std::string shown_url(const std::string& url) {
  if (url.find("${") != std::string::npos) return Secret(url).describe();
  std::string shown = url.substr(0, url.find_first_of("?#"));
  const std::size_t host = shown.find("://");
  const std::size_t at = shown.find('@');
  if (host != std::string::npos && at != std::string::npos && at < shown.find('/', host + 3)) {
    shown.erase(host + 3, at - host - 2);
  }
  return shown;
}

/// In the pins: a server is what is started, or asked; its name in an agent file says nothing about it.
std::string identity_of(const McpServer& server) {
  if (!server.command.empty()) {
    return json::serialize(json::value_from(with_fingerprints(server.command)));
  }
  return shown_url(server.url) + " " + Secret(server.url).fingerprint();
}

/// Values may be secrets, names are not.
json::array names_in(const std::map<std::string, std::string>& map) {
  json::array names;
  for (const auto& [name, value] : map) names.emplace_back(name + "#" + Secret(value).fingerprint());
  return names;
}

class McpSource final : public ToolSource {
 public:
  McpSource(const McpServer& server, const PartContext& context)
      : server_(std::make_shared<const McpServer>(resolved(server, context.definition.directory()))),
        state_(context.state),
        accepts_unsandboxed_(context.accepts_unsandboxed()),
        kept_(sandbox_settings(server.sandbox, context).keep),
        pins_(std::make_shared<Pins>(state_.empty() ? state_ : state_ / "mcp" / "pins.json")) {
    hide_literals(server.command);
  }

  ~McpSource() override { disconnect(std::exchange(tools_, nullptr)); }
  McpSource(const McpSource&) = delete;
  McpSource& operator=(const McpSource&) = delete;

  const std::string& name() const override { return server_->name; }
  bool required() const override { return server_->required; }

  json::value describe() const override {
    return {{"name", server_->name},
            {"command", json::value_from(with_fingerprints(server_->command))},
            {"env", names_in(server_->env)},
            {"url", server_->url.empty() ? json::value() : json::value(identity_of(*server_))},
            {"headers", names_in(server_->headers)},
            {"transport", server_->transport},
            {"era", server_->era},
            {"auth", server_->auth},
            {"tools", json::value_from(server_->tools)},
            {"trusted", server_->trusted},
            {"sandbox", server_->sandbox.enabled}};
  }

  asio::awaitable<std::vector<std::shared_ptr<Tool>>> tools(Environment& environment) override {
    auto reading = mcp::load(pins_, environment);
    co_await std::move(reading);
    std::shared_ptr<ServerTools> tools = connect(environment);
    auto loading = load(tools);
    auto there = hop(tools->connection->executor(), std::move(loading));
    auto found = co_await std::move(there);
    auto writing = mcp::save(pins_, environment);
    co_await std::move(writing);
    co_return found;
  }

  std::vector<std::string> take_notices() override {
    const std::lock_guard lock(mutex_);
    return std::exchange(notices_, {});
  }

 private:
  /// The connection lives on the shard of who needs it first; one whose loop is gone is replaced.
  std::shared_ptr<ServerTools> connect(Environment& environment) {
    const std::lock_guard lock(mutex_);
    if (tools_ && !tools_->connection->gone()) return tools_;
    tools_ = std::make_shared<ServerTools>(
        ServerTools{server_, std::make_shared<Connection>(environment, *server_, links(environment)), pins_,
                    identity_of(*server_)});
    return tools_;
  }

  static void disconnect(const std::shared_ptr<ServerTools>& tools) {
    if (!tools || tools->connection->gone()) return;
    asio::post(tools->connection->executor(), [connection = tools->connection] { connection->close(); });
  }

  LinkFactory links(Environment& environment) {
    LinkFactory links;
    if (!server_->command.empty()) {
      const std::string name = fmt::format("the MCP server '{}' ({})", server_->name, server_->command.front());
      StartServer start = make_starter(environment, *server_, accepts_unsandboxed_, kept_);
      links.child = [&environment, name, start = std::move(start)](Inbox& inbox) {
        return make_stdio_link(environment, name, start, inbox);
      };
      return links;
    }
    // The sign-in outlives a lost connection.
    std::shared_ptr<Authorizer> authorizer;
    if (server_->auth == "oauth") authorizer = make_oauth(environment, *server_, state_);
    const auto channel = [&environment, server = server_, authorizer](Pause pause) {
      return std::make_shared<HttpChannel>(environment, *server, authorizer, std::move(pause));
    };
    links.http = [channel](Inbox& inbox, Pause pause) { return make_http_link(channel(std::move(pause)), inbox); };
    links.sse = [channel](Inbox& inbox, Pause pause) { return make_sse_link(channel(std::move(pause)), inbox); };
    return links;
  }

  void notice(std::string what) {
    const std::lock_guard lock(mutex_);
    if (said_.size() >= kMaxNotices || !said_.insert(what).second) return;  // each once
    notices_.push_back(std::move(what));
  }

  // On the connection's shard.
  asio::awaitable<std::vector<std::shared_ptr<Tool>>> load(std::shared_ptr<ServerTools> tools) {
    tools->connection->forgive();
    auto readying = tools->connection->ready();
    const ServerFacts facts = co_await std::move(readying);
    std::vector<json::object> listed;
    if (facts.has("tools")) {
      auto listing = list_tools(tools);
      listed = co_await std::move(listing);
    }
    std::vector<json::object> prompts;
    if (facts.has("prompts") && offered("get_prompt")) {
      auto listing = tools->connection->list("prompts/list", "prompts");
      prompts = co_await std::move(listing);
    }
    std::vector<json::object> pinned = listed;
    if (!prompts.empty()) pinned.push_back(prompts_as_tool(prompts));
    remember(*tools, pinned);
    co_return make_tools(tools, facts, listed, prompts);
  }

  [[nodiscard]] bool offered(std::string_view name) const {
    return std::any_of(server_->tools.begin(), server_->tools.end(),
                       [&](const std::string& pattern) { return matches(pattern, name); });
  }

  std::vector<std::shared_ptr<Tool>> make_tools(const std::shared_ptr<ServerTools>& tools, const ServerFacts& facts,
                                                const std::vector<json::object>& listed,
                                                const std::vector<json::object>& prompts) {
    std::vector<std::shared_ptr<Tool>> made;
    std::set<std::string> taken;
    std::set<std::string, std::less<>> seen;
    const std::optional<Pins::Tools> approved = pins_->of(tools->identity);
    for (const json::object& tool : listed) {
      const std::string name(text_at(tool, "name"));
      if (!offered(name)) continue;
      std::string why;
      if (!is_tool_name(name)) why = "that is no name";
      if (why.empty() && !seen.insert(name).second) why = "its name stands twice";
      std::vector<HeaderParameter> headers;
      if (why.empty()) headers = check_schema(tool, facts, why);
      if (!why.empty()) {
        notice(fmt::format("the tool '{}' of the MCP server '{}' is left out: {}",
                           sanitize_utf8(name.substr(0, kShown)), server_->name, why));
        continue;
      }
      made.push_back(make_server_tool(tools, name_for_model(server_->name, name, taken), tool, std::move(headers),
                                      is_suspicious(approved, tool)));
    }
    const auto named = [&](std::string_view name) { return name_for_model(server_->name, name, taken); };
    for (auto& tool : make_content_tools(tools, facts, prompts, named)) {
      const std::string& name = tool->spec().description.name;
      if (offered(std::string_view(name).substr(std::min(name.size(), server_->name.size() + 1)))) {
        made.push_back(std::move(tool));
      }
    }
    for (const auto& tool : made) {
      if (std::string concern = tool->concern({}); !concern.empty()) notice(std::move(concern));
    }
    return made;
  }

  std::vector<HeaderParameter> check_schema(const json::object& tool, const ServerFacts& facts,
                                            std::string& why) const {
    const json::object* schema = mcp::find_object(tool, "inputSchema");
    if (schema == nullptr) return {};
    try {
      (void)Validator(*schema);
    } catch (const Error& error) {
      why = "its schema of arguments cannot be used: " + error.message();
      return {};
    }
    // Over pipes there are no headers, and older versions know none.
    if (server_->command.empty() && facts.era == Era::modern) {
      if (auto headers = header_parameters(*schema, &why)) return std::move(*headers);
    }
    return {};
  }

  /// The first time a server is trusted as it is.
  void remember(ServerTools& tools, const std::vector<json::object>& listed) {
    if (pins_->of(tools.identity)) return;
    Pins::Tools pinned;
    std::vector<std::string> names;
    for (const json::object& tool : listed) {
      pinned.emplace(std::string(text_at(tool, "name")), pinned_part(tool));
      names.emplace_back(sanitize_utf8(text_at(tool, "name").substr(0, kShown)));
    }
    pins_->accept(tools.identity, pinned);
    const std::string where = server_->command.empty() ? shown_url(server_->url) : shown_command(*server_);
    notice(fmt::format("the MCP server '{}' ({}) is used for the first time; approved as they are now: {}",
                       server_->name, where, fmt::join(names, ", ")));
  }

  const std::shared_ptr<const McpServer> server_;
  const std::filesystem::path state_;
  const bool accepts_unsandboxed_;
  const std::vector<std::filesystem::path> kept_;  // whatever it may write to
  const std::shared_ptr<Pins> pins_;
  std::mutex mutex_;
  std::shared_ptr<ServerTools> tools_;  // guarded
  std::vector<std::string> notices_;    // guarded
  std::set<std::string> said_;          // guarded
};

}  // namespace

std::shared_ptr<ToolSource> make_mcp_source(const McpServer& server, const PartContext& context) {
  if (server.command.empty() == server.url.empty()) {
    throw Error(errc::config, "the MCP server '" + server.name + "' needs either a command or a url");
  }
  return std::make_shared<McpSource>(server, context);
}

}  // namespace sennit
