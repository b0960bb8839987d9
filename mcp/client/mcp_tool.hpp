// Private: the tools that a server brings: its own, and those that reach its resources and prompts.
#pragma once

#include <sennit/agent/io/sandbox.hpp>
#include <sennit/agent/tool.hpp>
#include <sennit/mcp/client/connection.hpp>
#include <sennit/mcp/client/pins.hpp>
#include <sennit/mcp/protocol/envelope.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sennit::mcp {

/// What the tools of one server share. [thread-safe], but for `latest` and `listed`, which belong to the connection's
/// shard.
struct ServerTools {
  std::shared_ptr<const McpServer> server;
  std::shared_ptr<Connection> connection;
  std::shared_ptr<Pins> pins;
  std::string identity;                                      ///< in the pins: what is started, or asked
  std::map<std::string, std::string, std::less<>> latest{};  ///< hash of each tool, as the server had it …
  std::uint64_t listed = 0;                                  ///< … at this version (Connection::tools_version)
};

/// Asks the server for its tools and remembers what they are. On the connection's shard.
[[nodiscard]] asio::awaitable<std::vector<json::object>> list_tools(std::shared_ptr<ServerTools> tools);

/// Whether walls keep the server's program from the network.
[[nodiscard]] bool is_shut_in(const McpServer& server, const sandbox::Support& support);

/// What a tool of this server may do, as far as its settings and (of a trusted one) its annotations say.
[[nodiscard]] ToolSpec spec_of(const McpServer& server, std::string name, const std::string& description,
                               const json::object& annotations);

/// The tool that gets prompts, as if the server had listed it: its description is the server's words.
[[nodiscard]] json::object prompts_as_tool(const std::vector<json::object>& prompts);
/// Whether a tool of a server that was approved is not what was.
[[nodiscard]] bool is_suspicious(const std::optional<Pins::Tools>& approved, const json::object& listed);

/// A tool as the server listed it, under `name`. `suspicious`: see above.
[[nodiscard]] std::shared_ptr<Tool> make_server_tool(std::shared_ptr<ServerTools> tools, std::string name,
                                                     const json::object& listed, std::vector<HeaderParameter> headers,
                                                     bool suspicious);

/// Tools for the resources and prompts that `facts` say there are, with their names on the server's side
/// ("read_resource"). `named` gives the name for the model.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_content_tools(
    const std::shared_ptr<ServerTools>& tools, const ServerFacts& facts, const std::vector<json::object>& prompts,
    const std::function<std::string(std::string_view)>& named);

}  // namespace sennit::mcp
