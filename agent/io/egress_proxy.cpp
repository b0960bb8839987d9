#include <sennit/agent/io/egress.hpp>
#include <sennit/agent/io/egress_proxy.hpp>
#include <sennit/agent/io/egress_proxy_request.hpp>
#include <sennit/agent/io/pool.hpp>
#include <sennit/agent/io/process_pipes.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/timeout.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <list>
#include <optional>
#include <string_view>
#include <utility>

namespace sennit {
namespace {

using tcp = asio::ip::tcp;
constexpr auto kQuietly = asio::as_tuple(asio::use_awaitable);

// Blocking. A network namespace has no part in it: we are outside.
std::vector<std::string> resolve_by_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  std::vector<std::string> found;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return found;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &::freeaddrinfo);
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0) {
      found.emplace_back(text.data());
    }
  }
  return found;
}

struct Connection {
  explicit Connection(tcp::socket accepted) : client(std::move(accepted)), server(client.get_executor()) {}
  void close() {
    boost::system::error_code ignored;
    client.close(ignored);
    server.close(ignored);
  }

  tcp::socket client;
  tcp::socket server;
  SteadyTime last{};  // when a byte went through
};
using ConnectionPointer = std::shared_ptr<Connection>;

struct Head {
  std::string text;
  std::string rest;  // what came behind it
};

asio::awaitable<Head> read_head(ConnectionPointer connection) {
  std::string all;
  std::array<char, 4096> buffer{};
  for (;;) {
    const std::size_t size = co_await connection->client.async_read_some(asio::buffer(buffer), asio::use_awaitable);
    const std::size_t before = all.size();
    all.append(buffer.data(), size);
    const std::size_t end = all.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    if (end != std::string::npos) {
      Head head;
      head.text = all.substr(0, end + 4);
      head.rest = all.substr(end + 4);
      co_return head;
    }
    if (all.size() > EgressProxy::kMostHead) throw Error(errc::too_large, "the head of the request is too long");
  }
}

}  // namespace

struct EgressProxy::State {
  State(Environment& surroundings, Rules given)
      : environment(surroundings),
        rules(std::move(given)),
        acceptor(surroundings.executor()),
        tasks(surroundings.executor(), [](const Error&) {}),
        gone(surroundings.executor(), asio::steady_timer::time_point::max()) {}

  static asio::awaitable<void> accept(std::shared_ptr<State> state);
  static asio::awaitable<void> end_idle(std::shared_ptr<State> state);
  static asio::awaitable<void> serve(std::shared_ptr<State> state, ConnectionPointer connection);
  static asio::awaitable<void> copy(std::shared_ptr<State> state, ConnectionPointer connection, bool upwards);
  static asio::awaitable<void> answer_one(std::shared_ptr<State> state, ConnectionPointer connection);
  static asio::awaitable<std::optional<std::string>> open(std::shared_ptr<State> state, ConnectionPointer connection,
                                                          ProxyRequest request);
  asio::awaitable<void> connect(ConnectionPointer connection, ProxyRequest request);
  [[nodiscard]] bool may_connect(const sockaddr& address) const {
    return rules.allow_address ? rules.allow_address(address) : is_public_address(address);
  }
  void note_refused(std::string authority) {
    if (refused.size() < kMostRefused && std::find(refused.begin(), refused.end(), authority) == refused.end()) {
      refused.push_back(std::move(authority));
    }
  }
  void stop() {
    boost::system::error_code ignored;
    acceptor.close(ignored);
    for (const ConnectionPointer& connection : connections) connection->close();
    tasks.cancel();
  }

  Environment& environment;
  Rules rules;
  tcp::acceptor acceptor;
  TaskScope tasks;
  // Cancelled when a connection has ended. Waits are the loop's own: one that never runs again lets go of them, and so
  // of us.
  asio::steady_timer gone;
  std::list<ConnectionPointer> connections;
  std::vector<std::string> refused;
  std::uint64_t bytes = 0;
};

