#include <sennit/agent/io/http_server.hpp>
#include <sennit/agent/io/http_server_connection.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/timeout.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

namespace sennit::http {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

// Out of descriptors: the next may be free soon.
constexpr milliseconds kAcceptPause{100};
// Told to whom there is no room for. Small enough for every fresh socket's buffer.
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

tcp::endpoint endpoint_of(const ServerOptions& options) {
  error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) throw Error(errc::invalid_argument, "'" + options.address + "' is no numeric address to listen on");
  return {address, options.port};
}

void turn_away(tcp::socket socket) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(kFull), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace

bool same_header(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view ServerRequest::header(std::string_view name) const noexcept {
  const auto found = std::ranges::find_if(headers, [&](const Header& one) { return same_header(one.name, name); });
  return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

std::size_t ServerRequest::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(headers, [&](const Header& one) { return same_header(one.name, name); }));
}

struct Server::State : std::enable_shared_from_this<Server::State> {
  State(Environment& shard, ServerOptions server_options, ServerHandler server_handler)
      : environment(shard),
        options(std::move(server_options)),
        handler(std::move(server_handler)),
        acceptor(shard.executor()),
        accepting(shard.executor(), {}),
        serving(shard.executor(), {}) {}

  void listen() {
    const tcp::endpoint endpoint = endpoint_of(options);
    try {
      acceptor.open(endpoint.protocol());
      acceptor.set_option(tcp::acceptor::reuse_address(true));
      acceptor.bind(endpoint);
      acceptor.listen();
    } catch (const boost::system::system_error& error) {
      throw Error(errc::io, "cannot listen on " + options.address + " port " + std::to_string(options.port) + ": " +
                                error.code().message());
    }
  }

  static asio::awaitable<void> accept(std::shared_ptr<State> self) {
    while (true) {
      error_code error;
      tcp::socket socket = co_await self->acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        co_await self->environment.sleep(kAcceptPause);
      } else if (self->open.size() >= self->options.connections) {
        turn_away(std::move(socket));
      } else {
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        self->serving.spawn(serve(self, std::move(socket)));
      }
    }
  }

  static asio::awaitable<void> serve(std::shared_ptr<State> self, tcp::socket socket) {
    Connection connection(self->environment, self->options, self->handler, std::move(socket));
    struct Open {
      Open(std::set<Connection*>& of, Connection& one) : all(of), own(one) { all.insert(&own); }
      ~Open() { all.erase(&own); }
      Open(const Open&) = delete;
      Open& operator=(const Open&) = delete;
      std::set<Connection*>& all;
      Connection& own;
    } const open(self->open, connection);
    try {
      auto serving = connection.serve();
      co_await std::move(serving);
    } catch (...) {
      const Error error = current_error();
      const bool is_usual = error.code() == errc::truncated || error.code() == errc::timeout;
      if (!is_usual) throw Error(error);
    }
  }

  void close() {
    error_code ignored;
    acceptor.close(ignored);
    accepting.cancel();
  }

  Environment& environment;
  const ServerOptions options;
  const ServerHandler handler;
  tcp::acceptor acceptor;
  std::set<Connection*> open;
  TaskScope accepting;
  TaskScope serving;
  std::uint16_t port = 0;
};

Server::Server(Environment& environment, ServerOptions options, ServerHandler handler)
    : state_(std::make_shared<State>(environment, std::move(options), std::move(handler))) {
  state_->listen();
  state_->port = state_->acceptor.local_endpoint().port();
  state_->accepting.spawn(State::accept(state_));
}

Server::~Server() {
  state_->close();
  state_->serving.cancel();
}

std::uint16_t Server::port() const noexcept {
  return state_->port;
}

std::size_t Server::connections() const noexcept {
  return state_->open.size();
}

asio::awaitable<void> Server::stop(milliseconds grace) {
  const std::shared_ptr<State> state = state_;
  state->close();
  co_await state->accepting.join();
  for (Connection* connection : state->open) connection->finish();
  try {
    auto ending = state->serving.join();
    co_await with_timeout(state->environment, std::max(grace, milliseconds{1}), std::move(ending), "ending");
  } catch (const Error& error) {
    if (error.code() != errc::timeout) throw;  // else: they were cancelled, and have ended
  }
}

}  // namespace sennit::http
