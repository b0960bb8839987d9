// Every way in which an exchange can end badly, and what the caller is told.
#include "http_fetch.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A port that accepts no connection, by never accepting: its backlog is full.
class FullPort {
 public:
  FullPort() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 0) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("cannot listen");
    }
    port_ = ntohs(address.sin_port);
    for (int& filler : fillers_) {
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      (void)::connect(filler, reinterpret_cast<sockaddr*>(&address), size);
    }
  }
  ~FullPort() {
    for (const int filler : fillers_) ::close(filler);
    ::close(listener_);
  }
  FullPort(const FullPort&) = delete;
  FullPort& operator=(const FullPort&) = delete;
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  int listener_ = -1;
  int fillers_[4] = {};
  int port_ = 0;
};

asio::awaitable<Error> read_twice(Environment& environment, http::Request request) {
  const auto response = co_await environment.http().send(std::move(request));
  for (int failures = 0;;) {
    std::optional<Error> failed;
    try {
      (void)co_await response->read();
    } catch (const Error& error) {
      failed = error;
    }
    if (failed && ++failures == 2) co_return *failed;
  }
}

}  // namespace

TEST_CASE("a refused connection names host, port and reason, and may be retried", "[http]") {
  TestEnvironment env;
  const Error error = run_error(env, fetch(env, get("http://127.0.0.1:1/models?key=secret")));
  CHECK(error.code() == errc::connect_failed);
  CHECK(error.retryable());
  CHECK_THAT(error.message(), ContainsSubstring("127.0.0.1:1") && ContainsSubstring("connect"));
  CHECK(error.where() == "http://127.0.0.1:1/models");
}

TEST_CASE("an unknown host is a connect failure", "[http]") {
  TestEnvironment env;
  const Error error = run_error(env, fetch(env, get("http://nowhere.invalid:81/")));
  CHECK(error.code() == errc::connect_failed);
  CHECK_THAT(error.message(), ContainsSubstring("nowhere.invalid:81"));
}

TEST_CASE("only http and https URLs and well-formed requests are sent", "[http]") {
  TestEnvironment env;
  for (const std::string url : {"ftp://127.0.0.1/", "file:///etc/passwd", "", "http://", "http://a b/", "gopher://x/",
                                "http://127.0.0.1:99999/", "http://127.0.0.1:1/\r\nX: y"}) {
    CAPTURE(url);
    const Error error = run_error(env, fetch(env, get(url)));
    CHECK(error.code() == errc::invalid_argument);
    CHECK_FALSE(error.retryable());
  }
  http::Request request = get("http://127.0.0.1:1/");
  request.headers = {{"X-Name", "a\r\nX-Other: b"}};
  CHECK(run_error(env, fetch(env, request)).code() == errc::invalid_argument);
  request.headers = {{"X Name", "a"}};
  CHECK(run_error(env, fetch(env, request)).code() == errc::invalid_argument);
  request.headers.clear();
  request.method = "GET /\r\n";
  CHECK(run_error(env, fetch(env, request)).code() == errc::invalid_argument);
}

TEST_CASE("a failed transfer is logged, without what is secret", "[http]") {
  std::vector<LogRecord> told;
  TestEnvironment env;
  env.set_http(http::make_client(env.executor(), [&told](const LogRecord& record) { told.push_back(record); }));
  (void)run_error(env, fetch(env, get("http://user:secret@127.0.0.1:1/models?key=secret")));
  HttpServer server(Reply::text("late").stall());
  http::Request silent = get(server.url("/late?key=secret"));
  silent.deadlines.first_byte = 10ms;
  (void)run_error(env, fetch(env, silent));
  env.set_http(nullptr);
  REQUIRE(told.size() == 2);
  for (const LogRecord& record : told) {
    CHECK(record.level == LogLevel::debug);
    CHECK(record.component == "http");
    CHECK_THAT(record.message, !ContainsSubstring("secret"));
  }
  CHECK_THAT(told[0].message, ContainsSubstring("connect_failed") && ContainsSubstring("127.0.0.1:1/models"));
  CHECK_THAT(told[1].message, ContainsSubstring("timeout"));
}

