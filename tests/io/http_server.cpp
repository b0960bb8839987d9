// The server against real clients: libcurl where it behaves, a bare socket where it does not.
#include "support/fixtures.hpp"
#include <sennit/agent/io/http.hpp>
#include <sennit/agent/io/http_server.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

using asio::ip::tcp;

struct Fetched {
  int status = 0;
  std::string body;
  std::string type;
};

asio::awaitable<Fetched> fetch(Environment& env, std::uint16_t port, std::string path, std::string body = {},
                               std::string method = "POST") {
  http::Request request;
  request.method = method;
  request.url = "http://127.0.0.1:" + std::to_string(port) + path;
  request.body = std::move(body);
  std::unique_ptr<http::Response> response = co_await env.http().send(std::move(request));
  Fetched fetched{response->status(), {}, std::string(response->header("content-type"))};
  fetched.body = co_await http::read_all(*response);
  co_return fetched;
}

/// A bare connection. read() gives what has come by the peer's end, or by the time `until` is in it.
class Raw {
 public:
  Raw(TestEnvironment& environment, std::uint16_t port) : env_(environment), socket_(environment.executor()) {
    socket_.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
  }
  void write(std::string bytes) { run(env_, write_all(std::move(bytes))); }
  std::string read(std::string until = {}) { return run(env_, read_some(std::move(until))); }
  void close() { socket_.close(); }
  tcp::socket& socket() { return socket_; }

