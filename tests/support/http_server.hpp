// A real HTTP/1.1 server on 127.0.0.1 whose answers are scripted in C++, well-behaved or not.
//
//   HttpServer server(Reply::text("hello"));                         // every request gets this
//   HttpServer server({Reply::text("busy").status(503), Reply::text("hello")});  // in turn; the last one repeats
//   HttpServer server([](const HttpRequest& request) {               // decided by the request (on the server's thread)
//     return request.target == "/a" ? Reply::json("{}") : Reply::text("no").status(404);
//   });
//   fetch(server.url("/v1/models"));
//   CHECK(server.requests().at(0).header("authorization") == "Bearer key");
//
// Ways to answer:
//   Reply::sse({"{\"a\":1}", "[DONE]"})                 server-sent events, each its own piece, chunked
//   reply.cut_into(7).every(1ms)                        the body in pieces of 7 bytes, 1 ms apart
//   reply.pieces({"da", "ta: x\n\n"})                   the body in just these pieces
//   Reply::forever([](std::size_t i) { return sse(i); })   piece after piece until the client goes, chunked; its head
//                                                       says that it is an event stream
//   reply.chunked() / .until_close()                    framing (default: Content-Length)
//   reply.after(50ms)                                   wait before the head
//   reply.stall_after(n) / .reset_after(n) / .cut_after(n)   after n body bytes: silence, RST, early close
//   reply.stall() / .reset() / .cut()                   the same before the head
//   reply.hang_up()                                     close after the whole answer, without saying so
//   Reply::raw("HTTP/1.1 garbage")                      exactly these bytes, then close (or .stall_after …)
// Silence lasts until the client goes or the server is destroyed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit::testing {

/// A request as it came.
struct HttpRequest {
  std::string method;
  std::string target;  ///< with its query
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::size_t connection = 0;  ///< numbers the server's connections from 0

  /// Value of a header by case-insensitive name; empty if absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// One answer. Setters may be chained on a temporary.
class Reply {
 public:
  [[nodiscard]] static Reply text(std::string body);
  [[nodiscard]] static Reply json(std::string body);
  /// Each string becomes `data: …\n\n`.
  [[nodiscard]] static Reply sse(const std::vector<std::string>& data);
  [[nodiscard]] static Reply raw(std::string bytes);
  /// Called on the server's thread, with 0, 1, …
  [[nodiscard]] static Reply forever(std::function<std::string(std::size_t)> piece);

  Reply&& status(int code) && { return status_ = code, std::move(*this); }
  Reply&& header(std::string name, std::string value) &&;
  Reply&& chunked() && { return framing_ = Framing::chunked, std::move(*this); }
  Reply&& until_close() && { return framing_ = Framing::until_close, std::move(*this); }
  Reply&& cut_into(std::size_t bytes) &&;
  Reply&& pieces(std::vector<std::string> pieces) &&;
  Reply&& every(std::chrono::milliseconds delay) && { return between_ = delay, std::move(*this); }
  Reply&& after(std::chrono::milliseconds delay) && { return before_ = delay, std::move(*this); }
  Reply&& stall_after(std::size_t bytes) && { return std::move(*this).stop(bytes, Stop::stall); }
  Reply&& reset_after(std::size_t bytes) && { return std::move(*this).stop(bytes, Stop::reset); }
  Reply&& cut_after(std::size_t bytes) && { return std::move(*this).stop(bytes, Stop::close); }
  Reply&& stall() && { return headless_ = true, std::move(*this).stop(0, Stop::stall); }
  Reply&& reset() && { return headless_ = true, std::move(*this).stop(0, Stop::reset); }
  Reply&& cut() && { return headless_ = true, std::move(*this).stop(0, Stop::close); }
  Reply&& hang_up() && { return hang_up_ = true, std::move(*this); }

 private:
  friend class HttpServer;
  friend struct ReplyWriter;
  enum class Framing { length, chunked, until_close };
  enum class Stop { stall, reset, close };

  Reply&& stop(std::size_t bytes, Stop how) && {
    stop_at_ = bytes;
    stop_ = how;
    return std::move(*this);
  }

  int status_ = 200;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::vector<std::string> pieces_;
  std::function<std::string(std::size_t)> endless_;
  Framing framing_ = Framing::length;
  std::chrono::milliseconds before_{0};
  std::chrono::milliseconds between_{0};
  std::optional<std::size_t> stop_at_;
  Stop stop_ = Stop::stall;
  bool headless_ = false;
  bool hang_up_ = false;
};

class HttpServer {
 public:
  using Handler = std::function<Reply(const HttpRequest&)>;

  explicit HttpServer(Handler handler);
  explicit HttpServer(Reply always);
  explicit HttpServer(std::vector<Reply> in_turn);
  /// Drops every connection.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// `http://127.0.0.1:PORT` + target
  [[nodiscard]] std::string url(std::string_view target = "/") const;

  // ---- what has happened so far [thread-safe] ----
  [[nodiscard]] std::vector<HttpRequest> requests() const;
  [[nodiscard]] std::size_t connections() const;       ///< accepted
  [[nodiscard]] std::size_t open_connections() const;  ///< not yet closed by either side
  [[nodiscard]] std::size_t bytes_sent() const;        ///< taken by the kernel

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sennit::testing
