// Private: who knows what stands in the header Authorization.
#pragma once

#include <sennit/agent/io/asio.hpp>

#include <string>

namespace sennit::mcp {

/// Used on the connection's shard.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  /// The value of the header; empty: none (yet).
  [[nodiscard]] virtual asio::awaitable<std::string> authorization(std::string method, std::string url) = 0;
  /// The server refused (401 or 403) and gave this WWW-Authenticate. True: there is something new to try.
  /// Throws Error: errc::authentication, errc::permission. Cancellation: terminal.
  [[nodiscard]] virtual asio::awaitable<bool> refused(int status, std::string challenge) = 0;
  /// The server took what authorization() gave.
  virtual void accepted() {}
};

}  // namespace sennit::mcp
