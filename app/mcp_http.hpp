// Where and to whom `sennit mcp --http` serves.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/http_server.hpp>
#include <sennit/mcp/server/http_endpoint.hpp>

#include <string>
#include <vector>

namespace sennit::app {

struct McpHttpSettings {
  std::string listen;  ///< "HOST:PORT", ":PORT" or "PORT"; empty: not over HTTP
  std::string path = "/mcp";
  std::string token;  ///< a reference: ${env:NAME}; empty: one is made
  bool no_token = false;
  std::vector<std::string> hosts;
  std::vector<std::string> origins;
};

/// Where to listen. Throws Error(errc::invalid_argument).
[[nodiscard]] http::ServerOptions listen_options(const McpHttpSettings& settings);

/// Who may come; `made`: the token was made here, and has to be told. Throws Error(errc::invalid_argument) for what is
/// not safe, Error(errc::config) for a reference to nothing.
[[nodiscard]] mcp::HttpAccess access_of(const McpHttpSettings& settings, Environment& environment, bool& made);

}  // namespace sennit::app
