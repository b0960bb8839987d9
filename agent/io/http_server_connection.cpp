#include <sennit/agent/io/http_server_connection.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/timeout.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

namespace sennit::http {
namespace {

namespace beast = boost::beast::http;
using asio::ip::tcp;
using Parser = beast::request_parser<beast::string_body>;
using boost::system::error_code;

// What a peer may still send after it was refused, so that it gets to read why.
constexpr std::size_t kLingerBytes = 1ULL << 20U;
constexpr milliseconds kLinger{1'000};
// Beyond a head, what is read at once of a body. Chunks' extensions and trailers, which nothing else bounds, have to
// fit.
constexpr std::size_t kReadAhead = 64ULL << 10U;

Error gone() {
  return {errc::truncated, "the peer has left"};
}

bool is_clean(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

/// What was cancelled, by its deadline perhaps, must throw: with_timeout() takes anything else for a result.
void throw_if_aborted(const error_code& error) {
  if (error == asio::error::operation_aborted) throw Error(errc::cancelled, "cancelled");
}

asio::awaitable<void> read_head(tcp::socket& socket, boost::beast::flat_buffer& buffer, Parser& parser,
                                error_code& error) {
  co_await beast::async_read_header(socket, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
  throw_if_aborted(error);
}

asio::awaitable<void> read_body(tcp::socket& socket, boost::beast::flat_buffer& buffer, Parser& parser,
                                error_code& error) {
  co_await beast::async_read(socket, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
  throw_if_aborted(error);
}

asio::awaitable<void> write_all(tcp::socket& socket, const std::string& bytes, error_code& error) {
  co_await asio::async_write(socket, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
  throw_if_aborted(error);
}

asio::awaitable<void> wait_readable(tcp::socket& socket, error_code& error) {
  co_await socket.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
  throw_if_aborted(error);
}

asio::awaitable<void> drain(tcp::socket& socket) {
  std::array<char, 16'384> rest{};
  std::size_t total = 0;
  error_code error;
  while (!error && total < kLingerBytes) {
    total += co_await socket.async_read_some(asio::buffer(rest), asio::redirect_error(asio::use_awaitable, error));
  }
  throw_if_aborted(error);
}

/// The status with which a request that cannot be read is refused; 0: there is nobody to be told.
int refusal_of(const error_code& error) {
  if (error == beast::error::header_limit || error == beast::error::buffer_overflow) return 431;
  if (error == beast::error::body_limit) return 413;
  if (error == beast::error::bad_version) return 505;
  const bool is_http = error.category() == make_error_code(beast::error::bad_value).category();
  const bool is_end = error == beast::error::end_of_stream || error == beast::error::partial_message;
  return is_http && !is_end ? 400 : 0;
}

void take_fields(Parser& parser, ServerRequest& request) {
  auto& message = parser.get();
  request.method = std::string(message.method_string());
  const std::string target(message.target());
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string::npos) request.query = target.substr(mark + 1);
  for (const auto& field : message) {
    request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
}

std::string date_now(WallTime now) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

}  // namespace

/// Notices that the peer leaves, and keeps what it sends ahead for the next request. Shared with the callback of the
/// wait, which may come when the answer has long ended.
struct Connection::Watch : std::enable_shared_from_this<Connection::Watch> {
  explicit Watch(Connection& of) : connection(&of) {}

  void begin() {
    if (connection == nullptr) return;
    connection->socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
      if (!error && self->connection != nullptr) self->readable();
    });
  }

  void end() {
    if (connection == nullptr) return;
    error_code ignored;
    connection->socket_.cancel(ignored);
    connection = nullptr;
  }

  void readable() {
    // Beyond that nobody looks any more: a peer that sends so far ahead is there.
    const std::size_t room = connection->options_.head_bytes;
    if (connection->buffer_.size() >= room) return;
    std::array<char, 4'096> bytes{};
    const ssize_t count = ::recv(connection->socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count > 0) {
      const auto space = connection->buffer_.prepare(static_cast<std::size_t>(count));
      connection->buffer_.commit(asio::buffer_copy(space, asio::buffer(bytes.data(), static_cast<std::size_t>(count))));
    } else if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
      has_left = true;
      stop.emit(asio::cancellation_type::terminal);
      return;
    }
    begin();
  }

  Connection* connection;  // null: the answer has ended
  asio::cancellation_signal stop;
  bool has_left = false;
};

Connection::Connection(Environment& environment, const ServerOptions& options, const ServerHandler& handler,
                       tcp::socket socket)
    : environment_(environment),
      options_(options),
      handler_(handler),
      socket_(std::move(socket)),
      buffer_(options.head_bytes + kReadAhead) {}

asio::awaitable<void> Connection::serve() {
  while (co_await next_request()) {
  }
}

void Connection::finish() {
  finishing_ = true;
  error_code ignored;
  if (idle_) socket_.shutdown(tcp::socket::shutdown_receive, ignored);  // ends the wait
}

asio::awaitable<bool> Connection::next_request() {
  if (buffer_.size() == 0) {
    auto waiting = wait_for_request();
    co_await std::move(waiting);
  }
  if (finishing_) co_return false;
  keep_alive_ = begun_ = streaming_ = head_only_ = false;
  ServerRequest request;
  if (!co_await read_request(request)) co_return false;
  auto answering = answer(std::move(request));
  co_await std::move(answering);
  co_return keep_alive_ && !finishing_;
}

asio::awaitable<void> Connection::wait_for_request() {
  idle_ = true;
  error_code error;
  try {
    auto waiting = wait_readable(socket_, error);
    co_await with_timeout(environment_, options_.idle_timeout, std::move(waiting), "waiting for a request");
  } catch (const Error& failure) {
    if (failure.code() != errc::timeout) throw;
    finishing_ = true;
  }
  idle_ = false;
}

asio::awaitable<bool> Connection::read_request(ServerRequest& request) {
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(options_.head_bytes));
  parser.body_limit(options_.body_bytes);
  error_code error;
  int refused = 0;
  try {
    auto head = read_head(socket_, buffer_, parser, error);
    co_await with_timeout(environment_, options_.head_timeout, std::move(head), "reading a request's head");
    chunked_ = parser.get().version() >= 11;
    if (!error && boost::beast::iequals(parser.get()[beast::field::expect], "100-continue") && chunked_) {
      auto going_on = put("HTTP/1.1 100 Continue\r\n\r\n");
      co_await std::move(going_on);
    }
    if (!error) {
      auto body = read_body(socket_, buffer_, parser, error);
      co_await with_timeout(environment_, options_.body_timeout, std::move(body), "reading a request's body");
    }
  } catch (const Error& failure) {
    if (failure.code() == errc::truncated) co_return false;
    if (failure.code() != errc::timeout) throw;
    refused = 408;
  }
  if (error && refused == 0) refused = refusal_of(error);
  if (error && refused == 0) co_return false;  // it has left
  if (refused == 0) {
    take_fields(parser, request);
    keep_alive_ = parser.get().keep_alive();
    head_only_ = request.method == "HEAD";
    request.body = std::move(parser.get().body());
    // A request that two readers may understand differently is understood by nobody (RFC 9112, 3.2 and 6.3).
    const bool two_lengths = request.count("transfer-encoding") > 0 && request.count("content-length") > 0;
    const bool no_host = chunked_ && request.count("host") != 1;
    if (two_lengths || no_host || !request.path.starts_with('/')) refused = 400;
  }
  if (refused == 0) co_return true;
  auto refusing = refuse(refused, error && refused != 408 ? error.message() : std::string());
  co_await std::move(refusing);
  co_return false;
}

asio::awaitable<void> Connection::refuse(int status, std::string why) {
  keep_alive_ = false;
  std::string words(beast::obsolete_reason(static_cast<beast::status>(status)));
  if (!why.empty()) words += ": " + why;
  try {
    auto sending = send(status, {{"Content-Type", "text/plain"}}, words + "\n");
    co_await std::move(sending);
    auto lingering = linger();
    co_await std::move(lingering);
  } catch (const Error& failure) {
    if (failure.code() == errc::cancelled) throw;  // else: it does not listen
  }
}

/// The kernel would drop what was sent if we closed on unread bytes.
asio::awaitable<void> Connection::linger() {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  try {
    auto draining = drain(socket_);
    co_await with_timeout(environment_, kLinger, std::move(draining), "waiting for the peer to close");
  } catch (const Error& failure) {
    if (failure.code() != errc::timeout) throw;
  }
}

asio::awaitable<void> Connection::answer(ServerRequest request) {
  const auto watch = std::make_shared<Watch>(*this);
  watch->begin();
  std::optional<Error> failure;
  try {
    auto handling = handle(std::move(request), *watch);
    co_await std::move(handling);
  } catch (...) {
    failure = current_error();
  }
  watch->end();
  if (watch->has_left) {
    keep_alive_ = false;
    co_return;
  }
  if (failure) {
    keep_alive_ = false;
    if (failure->code() == errc::cancelled || failure->code() == errc::truncated) throw Error(*failure);
    log("a request failed: " + failure->describe());
    if (begun_) co_return;  // cut off
  }
  if (!begun_) {
    auto sending = send(500, {{"Content-Type", "text/plain"}}, "Internal Server Error\n");
    co_await std::move(sending);
  }
  auto ending = end_answer();
  co_await std::move(ending);
}

asio::awaitable<void> Connection::handle(ServerRequest request, Watch& watch) {
  const asio::cancellation_state caller = co_await asio::this_coro::cancellation_state;
  asio::cancellation_slot slot = caller.slot();
  if (slot.is_connected()) slot.assign([&watch](asio::cancellation_type type) { watch.stop.emit(type); });
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  asio::awaitable<void> handling = handler_(std::move(request), *this);
  auto ended = asio::co_spawn(executor, spawnable(std::move(handling)),
                              asio::bind_cancellation_slot(watch.stop.slot(), asio::as_tuple(asio::use_awaitable)));
  const auto [failure] = co_await std::move(ended);
  slot.clear();
  if (failure) std::rethrow_exception(failure);
}

asio::awaitable<void> Connection::end_answer() {
  if (streaming_ && chunked_ && !head_only_) {
    auto last = put("0\r\n\r\n");
    co_await std::move(last);
  }
  if (!keep_alive_ || (streaming_ && !chunked_)) {
    keep_alive_ = false;
    auto lingering = linger();
    co_await std::move(lingering);
  }
}

std::string Connection::head(int status, const std::vector<Header>& headers, std::string_view framing) const {
  std::string text = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", status,
                                 std::string(beast::obsolete_reason(static_cast<beast::status>(status))),
                                 date_now(environment_.wall_now()));
  for (const Header& header : headers) {
    if (!is_clean(header.name) || !is_clean(header.value)) {
      throw Error(errc::invalid_argument, "the header " + header.name + " holds a line break");
    }
    text += fmt::format("{}: {}\r\n", header.name, header.value);
  }
  text += framing;
  if (!keep_alive_ || finishing_) text += "Connection: close\r\n";
  return text + "\r\n";
}

asio::awaitable<void> Connection::send(int status, std::vector<Header> headers, std::string body) {
  if (begun_) throw Error(errc::internal, "a request is answered once");
  const bool bodiless = status == 204 || status == 304 || status < 200;
  std::string bytes =
      head(status, headers, bodiless ? std::string() : fmt::format("Content-Length: {}\r\n", body.size()));
  if (!bodiless && !head_only_) bytes += body;
  begun_ = true;
  auto putting = put(std::move(bytes));
  co_await std::move(putting);
}

asio::awaitable<void> Connection::begin(int status, std::vector<Header> headers) {
  if (begun_) throw Error(errc::internal, "a request is answered once");
  if (!chunked_) keep_alive_ = false;  // HTTP/1.0: the end of the connection is the end of the answer
  std::string bytes = head(status, headers, chunked_ ? "Transfer-Encoding: chunked\r\n" : "");
  begun_ = streaming_ = true;
  auto putting = put(std::move(bytes));
  co_await std::move(putting);
}

asio::awaitable<void> Connection::write(std::string piece) {
  if (!streaming_) throw Error(errc::internal, "there is no answer to add to");
  if (piece.empty() || head_only_) co_return;  // an empty chunk would be the end
  if (chunked_) piece = fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
  auto putting = put(std::move(piece));
  co_await std::move(putting);
}

asio::awaitable<void> Connection::put(std::string bytes) {
  error_code error;
  auto writing = write_all(socket_, bytes, error);
  co_await with_timeout(environment_, options_.write_timeout, std::move(writing), "the peer: reading its answer");
  if (error) throw gone();
}

void Connection::log(std::string message) {
  environment_.log({LogLevel::warning, "http server", std::move(message)});
}

}  // namespace sennit::http