TEST_CASE("a URL that cannot be parsed shows no password", "[http]") {
  TestEnvironment env;
  for (const std::string url :
       {"http://user:secret@host:99999/path", "http://user:secr@et@ho st/", "http://user:a/secret?b@host:x/?key=secret",
        "http://user:secret@host:99999/?key=secret#secret", "user:secret@ho st", "://user:secret@"}) {
    CAPTURE(url);
    const Error error = run_error(env, fetch(env, get(url)));
    CHECK(error.code() == errc::invalid_argument);
    CHECK_THAT(error.describe(), !ContainsSubstring("secret"));
  }
  CHECK(run_error(env, fetch(env, get("http://user:secret@host:99999/path?x"))).where() == "http://host:99999/path");
}

TEST_CASE("running out of descriptors says so", "[http]") {
  TestEnvironment env;
  const http::Request request = get("http://127.0.0.1:1/");
  CHECK(run_error(env, fetch(env, request)).code() == errc::connect_failed);  // the client has what it needs to begin
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int lowest_free = ::dup(0);
  ::close(lowest_free);
  const rlimit none{static_cast<rlim_t>(lowest_free), before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const Error error = run_error(env, fetch(env, request));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(error.code() == errc::connect_failed);
  CHECK(error.retryable());
  CHECK_THAT(error.message(), ContainsSubstring("too many open files (ulimit -n)"));
}

TEST_CASE("a body that ends too early is delivered as far as it came, then truncated", "[http]") {
  TestEnvironment env;
  HttpServer server({Reply::text("hello world").cut_after(5), Reply::text("hello world").reset_after(5),
                     Reply::text("hello world").chunked().cut_after(5), Reply::sse({"one", "two"}).reset_after(11)});
  for (const std::string expected : {"hello", "hello", "hello", "data: one\n\n"}) {
    std::string seen;
    const Error error = run_error(env, fetch(env, get(server.url("/x?key=secret")), &seen));
    CHECK(error.code() == errc::truncated);
    CHECK(error.retryable());
    CHECK_THAT(error.message(), ContainsSubstring("127.0.0.1:" + std::to_string(server.port())));
    CHECK(error.where() == server.url("/x"));
    // A reset may overtake bytes that were not read yet.
    CHECK(expected.starts_with(seen));
  }
}

TEST_CASE("a connection that closes before it answers is truncated", "[http]") {
  TestEnvironment env;
  HttpServer server({Reply::text("").cut(), Reply::text("").reset(), Reply::raw("HTTP/1.1 20"),
                     Reply::raw("HTTP/1.1 200 OK\r\nContent-Le")});
  for (int i = 0; i < 4; ++i) CHECK(run_error(env, fetch(env, get(server.url()))).code() == errc::truncated);
}

TEST_CASE("what is not HTTP is a protocol error", "[http]") {
  TestEnvironment env;
  HttpServer server({Reply::raw("SSH-2.0-OpenSSH_9.2\r\n"), Reply::raw(std::string(2'000, '\xff')),
                     Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
                     Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\nhello")});
  for (int i = 0; i < 4; ++i) {
    http::Request request = get(server.url());
    request.gzip = i == 3;
    const Error error = run_error(env, fetch(env, request));
    CAPTURE(i, error.describe());
    CHECK(error.code() == errc::protocol);
    CHECK_FALSE(error.retryable());
  }
}

TEST_CASE("a failure is told again to whoever reads on", "[http]") {
  TestEnvironment env;
  HttpServer server(Reply::text("hello world").cut_after(5));
  CHECK(run(env, read_twice(env, get(server.url()))).code() == errc::truncated);
}

TEST_CASE("each deadline ends in a timeout that names the phase and the limit", "[http]") {
  TestEnvironment env;
  HttpServer silent(Reply::text("").stall());
  HttpServer stalling(Reply::sse({"one", "two"}).stall_after(11));
  HttpServer dripping(Reply::text(std::string(100'000, 'x')).cut_into(10).every(5ms));
  FullPort full;
  http::Request request;
  request.deadlines = {0ms, 0ms, 0ms, 0ms};
  SECTION("connect") {
    request.url = full.url();
    request.deadlines.connect = 60ms;
    const Error error = run_error(env, fetch(env, request));
    CHECK(error.code() == errc::timeout);
    CHECK_THAT(error.message(), ContainsSubstring("connect deadline") && ContainsSubstring("60 ms"));
  }
  SECTION("first byte") {
    request.url = silent.url();
    request.deadlines.first_byte = 60ms;
    const Error error = run_error(env, fetch(env, request));
    CHECK(error.code() == errc::timeout);
    CHECK_THAT(error.message(), ContainsSubstring("first_byte deadline") && ContainsSubstring("60 ms"));
  }
  SECTION("idle") {
    request.url = stalling.url();
    request.deadlines.idle = 60ms;
    std::string seen;
    const Error error = run_error(env, fetch(env, request, &seen));
    CHECK(error.code() == errc::timeout);
    CHECK_THAT(error.message(), ContainsSubstring("idle deadline") && ContainsSubstring("60 ms"));
    CHECK(seen == "data: one\n\n");
  }
  SECTION("total") {
    request.url = dripping.url();
    request.deadlines.idle = 30'000ms;
    request.deadlines.total = 100ms;
    std::string seen;
    const Error error = run_error(env, fetch(env, request, &seen));
    CHECK(error.code() == errc::timeout);
    CHECK_THAT(error.message(), ContainsSubstring("total deadline") && ContainsSubstring("100 ms"));
    CHECK_FALSE(seen.empty());
  }
}

TEST_CASE("a stream that keeps moving outlives its idle deadline many times", "[http]") {
  TestEnvironment env;
  HttpServer server(Reply::text(std::string(60, 'x')).cut_into(1).every(20ms));
  http::Request request = get(server.url());
  request.deadlines.idle = 600ms;  // the whole body takes twice as long
  CHECK(run(env, fetch(env, request)).body.size() == 60);
}

TEST_CASE("head and body have bounds", "[http]") {
  TestEnvironment env;
  HttpServer server({Reply::text(std::string(10'001, 'x')), Reply::text(std::string(10'001, 'x')).chunked(),
                     Reply::text(std::string(10'000, 'x')), Reply::text("").header("X-Long", std::string(3'000, 'y')),
                     Reply::text("").header("X-Huge", std::string(150'000, 'y'))});
  http::Request request = get(server.url());
  request.limits.body = 10'000;
  request.limits.head = 2'000;
  for (int i = 0; i < 2; ++i) {
    const Error error = run_error(env, fetch(env, request));
    CHECK(error.code() == errc::too_large);
    CHECK_THAT(error.message(), ContainsSubstring("body") && ContainsSubstring("10000"));
  }
  CHECK(run(env, fetch(env, request)).body.size() == 10'000);
  const Error error = run_error(env, fetch(env, request));
  CHECK(error.code() == errc::too_large);
  CHECK_THAT(error.message(), ContainsSubstring("head") && ContainsSubstring("2000"));
  request.limits.head = 1'000'000;
  CHECK(run_error(env, fetch(env, request)).code() == errc::too_large);
}

TEST_CASE("a decompression bomb meets the bound of the body", "[http]") {
  TestEnvironment env;
  TempDir folder;
  const std::string file = (folder / "zeros.gz").string();
  REQUIRE(std::system(("head -c 50000000 /dev/zero | gzip -9 > " + file).c_str()) == 0);
  HttpServer server(Reply::text(read_file(file)).header("Content-Encoding", "gzip"));
  http::Request request = get(server.url());
  request.gzip = true;
  request.limits.body = 1'000'000;
  CHECK(run_error(env, fetch(env, request)).code() == errc::too_large);
}

TEST_CASE("an address that is not allowed is never connected to", "[http]") {
  TestEnvironment env;
  HttpServer server(Reply::text("hello"));
  http::Request request = get(server.url());
  request.allow_address = [](const sockaddr&) { return false; };
  const Error error = run_error(env, fetch(env, request));
  CHECK(error.code() == errc::denied);
  CHECK(server.connections() == 0);

  // Nor is a kept connection used that somebody else opened.
  CHECK(run(env, fetch(env, get(server.url()))).body == "hello");
  CHECK(run_error(env, fetch(env, request)).code() == errc::denied);
  CHECK(server.requests().size() == 1);

  int asked = 0;
  request.allow_address = [&asked](const sockaddr& address) {
    ++asked;
    return address.sa_family == AF_INET &&
           reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr == htonl(INADDR_LOOPBACK);
  };
  CHECK(run(env, fetch(env, request)).body == "hello");
  CHECK(asked > 0);
}
