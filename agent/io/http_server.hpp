// Incoming HTTP/1.1: a small server whose handlers are coroutines, with streaming answers, back-pressure, a bound on
// everything and a deadline for every wait. Beast reads the requests; nothing of it shows here.
//
//   http::Server server(environment, {.port = 8080}, [](http::ServerRequest request, http::ServerAnswer& answer) {
//     return greet(std::move(request), answer);          // asio::awaitable<void>
//   });
//   co_await server.stop(milliseconds{2'000});
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/http.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::http {

struct ServerOptions {
  std::string address = "127.0.0.1";      ///< numeric, IPv4 or IPv6
  std::uint16_t port = 0;                 ///< 0: the kernel chooses, see Server::port()
  std::size_t connections = 256;          ///< at a time; who comes then is told 503
  std::size_t head_bytes = 32ULL << 10U;  ///< request line and headers; beyond: 431
  std::size_t body_bytes = 4ULL << 20U;   ///< beyond: 413
  milliseconds head_timeout{10'000};      ///< from a request's first byte to the end of its head; then: 408
  milliseconds body_timeout{60'000};      ///< for the whole body; then: 408
  milliseconds idle_timeout{60'000};      ///< between two requests of a connection; then it is closed
  milliseconds write_timeout{30'000};     ///< for what one write gives: a peer that takes nothing is gone
};

struct ServerRequest {
  std::string method;
  std::string path;   ///< as it was sent, without its query; begins with '/'
  std::string query;  ///< without '?'
  std::vector<Header> headers;
  std::string body;

  /// The value of a header by case-insensitive name; empty if absent. Of several: the first.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
  /// How often a header was sent.
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
};

/// The answer to one request, valid during its handler. Either send(), or begin() and any number of write().
/// Each throws Error(errc::truncated) once the peer is gone, Error(errc::timeout) where it takes nothing, and
/// Error(errc::invalid_argument) for a header with a line break. Cancellation: terminal; the connection ends.
class ServerAnswer {
 public:
  virtual ~ServerAnswer() = default;
  /// The whole answer at once.
  [[nodiscard]] virtual asio::awaitable<void> send(int status, std::vector<Header> headers, std::string body) = 0;
  /// Status and headers of an answer that comes in pieces. It ends where the handler does; a handler that throws cuts
  /// it off, so that nobody takes it for whole.
  [[nodiscard]] virtual asio::awaitable<void> begin(int status, std::vector<Header> headers) = 0;
  /// The next piece; returns when the kernel has taken it.
  [[nodiscard]] virtual asio::awaitable<void> write(std::string piece) = 0;
  /// send() or begin() was called.
  [[nodiscard]] virtual bool begun() const noexcept = 0;
};

/// Answers a request. It is cancelled (terminal) when the peer leaves: closes, or shuts down its sending side. What it
/// throws before the answer has begun becomes 500, and is logged.
using ServerHandler = std::function<asio::awaitable<void>(ServerRequest request, ServerAnswer& answer)>;

/// Listens while it lives. Everything happens on the environment's shard, where its functions are called too.
class Server {
 public:
  /// Throws Error: invalid_argument (no numeric address), io (the port is taken, or not ours).
  Server(Environment& environment, ServerOptions options, ServerHandler handler);
  /// Cancels what is under way and does not wait: stop() first where that matters.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept;
  /// Open connections.
  [[nodiscard]] std::size_t connections() const noexcept;
  /// Takes no further connection, closes the idle ones, lets the answers under way end for `grace`, cancels the others,
  /// and returns when all have ended.
  [[nodiscard]] asio::awaitable<void> stop(milliseconds grace);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Whether `a` and `b` are the same name of a header.
[[nodiscard]] bool same_header(std::string_view a, std::string_view b) noexcept;

}  // namespace sennit::http
