// An MCP server over Streamable HTTP, in both eras. A legacy client has a session and may come back for what it missed;
// a modern one has nothing but its request, and when it closes the stream the request is cancelled.
#pragma once

#include <sennit/agent/io/http_server.hpp>
#include <sennit/mcp/server/http_access.hpp>
#include <sennit/mcp/server/server.hpp>

#include <memory>

namespace sennit::mcp {

struct HttpEndpointOptions {
  HttpAccess access{};
  std::size_t sessions = 64;             ///< of legacy clients; the one that was idle longest makes room
  milliseconds session_idle{1'800'000};  ///< then it ends
  std::size_t kept_bytes = 1ULL << 20U;  ///< of a stream's events, for a legacy client that comes back
  std::size_t kept_streams = 32;         ///< of a session
  milliseconds heartbeat{15'000};        ///< a comment where nothing else is said for so long
};

class HttpEndpoint {
 public:
  /// `server` must outlive it, and it whatever calls handle().
  HttpEndpoint(Server& server, HttpEndpointOptions options);
  ~HttpEndpoint();
  HttpEndpoint(const HttpEndpoint&) = delete;
  HttpEndpoint& operator=(const HttpEndpoint&) = delete;

  /// An http::ServerHandler.
  [[nodiscard]] asio::awaitable<void> handle(http::ServerRequest request, http::ServerAnswer& answer);
  /// Of legacy clients, now.
  [[nodiscard]] std::size_t sessions() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sennit::mcp
