// What an MCP server offers. Implement what you offer, and name it in capabilities(); the rest does not exist.
#pragma once

#include <sennit/mcp/server/exchange.hpp>

#include <string>

namespace sennit::mcp {

/// All of it is called on the server's shard. Lists are whole and in a stable order: paging is the server's business.
/// A handler refuses by throwing a Rejection. An Error becomes a result with isError where a tool was called, and a
/// JSON-RPC error elsewhere.
class Service {
 public:
  virtual ~Service() = default;

  /// ServerCapabilities, as the protocol has them: {"tools":{"listChanged":true},"prompts":{},…}. What is not named
  /// here is answered with -32601. `logging` and `resources.subscribe` are for legacy clients.
  [[nodiscard]] virtual json::object capabilities() const = 0;
  /// Implementation: {"name":…,"version":…,"title":…?}.
  [[nodiscard]] virtual json::object info() const;
  /// For the client's model; empty: none.
  [[nodiscard]] virtual std::string instructions() const { return {}; }

  /// Tool objects: {"name":…,"description":…,"inputSchema":{…},…}.
  [[nodiscard]] virtual json::array tools() const { return {}; }
  /// CallToolResult. Of a tool that is not in tools() it is not asked.
  [[nodiscard]] virtual asio::awaitable<json::object> call_tool(Exchange& exchange, std::string name,
                                                                json::object arguments);
  [[nodiscard]] virtual json::array prompts() const { return {}; }
  /// GetPromptResult. Of a prompt that is not in prompts() it is not asked.
  [[nodiscard]] virtual asio::awaitable<json::object> get_prompt(Exchange& exchange, std::string name,
                                                                 json::object arguments);
  [[nodiscard]] virtual json::array resources() const { return {}; }
  [[nodiscard]] virtual json::array resource_templates() const { return {}; }
  /// The `contents` of ReadResourceResult; an empty array: there is no such resource.
  [[nodiscard]] virtual asio::awaitable<json::array> read_resource(Exchange& exchange, std::string uri);
  /// The `completion` of CompleteResult.
  [[nodiscard]] virtual asio::awaitable<json::object> complete(Exchange& exchange, json::object params);
};

}  // namespace sennit::mcp
