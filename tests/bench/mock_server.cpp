// A model server for measuring clients: chat-completions over HTTP/1.1, one thread, epoll, all answers serialised in
// advance, so that the time goes into what is measured. A conversation that offers tools and has no tool result yet is
// answered by a call of `add`, any other by N tokens, at once or one every D milliseconds, each in a write of its own.
//   mock_server [--port P] [--tokens N] [--delay-ms D]    prints `listening on P`; without --port a free one
//   GET /stats                                            what was served so far, as JSON
#include "answers.hpp"
#include "epoll.hpp"

#include <fmt/core.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <queue>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sennit::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kRequestLimit = 16U << 20U;
constexpr std::uint64_t kListener = 0;  // epoll's data: a connection's number, from 2
constexpr std::uint64_t kTimer = 1;

struct Options {
  std::uint16_t port = 0;
  std::size_t tokens = 64;
  std::chrono::microseconds delay{0};
};

struct Statistics {
  std::uint64_t requests = 0;
  std::uint64_t connections = 0;
  std::uint64_t finished = 0;   ///< streamed answers sent to their end
  std::uint64_t aborted = 0;    ///< streamed answers whose client went away
  std::uint64_t streaming = 0;  ///< now
  std::uint64_t most_streaming = 0;
};

struct Connection {
  std::uint64_t id = 0;
  Descriptor socket;
  std::string input{};
  std::string output{};  ///< not yet taken by the socket, from `sent` on
  std::size_t sent = 0;
  std::string_view shared{};  ///< the rest of an answer that is sent from where it was serialised
  bool streaming = false;
  bool wants_write = false;
  std::size_t tokens = 0;
};

struct Deadline {
  Clock::time_point when;
  std::uint64_t connection;
  friend bool operator<(const Deadline& a, const Deadline& b) { return a.when > b.when; }  // the earliest on top
};

/// True if `key` is followed by `value` somewhere in a JSON text, with or without blanks between them.
bool has_member(std::string_view text, std::string_view key, std::string_view value) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at)) {
    at += key.size();
    std::size_t start = text.find_first_not_of(" :", at);
    if (start != std::string_view::npos && text.substr(start).starts_with(value)) return true;
  }
  return false;
}

class Server {
 public:
  explicit Server(Options options) : options_(options), answers_(options.tokens) {
    int on = 1;
    checked(::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
    sockaddr_in address = loopback(options.port);
    socklen_t size = sizeof address;
    checked(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), "bind");
    checked(::listen(listener_.get(), 4096), "listen");
    checked(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    epoll_.add(listener_.get(), EPOLLIN, kListener);
    epoll_.add(timer_.get(), EPOLLIN, kTimer);
    fmt::print("listening on {}\n", ntohs(address.sin_port));
    std::fflush(stdout);
  }

  [[noreturn]] void serve() {
    for (;;) {
      for (const epoll_event& event : epoll_.wait()) {
        if (event.data.u64 == kListener) {
          accept();
        } else if (event.data.u64 == kTimer) {
          send_due_tokens();
        } else {
          attend(event.data.u64, event.events);
        }
      }
    }
  }

 private:
  void accept() {
    for (;;) {
      Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket.get() < 0) return;
      send_at_once(socket.get());
      std::uint64_t id = next_id_++;
      epoll_.add(socket.get(), EPOLLIN | EPOLLRDHUP, id);
      connections_.emplace(id, Connection{.id = id, .socket = std::move(socket)});
      ++statistics_.connections;
    }
  }

  void attend(std::uint64_t id, std::uint32_t events) {
    auto found = connections_.find(id);
    if (found == connections_.end()) return;
    Connection& connection = found->second;
    bool open = (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) == 0;
    if (open && (events & EPOLLIN) != 0) open = receive(connection);
    if (open) open = flush(connection) && answer(connection);
    if (open) return;
    if (connection.streaming) {
      ++statistics_.aborted;
      --statistics_.streaming;
    }
    connections_.erase(found);
  }

  bool receive(Connection& connection) {
    static std::array<char, 1U << 18U> buffer;
    for (;;) {
      ssize_t count = ::recv(connection.socket.get(), buffer.data(), buffer.size(), 0);
      if (count == 0) return false;
      if (count < 0) return errno == EAGAIN;
      connection.input.append(buffer.data(), static_cast<std::size_t>(count));
      if (connection.input.size() > kRequestLimit) return false;
      if (static_cast<std::size_t>(count) < buffer.size()) return true;
    }
  }

  /// Answers the complete requests that have arrived, one after the other. False: the connection is to be closed.
  bool answer(Connection& connection) {
    while (!connection.streaming) {
      std::size_t head = connection.input.find("\r\n\r\n");
      if (head == std::string::npos) return true;
      head += 4;
      std::size_t length = content_length(std::string_view(connection.input).substr(0, head));
      if (length > kRequestLimit) return false;
      if (connection.input.size() < head + length) return true;
      std::string_view body = std::string_view(connection.input).substr(head, length);
      ++statistics_.requests;
      if (connection.input.starts_with("GET ")) {
        connection.output += plain_answer("200 OK", report());
      } else {
        complete(connection, body);
      }
      connection.input.erase(0, head + length);
      if (!flush(connection)) return false;
    }
    return true;
  }

