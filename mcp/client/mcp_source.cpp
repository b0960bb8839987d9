#include <sennit/agent/io/digest.hpp>
#include <sennit/agent/schema/validate.hpp>
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
  return fmt::format("{}", fmt::join(server.command, " "));
}

/// In the pins: a server is what is started, or asked; its name in an agent file says nothing about it.
std::string identity_of(const McpServer& server) {
  if (server.command.empty()) return Secret(server.url).describe();
  return json::serialize(json::value_from(server.command));
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
        pins_(std::make_shared<Pins>(state_.empty() ? state_ : state_ / "mcp" / "pins.json")) {}

  ~McpSource() override { disconnect(std::exchange(tools_, nullptr)); }
  McpSource(const McpSource&) = delete;
  McpSource& operator=(const McpSource&) = delete;

  const std::string& name() const override { return server_->name; }
  bool required() const override { return server_->required; }

  json::value describe() const override {
    return {{"name", server_->name},
            {"command", json::value_from(server_->command)},
            {"env", names_in(server_->env)},
            {"url", Secret(server_->url).describe()},
            {"headers", names_in(server_->headers)},
            {"transport", server_->transport},
            {"era", server_->era},
            {"auth", server_->auth},
            {"tools", json::value_from(server_->tools)},
            {"trusted", server_->trusted},
            {"sandbox", server_->sandbox.enabled}};
  }

  asio::awaitable<std::vector<std::shared_ptr<Tool>>> tools(Environment& environment) override {
    std::shared_ptr<ServerTools> tools = connect(environment);
    auto loading = load(tools);
    auto there = hop(tools->connection->executor(), std::move(loading));
    co_return co_await std::move(there);
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
      StartServer start = make_starter(environment, *server_, accepts_unsandboxed_);
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
    if (notices_.size() < kMaxNotices) notices_.push_back(std::move(what));
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
    remember(*tools, listed);
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
    for (const json::object& tool : listed) {
      const std::string_view name = text_at(tool, "name");
      std::string why;
      if (!is_tool_name(name)) why = "its name is none";
      if (why.empty() && !seen.insert(std::string(name)).second) why = "its name stands twice";
      if (!why.empty() || offered(name)) {
        std::vector<HeaderParameter> headers =
            why.empty() ? check_schema(tool, facts, why) : std::vector<HeaderParameter>();
        if (why.empty()) {
          made.push_back(make_server_tool(tools, name_for_model(server_->name, name, taken), tool, std::move(headers)));
        } else {
          notice(fmt::format("the tool '{}' of the MCP server '{}' is left out: {}", sanitize_utf8(name.substr(0, 128)),
                             server_->name, why));
        }
      }
    }
    const auto named = [&](std::string_view name) { return name_for_model(server_->name, name, taken); };
    for (auto& tool : make_content_tools(tools, facts, prompts, named)) {
      const std::string& name = tool->spec().description.name;
      if (offered(std::string_view(name).substr(std::min(name.size(), server_->name.size() + 1)))) {
        made.push_back(std::move(tool));
      }
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
      names.emplace_back(sanitize_utf8(text_at(tool, "name").substr(0, 128)));
    }
    pins_->pin(tools.identity, pinned);
    const std::string where = server_->command.empty() ? tools.identity : shown_command(*server_);
    notice(fmt::format("the MCP server '{}' ({}) is used for the first time; approved as they are now: {}",
                       server_->name, where, fmt::join(names, ", ")));
  }

  const std::shared_ptr<const McpServer> server_;
  const std::filesystem::path state_;
  const bool accepts_unsandboxed_;
  const std::shared_ptr<Pins> pins_;
  std::mutex mutex_;
  std::shared_ptr<ServerTools> tools_;  // guarded
  std::vector<std::string> notices_;    // guarded
};

}  // namespace

std::shared_ptr<ToolSource> make_mcp_source(const McpServer& server, const PartContext& context) {
  if (server.command.empty() == server.url.empty()) {
    throw Error(errc::config, "the MCP server '" + server.name + "' needs either a command or a url");
  }
  return std::make_shared<McpSource>(server, context);
}

}  // namespace sennit