asio::awaitable<void> EgressProxy::State::accept(std::shared_ptr<State> state) {
  constexpr milliseconds kPause{100};  // out of descriptors: somebody gives one back soon
  while (state->acceptor.is_open()) {
    while (state->connections.size() >= kMostConnections) co_await state->gone.async_wait(kQuietly);
    auto [failed, socket] = co_await state->acceptor.async_accept(kQuietly);
    if (!state->acceptor.is_open()) co_return;
    if (failed) {
      asio::steady_timer pause(state->acceptor.get_executor(), kPause);
      co_await pause.async_wait(asio::use_awaitable);
      continue;
    }
    const auto connection = std::make_shared<Connection>(std::move(socket));
    connection->last = state->environment.now();
    state->connections.push_back(connection);
    asio::awaitable<void> serving = serve(state, connection);
    state->tasks.spawn(std::move(serving));
  }
}

asio::awaitable<void> EgressProxy::State::end_idle(std::shared_ptr<State> state) {
  asio::steady_timer timer(state->acceptor.get_executor());
  for (;;) {
    timer.expires_after(kIdleTime / 4);
    co_await timer.async_wait(asio::use_awaitable);
    const SteadyTime oldest = state->environment.now() - kIdleTime;
    for (const ConnectionPointer& connection : state->connections) {
      if (connection->last < oldest) connection->close();
    }
  }
}

// Names and addresses are looked at here, and nowhere later.
asio::awaitable<void> EgressProxy::State::connect(ConnectionPointer connection, ProxyRequest request) {
  std::string host = request.host;
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  auto job = [resolve = rules.resolve ? rules.resolve : resolve_by_system, host] { return resolve(host); };
  asio::awaitable<std::vector<std::string>> resolving = environment.pool().run(std::move(job));
  const std::vector<std::string> addresses = co_await std::move(resolving);
  if (addresses.empty()) throw Error(errc::connect_failed, "'" + request.host + "' has no address");
  bool refused_one = false;
  for (const std::string& text : addresses) {
    boost::system::error_code failed;
    const auto address = asio::ip::make_address(text, failed);
    if (failed) continue;
    const tcp::endpoint endpoint(address, request.port);
    if (!may_connect(*endpoint.data())) {
      refused_one = true;
      continue;
    }
    boost::system::error_code ignored;
    connection->server.close(ignored);
    const auto [error] = co_await connection->server.async_connect(endpoint, kQuietly);
    if (!error) co_return;
  }
  if (refused_one) {
    throw Error(errc::denied, "'" + request.host + "' is at an address that is not on the public internet");
  }
  throw Error(errc::connect_failed, "'" + request.authority() + "' cannot be reached");
}

// Gives what the client is told if there is no connection.
asio::awaitable<std::optional<std::string>> EgressProxy::State::open(std::shared_ptr<State> state,
                                                                     ConnectionPointer connection,
                                                                     ProxyRequest request) {
  std::optional<std::string> answer;
  try {
    check_permitted(request, state->rules.hosts);
    asio::awaitable<void> connecting = state->connect(connection, request);
    asio::awaitable<void> bounded =
        with_timeout(state->environment, kConnectTime, std::move(connecting), "connecting to " + request.authority());
    co_await std::move(bounded);
  } catch (...) {
    const Error error = current_error();
    if (error.code() == errc::cancelled) throw;
    if (error.code() == errc::denied) {
      state->note_refused(request.authority());
      answer = proxy_answer(403, "Forbidden", error.message());
    } else {
      answer = proxy_answer(error.code() == errc::timeout ? 504 : 502, "Bad Gateway", error.message());
    }
  }
  co_return answer;
}

