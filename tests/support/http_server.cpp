#include "support/http_server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <mutex>
#include <thread>

namespace sennit::testing {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find("\r\n");
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  return line;
}

HttpRequest parse_head(std::string_view head) {
  HttpRequest request;
  const std::string_view first = take_line(head);
  const std::size_t space = first.find(' ');
  request.method = first.substr(0, space);
  request.target = first.substr(space + 1, first.rfind(' ') - space - 1);
  while (!head.empty()) {
    const std::string_view line = take_line(head);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    request.headers.emplace_back(line.substr(0, colon), value);
  }
  return request;
}

std::string hex(std::size_t number) {
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[number % 16]);
    number /= 16;
  } while (number != 0);
  return digits;
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (same_name(known, name)) return value;
  }
  return {};
}

// ---- replies ----

Reply Reply::text(std::string body) {
  Reply reply;
  reply.headers_.emplace_back("Content-Type", "text/plain");
  reply.pieces_.push_back(std::move(body));
  return reply;
}

Reply Reply::json(std::string body) {
  Reply reply;
  reply.headers_.emplace_back("Content-Type", "application/json");
  reply.pieces_.push_back(std::move(body));
  return reply;
}

Reply Reply::sse(const std::vector<std::string>& data) {
  Reply reply;
  reply.headers_.emplace_back("Content-Type", "text/event-stream");
  for (const std::string& event : data) reply.pieces_.push_back("data: " + event + "\n\n");
  reply.framing_ = Framing::chunked;
  return reply;
}

Reply Reply::raw(std::string bytes) {
  Reply reply;
  reply.headless_ = true;
  reply.hang_up_ = true;
  reply.framing_ = Framing::until_close;
  reply.pieces_.push_back(std::move(bytes));
  return reply;
}

Reply Reply::forever(std::function<std::string(std::size_t)> piece) {
  Reply reply = sse({});
  reply.endless_ = std::move(piece);
  return reply;
}

Reply&& Reply::header(std::string name, std::string value) && {
  std::erase_if(headers_, [&](const auto& known) { return same_name(known.first, name); });
  headers_.emplace_back(std::move(name), std::move(value));
  return std::move(*this);
}

Reply&& Reply::cut_into(std::size_t bytes) && {
  std::string whole;
  for (const std::string& piece : pieces_) whole += piece;
  pieces_.clear();
  for (std::size_t at = 0; at < whole.size(); at += bytes) pieces_.push_back(whole.substr(at, bytes));
  return std::move(*this);
}

Reply&& Reply::pieces(std::vector<std::string> pieces) && {
  pieces_ = std::move(pieces);
  return std::move(*this);
}

// ---- the server ----

struct HttpServer::State {
  Handler handler;
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> open{0};
  std::atomic<std::size_t> sent{0};
  mutable std::mutex mutex;
  std::vector<HttpRequest> requests;  // guarded by mutex
  asio::io_context loop{1};           // destroys the connections' coroutines, which refer to the above
  tcp::acceptor acceptor{loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::thread thread;
};

/// Plays one reply on one connection.
struct ReplyWriter {
  tcp::socket& socket;
  std::atomic<std::size_t>& sent;
  const Reply& reply;

  [[nodiscard]] std::string head() const {
    std::string text = "HTTP/1.1 " + std::to_string(reply.status_) + " Status\r\n";
    for (const auto& [name, value] : reply.headers_) text += name + ": " + value + "\r\n";
    if (reply.framing_ == Reply::Framing::chunked) text += "Transfer-Encoding: chunked\r\n";
    if (reply.framing_ == Reply::Framing::until_close) text += "Connection: close\r\n";
    if (reply.framing_ == Reply::Framing::length) {
      std::size_t length = 0;
      for (const std::string& piece : reply.pieces_) length += piece.size();
      text += "Content-Length: " + std::to_string(length) + "\r\n";
    }
    return text + "\r\n";
  }

  asio::awaitable<void> write(std::string bytes) const {
    std::size_t at = 0;
    while (at < bytes.size()) {
      const std::size_t count =
          co_await socket.async_write_some(asio::buffer(bytes.data() + at, bytes.size() - at), asio::use_awaitable);
      at += count;
      sent += count;
    }
  }

  asio::awaitable<void> wait(std::chrono::milliseconds delay) const {
    if (delay.count() == 0) co_return;
    asio::steady_timer timer(socket.get_executor(), delay);
    co_await timer.async_wait(asio::use_awaitable);
  }

  [[nodiscard]] std::string framed(const std::string& piece) const {
    if (reply.framing_ != Reply::Framing::chunked || piece.empty()) return piece;
    return hex(piece.size()) + "\r\n" + piece + "\r\n";
  }

