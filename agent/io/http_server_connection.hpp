// Private: one connection of the HTTP server: requests in, answers out, one after the other.
#pragma once

#include <sennit/agent/io/http_server.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <memory>
#include <string>

namespace sennit::http {

class Connection final : public ServerAnswer {
 public:
  /// All of them outlive it, but for the socket.
  Connection(Environment& environment, const ServerOptions& options, const ServerHandler& handler,
             asio::ip::tcp::socket socket);

  /// Serves until either side closes. Throws nothing but a cancellation.
  [[nodiscard]] asio::awaitable<void> serve();
  /// No further request: an idle connection ends now, a busy one after its answer.
  void finish();

  asio::awaitable<void> send(int status, std::vector<Header> headers, std::string body) override;
  asio::awaitable<void> begin(int status, std::vector<Header> headers) override;
  asio::awaitable<void> write(std::string piece) override;
  [[nodiscard]] bool begun() const noexcept override { return begun_; }

 private:
  /// What the peer does while its request is answered.
  struct Watch;

  [[nodiscard]] asio::awaitable<bool> next_request();
  [[nodiscard]] asio::awaitable<void> wait_for_request();
  /// The request that has begun to come. False: it was no good, and the peer was told.
  [[nodiscard]] asio::awaitable<bool> read_request(ServerRequest& request);
  [[nodiscard]] asio::awaitable<void> answer(ServerRequest request);
  [[nodiscard]] asio::awaitable<void> handle(ServerRequest request, Watch& watch);
  [[nodiscard]] asio::awaitable<void> end_answer();
  [[nodiscard]] asio::awaitable<void> refuse(int status, std::string why);
  [[nodiscard]] asio::awaitable<void> put(std::string bytes);
  [[nodiscard]] asio::awaitable<void> linger();
  [[nodiscard]] std::string head(int status, const std::vector<Header>& headers, std::string_view framing) const;
  void log(std::string message);

  Environment& environment_;
  const ServerOptions& options_;
  const ServerHandler& handler_;
  asio::ip::tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
  bool idle_ = false;
  bool finishing_ = false;
  // ---- of the request under way ----
  bool keep_alive_ = false;
  bool chunked_ = true;     // the peer understands chunks
  bool head_only_ = false;  // HEAD: no body
  bool begun_ = false;
  bool streaming_ = false;
};

}  // namespace sennit::http
