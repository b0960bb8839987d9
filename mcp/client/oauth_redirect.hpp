// Private: the address on this machine that the person's browser is sent back to after signing in (RFC 8252).
#pragma once

#include <sennit/agent/io/environment.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace sennit::mcp::oauth {

/// Listens on 127.0.0.1 while it lives. Used on one shard.
class RedirectListener {
 public:
  /// `port`: the one to have if it is free; 0: any. `state`: what the answer must carry. Throws Error(errc::io).
  RedirectListener(Environment& environment, std::uint16_t port, std::string state);
  ~RedirectListener();
  RedirectListener(const RedirectListener&) = delete;
  RedirectListener& operator=(const RedirectListener&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url() const;
  /// Suspends until the browser comes with the right state; gives its parameters. Cancellation: terminal.
  [[nodiscard]] asio::awaitable<std::map<std::string, std::string>> wait();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sennit::mcp::oauth