 private:
  asio::awaitable<void> write_all(std::string bytes) {
    boost::system::error_code error;  // who is refused may find the connection closed
    co_await asio::async_write(socket_, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
  }
  asio::awaitable<std::string> read_some(std::string until) {
    std::string text;
    std::array<char, 4096> piece{};
    boost::system::error_code error;
    while (!error && (until.empty() || text.find(until) == std::string::npos)) {
      const std::size_t count =
          co_await socket_.async_read_some(asio::buffer(piece), asio::redirect_error(asio::use_awaitable, error));
      text.append(piece.data(), count);
    }
    co_return text;
  }
  TestEnvironment& env_;
  tcp::socket socket_;
};

asio::awaitable<void> echo(http::ServerRequest request, http::ServerAnswer& answer) {
  std::string words = request.method + " " + request.path + " ? " + request.query + "\n" + request.body;
  std::vector<http::Header> headers{{"Content-Type", "text/plain"}};
  co_await answer.send(200, std::move(headers), std::move(words));
}

asio::awaitable<void> count_to(http::ServerAnswer& answer, int most) {
  std::vector<http::Header> headers{{"Content-Type", "text/event-stream"}};
  co_await answer.begin(200, std::move(headers));
  for (int i = 1; i <= most; ++i) co_await answer.write("data: " + std::to_string(i) + "\n\n");
}

http::ServerHandler counting(int most) {
  return [most](const http::ServerRequest&, http::ServerAnswer& answer) { return count_to(answer, most); };
}

/// Begins, then waits for its cancellation, and says what came.
struct Patient {
  int waiting = 0;
  int cancelled = 0;
  asio::awaitable<void> handle(Environment& env, http::ServerAnswer& answer) {
    std::vector<http::Header> headers;
    co_await answer.begin(200, std::move(headers));
    ++waiting;
    std::optional<Error> failure;
    try {
      co_await env.sleep(milliseconds{600'000});
    } catch (const Error& error) {
      failure = error;
    }
    --waiting;
    if (failure && failure->code() == errc::cancelled) ++cancelled;
    if (failure) throw Error(*failure);
  }
  http::ServerHandler handler(Environment& env) {
    return [this, &env](const http::ServerRequest&, http::ServerAnswer& answer) { return handle(env, answer); };
  }
};

constexpr char kGet[] = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

struct Bench {
  explicit Bench(http::ServerHandler handler = echo, http::ServerOptions options = {})
      : server(env, std::move(options), std::move(handler)) {}
  ~Bench() { run(env, server.stop(1ms)); }
  Raw raw() { return {env, server.port()}; }
  TestEnvironment env;
  http::Server server;
};

}  // namespace

TEST_CASE("a request is answered, and its connection used again", "[http_server]") {
  Bench bench;
  const Fetched first = run(bench.env, fetch(bench.env, bench.server.port(), "/a/b?c=d", "hello"));
  CHECK(first.status == 200);
  CHECK(first.type == "text/plain");
  CHECK(first.body == "POST /a/b ? c=d\nhello");
  CHECK(run(bench.env, fetch(bench.env, bench.server.port(), "/again")).body == "POST /again ? \n");
  CHECK(bench.server.connections() == 1);
}

TEST_CASE("a large body comes whole, also after Expect: 100-continue", "[http_server]") {
  Bench bench;
  const std::string large(3U << 20U, 'x');
  CHECK(run(bench.env, fetch(bench.env, bench.server.port(), "/", large)).body.size() == large.size() + 10);
  Raw raw = bench.raw();
  raw.write("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(raw.read("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  raw.write("hi");
  CHECK_THAT(raw.read("\nhi"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("an answer in pieces arrives as it is written", "[http_server]") {
  Bench bench(counting(3));
  const Fetched all = run(bench.env, fetch(bench.env, bench.server.port(), "/"));
  CHECK(all.body == "data: 1\n\ndata: 2\n\ndata: 3\n\n");
  CHECK(all.type == "text/event-stream");
  Raw old = bench.raw();
  old.write("GET / HTTP/1.0\r\n\r\n");  // its end is the connection's
  const std::string text = old.read();
  CHECK_THAT(text, ContainsSubstring("Connection: close") && EndsWith("data: 3\n\n"));
}

TEST_CASE("requests that come at once are answered in turn", "[http_server]") {
  Bench bench;
  Raw raw = bench.raw();
  raw.write("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string text = raw.read();
  CHECK_THAT(text,
             ContainsSubstring("GET /1") && ContainsSubstring("GET /2") && ContainsSubstring("Connection: close"));
}

TEST_CASE("HEAD gets the head", "[http_server]") {
  Bench bench;
  Raw raw = bench.raw();
  raw.write("HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string text = raw.read();
  CHECK_THAT(text, ContainsSubstring("Content-Length: 11\r\n") && EndsWith("\r\n\r\n"));
}

TEST_CASE("what is no good is refused with a reason", "[http_server]") {
  Bench bench(echo, {.head_bytes = 2'000, .body_bytes = 1'000});
  const auto status = [&](const std::string& request) {
    Raw raw = bench.raw();
    raw.write(request);
    return raw.read().substr(0, 12);
  };
  CHECK(status("GET /x HTTP/1.1\r\nHost: a\r\nX: " + std::string(3'000, 'y') + "\r\n\r\n") == "HTTP/1.1 431");
  CHECK(status("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n" + std::string(1'001, 'z')) ==
        "HTTP/1.1 413");
  CHECK(status("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2'000, 'z') +
               "\r\n0\r\n\r\n") == "HTTP/1.1 413");
  CHECK(status("rubbish\r\n\r\n") == "HTTP/1.1 400");
  CHECK(status("GET /x HTTP/1.1\r\n\r\n") == "HTTP/1.1 400");
  CHECK(status("GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == "HTTP/1.1 400");
  CHECK(status("GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n") == "HTTP/1.1 400");
  CHECK(status("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") ==
        "HTTP/1.1 400");
  CHECK(status("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd") == "HTTP/1.1 400");
  CHECK(status("GET / HTTP/3.0\r\nHost: a\r\n\r\n") == "HTTP/1.1 505");
  CHECK(status(kGet + std::string("\r\n")).starts_with("HTTP/1.1 200"));
}

TEST_CASE("a chunk's extension and a trailer have a bound", "[http_server]") {
  Bench bench;
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& before : {head + "1;x=", head + "0\r\nX: "}) {
    INFO(before);
    Raw raw = bench.raw();
    raw.write(before + std::string(200'000, 'y'));  // and no end of it
    CHECK_THAT(raw.read("\r\n"), StartsWith("HTTP/1.1 431"));
  }
  Raw raw = bench.raw();
  raw.write(head + "5;x=" + std::string(20'000, 'y') + "\r\nhello\r\n0\r\n\r\n");
  CHECK_THAT(raw.read("hello"), StartsWith("HTTP/1.1 200"));
}

TEST_CASE("slow heads and bodies are not waited for for long", "[http_server]") {
  Bench bench(echo, {.head_timeout = 50ms, .body_timeout = 50ms, .idle_timeout = 50ms});
  Raw head = bench.raw();
  head.write("GET /x HTTP/1.1\r\nHo");
  CHECK_THAT(head.read(), StartsWith("HTTP/1.1 408"));
  Raw body = bench.raw();
  body.write("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc");
  CHECK_THAT(body.read(), StartsWith("HTTP/1.1 408"));
  Raw idle = bench.raw();
  CHECK(idle.read().empty());
  until(bench.env, [&] { return bench.server.connections() == 0; });
}

TEST_CASE("who leaves cancels the answer", "[http_server]") {
  Patient patient;
  TestEnvironment env;
  http::Server server(env, {}, patient.handler(env));
  Raw raw(env, server.port());
  raw.write(kGet);
  CHECK_THAT(raw.read("\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  until(env, [&] { return patient.waiting == 1; });
  SECTION("also after it has sent ahead") {
    raw.write(kGet);
    raw.close();
  }
  SECTION("by closing") {
    raw.close();
  }
  SECTION("by a reset") {
    raw.socket().set_option(asio::socket_base::linger(true, 0));
    raw.close();
  }
  until(env, [&] { return patient.cancelled == 1 && server.connections() == 0; });
  run(env, server.stop(1ms));
}

TEST_CASE("a peer that reads nothing holds its handler up, and is given up", "[http_server]") {
  int written = 0;
  struct Flood {
    static asio::awaitable<void> handle(http::ServerAnswer& answer, int& count) {
      std::vector<http::Header> headers;
      co_await answer.begin(200, std::move(headers));
      const std::string piece(64U << 10U, 'x');
      for (; count < 10'000; ++count) co_await answer.write(piece);
    }
  };
  Bench bench([&](const http::ServerRequest&, http::ServerAnswer& answer) { return Flood::handle(answer, written); },
              {.write_timeout = 200ms});
  Raw raw = bench.raw();
  raw.write(kGet);
  until(bench.env, [&] { return written > 0; });
  until(bench.env, [&] { return bench.server.connections() == 0; });
  CHECK(written < 1'000);  // what the sockets' buffers hold
}

TEST_CASE("a handler that fails is a 500, or cuts its answer off", "[http_server]") {
  struct Failing {
    static asio::awaitable<void> handle(http::ServerAnswer& answer, bool begin) {
      std::vector<http::Header> headers;
      if (begin) co_await answer.begin(200, std::move(headers));
      throw Error(errc::internal, "no luck");
    }
  };
  bool begin = false;
  Bench bench([&](const http::ServerRequest&, http::ServerAnswer& answer) { return Failing::handle(answer, begin); });
  CHECK(run(bench.env, fetch(bench.env, bench.server.port(), "/")).status == 500);
  REQUIRE(bench.env.records().size() == 1);
  CHECK_THAT(bench.env.records().front().message, ContainsSubstring("no luck"));
  begin = true;
  Raw raw = bench.raw();
  raw.write(kGet);
  const std::string text = raw.read();
  CHECK_THAT(text, StartsWith("HTTP/1.1 200"));
  CHECK_THAT(text, !EndsWith("0\r\n\r\n"));
}

TEST_CASE("a header cannot smuggle another one in", "[http_server]") {
  struct Splitting {
    static asio::awaitable<void> handle(http::ServerAnswer& answer) {
      std::vector<http::Header> headers{{"X", "a\r\nSet-Cookie: b"}};
      co_await answer.send(200, std::move(headers), {});
    }
  };
  Bench bench([](const http::ServerRequest&, http::ServerAnswer& answer) { return Splitting::handle(answer); });
  CHECK(run(bench.env, fetch(bench.env, bench.server.port(), "/")).status == 500);
}

TEST_CASE("there is a bound on connections", "[http_server]") {
  Bench bench(echo, {.connections = 1});
  Raw first = bench.raw();
  first.write(kGet);
  CHECK_THAT(first.read("GET /x"), StartsWith("HTTP/1.1 200"));
  Raw second = bench.raw();
  CHECK_THAT(second.read(), StartsWith("HTTP/1.1 503"));
  first.close();
  until(bench.env, [&] { return bench.server.connections() == 0; });
  Raw third = bench.raw();
  third.write(kGet);
  CHECK_THAT(third.read("GET /x"), StartsWith("HTTP/1.1 200"));
}

TEST_CASE("stopping closes the idle at once and lets the others end for a while", "[http_server]") {
  Patient patient;
  TestEnvironment env;
  http::Server server(env, {}, patient.handler(env));
  Raw idle(env, server.port());
  Raw busy(env, server.port());
  busy.write(kGet);
  until(env, [&] { return patient.waiting == 1 && server.connections() == 2; });
  auto stopping = start(env, server.stop(300ms));
  CHECK(idle.read().empty());
  CHECK(patient.waiting == 1);
  stopping.get();
  CHECK(patient.cancelled == 1);
  CHECK(server.connections() == 0);
  CHECK_THROWS(Raw(env, server.port()));
}

TEST_CASE("a port that is taken, and an address that is none, are said", "[http_server]") {
  Bench bench;
  const auto listen = [&](http::ServerOptions options) {
    return error_of([&] { const http::Server other(bench.env, options, echo); });
  };
  const Error taken = listen({.port = bench.server.port()});
  CHECK(taken.code() == errc::io);
  CHECK_THAT(taken.message(), ContainsSubstring(std::to_string(bench.server.port())));
  CHECK(listen({.address = "localhost"}).code() == errc::invalid_argument);
}