asio::awaitable<void> EgressProxy::State::copy(std::shared_ptr<State> state, ConnectionPointer connection,
                                               bool upwards) {
  tcp::socket& from = upwards ? connection->client : connection->server;
  tcp::socket& to = upwards ? connection->server : connection->client;
  std::vector<char> buffer(16U << 10U);
  for (;;) {
    const auto [failed, size] = co_await from.async_read_some(asio::buffer(buffer), kQuietly);
    if (failed) break;
    connection->last = state->environment.now();
    state->bytes += size;
    if (state->bytes > state->rules.bytes) break;
    const auto [broken, written] = co_await asio::async_write(to, asio::buffer(buffer.data(), size), kQuietly);
    if (broken) break;
  }
  // Who only wants to hear has said all that he has to say.
  boost::system::error_code ignored;
  if (to.is_open()) to.shutdown(tcp::socket::shutdown_send, ignored);
  if (!upwards || state->bytes > state->rules.bytes) connection->close();
}

asio::awaitable<void> EgressProxy::State::answer_one(std::shared_ptr<State> state, ConnectionPointer connection) {
  std::optional<std::string> answer;
  Head head;
  ProxyRequest request;
  try {
    asio::awaitable<Head> reading = read_head(connection);
    asio::awaitable<Head> bounded =
        with_timeout(state->environment, kHeadTime, std::move(reading), "the head of a request");
    head = co_await std::move(bounded);
    request = read_proxy_request(head.text);
  } catch (...) {
    const Error error = current_error();
    if (error.code() == errc::cancelled || !connection->client.is_open()) throw;
    answer = proxy_answer(400, "Bad Request", error.message());
  }
  if (!answer) {
    asio::awaitable<std::optional<std::string>> opening = open(state, connection, request);
    answer = co_await std::move(opening);
  }
  if (answer) {
    // Without reading what else was sent, closing would reset the connection before this is read.
    co_await asio::async_write(connection->client, asio::buffer(*answer), kQuietly);
    boost::system::error_code ignored;
    connection->client.shutdown(tcp::socket::shutdown_send, ignored);
    co_return;
  }
  const std::string up = request.head + head.rest;
  const std::string down = request.tunnel ? "HTTP/1.1 200 Connection established\r\n\r\n" : "";
  co_await asio::async_write(connection->client, asio::buffer(down), kQuietly);
  co_await asio::async_write(connection->server, asio::buffer(up), kQuietly);
  asio::awaitable<void> upwards = copy(state, connection, true);
  state->tasks.spawn(std::move(upwards));
  asio::awaitable<void> downwards = copy(state, connection, false);
  co_await std::move(downwards);
}

asio::awaitable<void> EgressProxy::State::serve(std::shared_ptr<State> state, ConnectionPointer connection) {
  std::exception_ptr failure;
  try {
    asio::awaitable<void> answering = answer_one(state, connection);
    co_await std::move(answering);
  } catch (...) {
    failure = std::current_exception();
  }
  connection->close();
  std::erase(state->connections, connection);
  state->gone.cancel();
  if (failure) std::rethrow_exception(failure);
}

EgressProxy::EgressProxy(Environment& environment, int listener, Rules rules)
    : state_(std::make_shared<State>(environment, std::move(rules))) {
  process::Descriptor owned(listener);
  boost::system::error_code failed;
  state_->acceptor.assign(tcp::v4(), owned.get(), failed);
  if (failed) throw Error(errc::io, "the egress proxy cannot listen: " + failed.message());
  static_cast<void>(owned.release());
  asio::awaitable<void> accepting = State::accept(state_);
  state_->tasks.spawn(std::move(accepting));
  asio::awaitable<void> ending = State::end_idle(state_);
  state_->tasks.spawn(std::move(ending));
}

EgressProxy::~EgressProxy() {
  state_->stop();
}

const std::vector<std::string>& EgressProxy::refused() const noexcept {
  return state_->refused;
}

std::uint64_t EgressProxy::bytes() const noexcept {
  return state_->bytes;
}

}  // namespace sennit
