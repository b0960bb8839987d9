// The floor: what the same runs cost a hand-written epoll client that looks for known bytes in lines and knows neither
// JSON nor HTTP, TLS, time-outs or errors. Not a design: what everything else is compared with.
//   limit_client PORT RUNS CONCURRENCY [PACE_MS]    prints one JSON object; with PACE_MS the lag of tokens too
#include "epoll.hpp"
#include "measure.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::bench {
namespace {

constexpr std::string_view kTools =
    R"("tools":[{"type":"function","function":{"name":"add","description":"Adds two numbers",)"
    R"("parameters":{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},)"
    R"("required":["a","b"]}}}])";

std::string request(std::string_view further_messages) {
  std::string body = fmt::format(
      R"({{"model":"mock","stream":true,"stream_options":{{"include_usage":true}},"messages":[{{"role":"user",)"
      R"("content":"What is 2+3?"}}{}],{}}})",
      further_messages, kTools);
  return fmt::format(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer x\r\n"
      "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
      body.size(), body);
}

std::string second_request(long sum) {
  return request(
      fmt::format(R"(,{{"role":"assistant","content":null,"tool_calls":[{{"id":"call_mock1","type":"function",)"
                  R"("function":{{"name":"add","arguments":"{{\"a\":2,\"b\":3}}"}}}}]}},)"
                  R"({{"role":"tool","tool_call_id":"call_mock1","content":"{}"}})",
                  sum));
}

/// One connection, which does one run after the other.
struct Lane {
  Descriptor socket;
  enum class Step { idle, tool_call, text } step = Step::idle;
  bool in_body = false;
  std::string line;       ///< the beginning of a line whose end has not arrived
  std::string arguments;  ///< of the tool call
  std::string text;
  double began = 0;
  std::size_t tokens = 0;
};