  void complete(Connection& connection, std::string_view body) {
    bool answered = has_member(body, "\"role\"", "\"tool\"") || !has_member(body, "\"tools\"", "[");
    if (!has_member(body, "\"stream\"", "true")) {
      connection.output += answered ? answers_.whole_text : answers_.whole_tool_call;
    } else if (!answered) {
      connection.output += answers_.tool_call;
    } else {
      connection.streaming = true;
      connection.tokens = 0;
      statistics_.most_streaming = std::max(statistics_.most_streaming, ++statistics_.streaming);
      if (options_.delay.count() == 0) {
        connection.shared = answers_.burst;
      } else {
        connection.output += answers_.head;
        schedule({Clock::now() + options_.delay, connection.id});
      }
    }
  }

  void send_due_tokens() {
    std::uint64_t expirations = 0;
    if (::read(timer_.get(), &expirations, sizeof expirations) < 0 && errno != EAGAIN) checked(-1, "timerfd");
    armed_ = Clock::time_point::max();
    Clock::time_point now = Clock::now();
    while (!deadlines_.empty() && deadlines_.top().when <= now) {
      Deadline due = deadlines_.top();
      deadlines_.pop();
      auto found = connections_.find(due.connection);
      if (found == connections_.end()) continue;
      Connection& connection = found->second;
      if (connection.tokens++ < options_.tokens) {
        connection.output += answers_.token;
        deadlines_.push({due.when + options_.delay, due.connection});
      } else {
        connection.output += answers_.tail;
        end_stream(connection);
      }
      attend(due.connection, 0);
    }
    if (!deadlines_.empty()) arm();
  }

  void schedule(Deadline deadline) {
    deadlines_.push(deadline);
    arm();
  }

  void arm() {
    if (deadlines_.top().when >= armed_) return;
    armed_ = deadlines_.top().when;
    auto since_epoch = std::chrono::nanoseconds(armed_.time_since_epoch()).count();
    itimerspec when{};
    when.it_value.tv_sec = since_epoch / 1'000'000'000;
    when.it_value.tv_nsec = since_epoch % 1'000'000'000;
    checked(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr), "timerfd_settime");
  }

  void end_stream(Connection& connection) {
    connection.streaming = false;
    --statistics_.streaming;
    ++statistics_.finished;
  }

  /// Writes what the socket takes. False: the connection is broken.
  bool flush(Connection& connection) {
    for (;;) {
      std::string_view rest = std::string_view(connection.output).substr(connection.sent);
      bool own = !rest.empty();
      if (!own) rest = connection.shared;
      if (rest.empty()) break;
      ssize_t count = ::send(connection.socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (count < 0) {
        if (errno != EAGAIN) return false;
        want_write(connection, true);
        return true;
      }
      if (own) {
        connection.sent += static_cast<std::size_t>(count);
      } else {
        connection.shared.remove_prefix(static_cast<std::size_t>(count));
        if (connection.shared.empty()) end_stream(connection);
      }
    }
    connection.output.clear();
    connection.sent = 0;
    want_write(connection, false);
    return true;
  }

  void want_write(Connection& connection, bool wanted) {
    if (connection.wants_write == wanted) return;
    connection.wants_write = wanted;
    epoll_.change(connection.socket.get(), EPOLLIN | EPOLLRDHUP | (wanted ? EPOLLOUT : 0U), connection.id);
  }

  static std::size_t content_length(std::string_view head) {
    std::string lower(head);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    std::size_t at = lower.find("\r\ncontent-length:");
    return at == std::string::npos ? 0 : std::strtoul(lower.c_str() + at + 17, nullptr, 10);
  }

  std::string report() const {
    timespec cpu{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    return fmt::format(
        R"({{"requests":{},"connections":{},"finished":{},"aborted":{},"streaming":{},"most_streaming":{},)"
        R"("cpu_us":{}}})",
        statistics_.requests, statistics_.connections, statistics_.finished, statistics_.aborted, statistics_.streaming,
        statistics_.most_streaming, cpu.tv_sec * 1'000'000 + cpu.tv_nsec / 1'000);
  }

  Options options_;
  Answers answers_;
  Statistics statistics_;
  Epoll epoll_;
  Descriptor listener_{checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket")};
  Descriptor timer_{checked(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create")};
  std::unordered_map<std::uint64_t, Connection> connections_;
  std::uint64_t next_id_ = kTimer + 1;
  std::priority_queue<Deadline> deadlines_;
  Clock::time_point armed_ = Clock::time_point::max();
};

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    std::string_view name = arguments[i];
    if (name == "--port") {
      options.port = static_cast<std::uint16_t>(std::strtoul(arguments[i + 1], nullptr, 10));
    } else if (name == "--tokens") {
      options.tokens = std::strtoul(arguments[i + 1], nullptr, 10);
    } else if (name == "--delay-ms") {
      options.delay = std::chrono::microseconds(std::lround(std::strtod(arguments[i + 1], nullptr) * 1000));
    } else {
      throw std::invalid_argument("unknown option " + std::string(name));
    }
  }
  return options;
}

}  // namespace
}  // namespace sennit::bench

int main(int count, char** arguments) {
  try {
    sennit::bench::allow_many_descriptors();
    sennit::bench::Server(sennit::bench::parse(count, arguments)).serve();
  } catch (const std::exception& error) {
    fmt::print(stderr, "mock_server: {}\n", error.what());
    return 1;
  }
}