  /// True if the connection may serve another request.
  asio::awaitable<bool> play(bool with_body) const {
    co_await wait(reply.before_);
    std::string pending = reply.headless_ ? "" : head();
    std::size_t left = reply.stop_at_.value_or(static_cast<std::size_t>(-1));
    bool first = true;
    for (std::size_t i = 0; with_body && left > 0 && (reply.endless_ || i < reply.pieces_.size()); ++i) {
      if (!std::exchange(first, false)) co_await wait(reply.between_);
      const std::string piece = (reply.endless_ ? reply.endless_(i) : reply.pieces_[i]).substr(0, left);
      left -= piece.size();
      pending += framed(piece);
      co_await write(std::exchange(pending, {}));
    }
    const bool stopped = reply.stop_at_.has_value();
    if (with_body && !stopped && reply.framing_ == Reply::Framing::chunked) pending += "0\r\n\r\n";
    co_await write(std::move(pending));
    if (stopped) co_await end();
    co_return !stopped && !reply.hang_up_ && reply.framing_ != Reply::Framing::until_close;
  }

  asio::awaitable<void> end() const {
    if (reply.stop_ == Reply::Stop::stall) {
      char byte = 0;  // until the client goes
      boost::system::error_code ignored;
      co_await socket.async_read_some(asio::buffer(&byte, 1), asio::redirect_error(asio::use_awaitable, ignored));
    } else if (reply.stop_ == Reply::Stop::reset) {
      socket.set_option(asio::socket_base::linger(true, 0));
    }
  }
};

namespace {

asio::awaitable<HttpRequest> read_request(tcp::socket& socket, std::string& buffer) {
  const std::size_t size =
      co_await asio::async_read_until(socket, asio::dynamic_buffer(buffer), "\r\n\r\n", asio::use_awaitable);
  HttpRequest request = parse_head(std::string_view(buffer).substr(0, size));
  buffer.erase(0, size);
  const std::string length(request.header("content-length"));
  const std::size_t wanted = length.empty() ? 0 : std::stoull(length);
  if (buffer.size() < wanted) {
    co_await asio::async_read(socket, asio::dynamic_buffer(buffer), asio::transfer_exactly(wanted - buffer.size()),
                              asio::use_awaitable);
  }
  request.body = buffer.substr(0, wanted);
  buffer.erase(0, wanted);
  co_return request;
}

}  // namespace

static asio::awaitable<void> serve(HttpServer::Handler& handler, tcp::socket socket, std::size_t number,
                                   std::atomic<std::size_t>& open, std::atomic<std::size_t>& sent,
                                   std::function<void(const HttpRequest&)> record) {
  struct Open {
    std::atomic<std::size_t>& count;
    ~Open() { --count; }
  };
  const Open guard{open};
  std::string buffer;
  bool again = true;
  while (again) {
    HttpRequest request = co_await read_request(socket, buffer);
    request.connection = number;
    record(request);
    const Reply reply = handler(request);
    const ReplyWriter writer{socket, sent, reply};
    again = co_await writer.play(request.method != "HEAD");
  }
}

static asio::awaitable<void> accept(tcp::acceptor& acceptor, HttpServer::Handler& handler,
                                    std::atomic<std::size_t>& connections, std::atomic<std::size_t>& open,
                                    std::atomic<std::size_t>& sent, std::function<void(const HttpRequest&)> record) {
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    socket.set_option(tcp::no_delay(true));
    const std::size_t number = connections++;
    ++open;
    asio::co_spawn(acceptor.get_executor(), serve(handler, std::move(socket), number, open, sent, record),
                   [](const std::exception_ptr&) {});  // the client went: an end like any other
  }
}

HttpServer::HttpServer(Handler handler) : state_(std::make_unique<State>()) {
  state_->handler = std::move(handler);
  State& state = *state_;
  auto record = [&state](const HttpRequest& request) {
    const std::lock_guard lock(state.mutex);
    state.requests.push_back(request);
  };
  asio::co_spawn(state.loop, accept(state.acceptor, state.handler, state.connections, state.open, state.sent, record),
                 [](const std::exception_ptr&) {});
  state.thread = std::thread([&state] { state.loop.run(); });
}

HttpServer::HttpServer(Reply always) : HttpServer([always](const HttpRequest&) { return always; }) {}

HttpServer::HttpServer(std::vector<Reply> in_turn)
    : HttpServer([replies = std::move(in_turn), next = std::size_t{0}](const HttpRequest&) mutable {
        return replies.at(std::min(next++, replies.size() - 1));
      }) {}

HttpServer::~HttpServer() {
  state_->loop.stop();
  state_->thread.join();
}

std::uint16_t HttpServer::port() const {
  return state_->acceptor.local_endpoint().port();
}

std::string HttpServer::url(std::string_view target) const {
  return "http://127.0.0.1:" + std::to_string(port()) + std::string(target);
}

std::vector<HttpRequest> HttpServer::requests() const {
  const std::lock_guard lock(state_->mutex);
  return state_->requests;
}

std::size_t HttpServer::connections() const {
  return state_->connections;
}
std::size_t HttpServer::open_connections() const {
  return state_->open;
}
std::size_t HttpServer::bytes_sent() const {
  return state_->sent;
}

}  // namespace sennit::testing
