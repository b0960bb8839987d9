// Private: the sessions of legacy clients over HTTP, with the streams that they may come back for.
#pragma once

#include <sennit/mcp/server/event_stream.hpp>
#include <sennit/mcp/server/http_endpoint.hpp>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sennit::mcp {

class HttpSessions {
 public:
  /// Both outlive it.
  HttpSessions(Server& server, const HttpEndpointOptions& options);
  ~HttpSessions();
  HttpSessions(const HttpSessions&) = delete;
  HttpSessions& operator=(const HttpSessions&) = delete;

  // Each gives why the request is refused, or has answered it.
  [[nodiscard]] asio::awaitable<HttpRefusal> post(http::ServerRequest http, std::vector<Message> messages,
                                                  http::ServerAnswer& answer, EventStream::Settings settings);
  /// GET: what belongs to no request, or the rest of a stream.
  [[nodiscard]] asio::awaitable<HttpRefusal> listen(http::ServerRequest http, http::ServerAnswer& answer,
                                                    EventStream::Settings settings);
  /// DELETE.
  [[nodiscard]] asio::awaitable<HttpRefusal> end(http::ServerRequest http, http::ServerAnswer& answer,
                                                 std::vector<http::Header> headers);
  [[nodiscard]] std::size_t size() const { return sessions_.size(); }

 private:
  struct Session;
  struct Use;
  using Sessions = std::map<std::string, std::shared_ptr<Session>, std::less<>>;

  /// Makes a session for a handshake. Null: there is no room.
  [[nodiscard]] std::shared_ptr<Session> open();
  /// The session that a request names, or why there is none.
  [[nodiscard]] std::shared_ptr<Session> find(const http::ServerRequest& http, HttpRefusal& refusal);
  void close(Session& session);
  void sweep();
  void sweep_later();
  [[nodiscard]] asio::awaitable<void> answer_all(std::shared_ptr<Session> session, std::vector<Message> messages,
                                                 std::size_t requests, http::ServerAnswer& answer,
                                                 EventStream::Settings settings);

  Server& server_;
  const HttpEndpointOptions& options_;
  Sessions sessions_;
  std::unique_ptr<Alarm> sweeping_;
};

}  // namespace sennit::mcp
