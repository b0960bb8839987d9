// An MCP server without its transport: messages in, messages out, in both eras.
//
// Legacy clients (2024-11-05 to 2025-11-25) shake hands and are remembered as a Peer; modern ones (2026-07-28) say with
// each request who they are. What answers is a Service; it does not see the difference.
#pragma once

#include <sennit/mcp/server/outlet.hpp>
#include <sennit/mcp/server/service.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sennit::mcp {

struct ServerLimits {
  std::size_t calls = 16;          ///< requests of one peer at a time, but for lists and the like
  std::size_t modern_calls = 64;   ///< of all modern clients: over HTTP each request is a peer
  std::size_t parked = 64;         ///< requests that wait for a modern client to come back; beyond, the oldest ends
  std::size_t subscriptions = 16;  ///< of one peer: streams of a modern client, addresses of a legacy one
  std::size_t tasks = 64;          ///< calls that go on as tasks, those that have ended and are kept included
  std::size_t page = 100;          ///< entries of one answer to a list
  milliseconds call_timeout{3'600'000};  ///< for one request, what it waits for included
  milliseconds task_life{7'200'000};     ///< from its beginning; then a task is forgotten, and cancelled if need be
  milliseconds reply_timeout{600'000};   ///< for a client's reply to what it is asked
};

class Server;

/// A client and what it has under way: a process at the other end of a pipe, a session over HTTP, or, of a modern
/// client over HTTP, a single request. Made by Server::meet(); used on the server's shard.
class ServerPeer {
 public:
  virtual ~ServerPeer() = default;
  /// Where messages go that belong to no request; null: nowhere.
  virtual void set_outlet(std::shared_ptr<Outlet> outlet) = 0;
  /// The handshake has been made.
  [[nodiscard]] virtual bool is_greeted() const = 0;
  /// What it made out of the handshake, or of its last request.
  [[nodiscard]] virtual const ClientFacts& caller() const = 0;
  /// Requests under way.
  [[nodiscard]] virtual std::size_t calls() const = 0;
  /// Until there are none. One caller at a time. Cancellation: terminal.
  [[nodiscard]] virtual asio::awaitable<void> settled() = 0;
};

class Server {
 public:
  /// Both must outlive it.
  Server(Environment& environment, Service& service, ServerLimits limits = {});
  /// Cancels what is under way and does not wait: stop() first where that matters.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] Environment& environment() const;
  [[nodiscard]] Service& service() const;

  [[nodiscard]] std::shared_ptr<ServerPeer> meet();
  /// Takes one message of a peer. What answers it goes to `outlet`; a notification or an answer needs none.
  void take(const std::shared_ptr<ServerPeer>& peer, Message message, const std::shared_ptr<Outlet>& outlet);
  /// A modern client closed the stream on which it waited: its request is cancelled.
  void cancel(const std::shared_ptr<ServerPeer>& peer, const Id& id);
  /// The peer is gone: its requests are cancelled, its subscriptions end.
  void leave(const std::shared_ptr<ServerPeer>& peer);

  // ---- what has changed, for whoever wants to know ----
  void tools_changed();
  void prompts_changed();
  void resources_changed();
  void resource_updated(const std::string& uri);

  /// Ends subscriptions as the protocol wants it, cancels the rest after `grace`, and returns when nothing is under
  /// way.
  [[nodiscard]] asio::awaitable<void> stop(milliseconds grace);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

/// Whether a request is a modern one: it says so itself, or its transport does (`version` of the header; empty: none).
[[nodiscard]] bool is_modern(const Request& request, std::string_view version) noexcept;

/// What is wrong with what a modern request says about itself.
[[nodiscard]] std::optional<Fault> check_envelope(const Request& request);

}  // namespace sennit::mcp