class Client {
 public:
  Client(std::uint16_t port, std::size_t runs, std::size_t concurrency, double pace_ms)
      : runs_(runs),
        pace_ms_(pace_ms),
        lags_(pace_ms > 0 ? runs * kSamplesOfRun : 0),
        began_(wall_seconds()),
        cpu_(cpu_seconds()) {
    sockaddr_in address = loopback(port);
    for (std::size_t i = 0; i < concurrency; ++i) {
      auto lane = std::make_unique<Lane>();
      lane->socket = Descriptor(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
      checked(::connect(lane->socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
      send_at_once(lane->socket.get());
      epoll_.add(lane->socket.get(), EPOLLIN, i);
      lanes_.push_back(std::move(lane));
      begin(*lanes_.back());
    }
  }

  void work() {
    while (finished_ < runs_) {
      for (const epoll_event& event : epoll_.wait()) receive(*lanes_[event.data.u64]);
      memory_.pass();
    }
    if (tokens_ == 0) throw std::runtime_error("no token arrived");
  }

  void report() {
    fmt::print(R"({{"runs":{},"wall_s":{:.6f},"cpu_s":{:.6f},"tokens":{},"memory":{},"first_token_ms":{:.3f},)"
               R"("lag_p50_ms":{:.3f},"lag_p99_ms":{:.3f}}})"
               "\n",
               runs_, wall_seconds() - began_, cpu_seconds() - cpu_, tokens_, memory_.growth(),
               (first_token_ - began_) * 1e3, lags_.quantile(0.5), lags_.quantile(0.99));
  }

 private:
  void begin(Lane& lane) {
    lane.step = Lane::Step::idle;
    if (started_ == runs_) return;
    ++started_;
    lane.step = Lane::Step::tool_call;
    lane.arguments.clear();
    lane.text.clear();
    lane.tokens = 0;
    lane.began = wall_seconds();
    send(lane, first_request_);
  }

  static void send(Lane& lane, std::string_view bytes) {
    ssize_t count = ::send(lane.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count != static_cast<ssize_t>(bytes.size())) throw std::runtime_error("the socket took a part of a request");
  }

  void receive(Lane& lane) {
    static std::array<char, 1U << 16U> buffer;
    ssize_t count = ::recv(lane.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) throw std::runtime_error("the server closed a connection");
    std::string_view rest(buffer.data(), static_cast<std::size_t>(count));
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      if (lane.line.empty()) {
        take_line(lane, rest.substr(0, end));
      } else {
        std::string line = std::move(lane.line.append(rest.substr(0, end)));
        lane.line.clear();
        take_line(lane, line);
      }
      rest.remove_prefix(end + 1);
    }
    lane.line.append(rest);
  }

  void take_line(Lane& lane, std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("data: ")) {
      lane.in_body = true;
      take_event(lane, line.substr(6));
    } else if (line == "0" && lane.in_body) {  // the last chunk
      lane.in_body = false;
      end_answer(lane);
    }
  }

  void take_event(Lane& lane, std::string_view data) {
    constexpr std::string_view kArguments = R"("arguments":")";
    constexpr std::string_view kContent = R"("delta":{"content":")";
    bool tool_call = lane.step == Lane::Step::tool_call;
    std::string_view key = tool_call ? kArguments : kContent;
    // memmem is vectorised, string_view::find is not: this is meant to be the floor.
    const void* found = ::memmem(data.data(), data.size(), key.data(), key.size());
    if (found == nullptr) return;
    const char* value = static_cast<const char*>(found) + key.size();
    append_json_string(tool_call ? lane.arguments : lane.text, data.substr(value - data.data()));
    if (!tool_call) count_token(lane);
  }

  static void append_json_string(std::string& to, std::string_view from) {
    for (std::size_t i = 0; i < from.size() && from[i] != '"'; ++i) {
      if (from[i] != '\\' || i + 1 == from.size()) {
        to += from[i];
      } else {
        char escaped = from[++i];
        to += escaped == 'n' ? '\n' : escaped;
      }
    }
  }

  void count_token(Lane& lane) {
    ++tokens_;
    ++lane.tokens;
    if (first_token_ == 0) first_token_ = wall_seconds();
    if (pace_ms_ > 0) {
      lags_.add((wall_seconds() - lane.began) * 1e3 - pace_ms_ * static_cast<double>(lane.tokens));
    }
  }

  void end_answer(Lane& lane) {
    if (lane.step == Lane::Step::tool_call) {
      lane.step = Lane::Step::text;
      send(lane, second_request(number_after(lane.arguments, "\"a\":") + number_after(lane.arguments, "\"b\":")));
    } else {
      ++finished_;
      begin(lane);
    }
  }

  static long number_after(const std::string& text, std::string_view key) {
    std::size_t at = text.find(key);
    return at == std::string::npos ? 0 : std::strtol(text.c_str() + at + key.size(), nullptr, 10);
  }

  std::size_t runs_;
  double pace_ms_;
  Samples lags_;
  PeakMemory memory_;
  double began_;
  double cpu_;
  double first_token_ = 0;
  std::size_t started_ = 0;
  std::size_t finished_ = 0;
  std::size_t tokens_ = 0;
  std::string first_request_ = request("");
  Epoll epoll_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace
}  // namespace sennit::bench

int main(int count, char** arguments) {
  try {
    if (count < 4) throw std::invalid_argument("usage: limit_client PORT RUNS CONCURRENCY [PACE_MS]");
    sennit::bench::allow_many_descriptors();
    sennit::bench::Client client(static_cast<std::uint16_t>(std::strtoul(arguments[1], nullptr, 10)),
                                 std::strtoul(arguments[2], nullptr, 10), std::strtoul(arguments[3], nullptr, 10),
                                 count > 4 ? std::strtod(arguments[4], nullptr) : 0);
    client.work();
    client.report();
  } catch (const std::exception& error) {
    fmt::print(stderr, "limit_client: {}\n", error.what());
    return 1;
  }
}
