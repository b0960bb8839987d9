// What goes out and what comes back when everything is well.
#include "http_fetch.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;

namespace {

asio::awaitable<std::vector<http::Header>> fetch_headers(Environment& environment, http::Request request) {
  const auto response = co_await environment.http().send(std::move(request));
  co_return response->headers();
}

asio::awaitable<std::string> fetch_header(Environment& environment, http::Request request, std::string name) {
  const auto response = co_await environment.http().send(std::move(request));
  co_return std::string(response->header(name));
}

asio::awaitable<void> fetch_in_turn(Environment& environment, std::string url, int times) {
  for (int i = 0; i < times; ++i) {
    const Answer answer = co_await fetch(environment, get(url));
    if (answer.body != "hello") throw std::runtime_error("a wrong answer");
  }
}

}  // namespace

TEST_CASE("a request carries its method, target, headers and body", "[http]") {
  TestEnvironment env;
  HttpServer server(Reply::text("hello").status(201));
  http::Request request = get(server.url("/v1/chat?x=1"));
  request.method = "POST";
  request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}, {"Authorization", "Bearer key"}};
  request.body = std::string("{\"a\":\0}", 7);
  const Answer answer = run(env, fetch(env, request));
  CHECK(answer.status == 201);
  CHECK(answer.body == "hello");
  const HttpRequest seen = server.requests().at(0);
  CHECK(seen.method == "POST");
  CHECK(seen.target == "/v1/chat?x=1");
  CHECK(seen.header("content-type") == "application/json");
  CHECK(seen.header("authorization") == "Bearer key");
  CHECK(seen.body == request.body);
  CHECK(seen.header("expect").empty());
  CHECK(seen.header("accept-encoding").empty());
  const auto names = seen.headers;
  CHECK(std::any_of(names.begin(), names.end(), [](const auto& header) { return header.first == "X-Empty"; }));
}

TEST_CASE("every method is sent as it is named", "[http]") {
  TestEnvironment env;
  HttpServer server(Reply::text("hello"));
  for (const std::string method : {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    http::Request request = get(server.url());
    request.method = method;
    if (method == "PUT" || method == "PATCH") request.body = "content";
    const Answer answer = run(env, fetch(env, request));
    CHECK(answer.status == 200);
    CHECK(answer.body == (method == "HEAD" ? "" : "hello"));
    CHECK(server.requests().back().method == method);
    CHECK(server.requests().back().body == request.body);
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("a body without a declared type claims none", "[http]") {
  TestEnvironment env;
  HttpServer server(Reply::text("hello"));
  http::Request request = get(server.url());
  request.method = "POST";
  request.body = "plain";
  run(env, fetch(env, request));
  CHECK(server.requests().at(0).header("content-type").empty());
}

TEST_CASE("a large request body arrives whole", "[http]") {
  TestEnvironment env;
  HttpServer server(Reply::text("hello"));
  http::Request request = get(server.url());
  request.method = "POST";
  for (int i = 0; i < 400'000; ++i) request.body += static_cast<char>('a' + i % 26);
  CHECK(run(env, fetch(env, request)).body == "hello");
  CHECK(server.requests().at(0).body == request.body);
}

TEST_CASE("headers of the answer are found in any case", "[http]") {
  TestEnvironment env;
  HttpServer server(Reply::text("hello").header("X-Request-Id", "  abc  ").header("Retry-After", "7"));
  CHECK(run(env, fetch_header(env, get(server.url()), "x-request-ID")) == "abc");
  CHECK(run(env, fetch_header(env, get(server.url()), "absent")).empty());
  const auto headers = run(env, fetch_headers(env, get(server.url())));
  CHECK(std::find(headers.begin(), headers.end(), http::Header{"Retry-After", "7"}) != headers.end());
}

TEST_CASE("an informational head is passed over", "[http]") {
  TestEnvironment env;
  HttpServer server(
      Reply::raw("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  CHECK(run(env, fetch_header(env, get(server.url()), "link")).empty());
  CHECK(run(env, fetch(env, get(server.url()))).body == "ok");
}

TEST_CASE("an error status and a redirect are answers like any other", "[http]") {
  TestEnvironment env;
  HttpServer server({Reply::json("{\"error\":1}").status(429), Reply::text("").status(302).header("Location", "/x")});
  const Answer busy = run(env, fetch(env, get(server.url())));
  CHECK(busy.status == 429);
  CHECK(busy.body == "{\"error\":1}");
  CHECK(run(env, fetch(env, get(server.url()))).status == 302);
  CHECK(server.requests().size() == 2);
}

TEST_CASE("a body arrives whole in every framing and every cut", "[http]") {
  TestEnvironment env;
  std::string text;
  for (int i = 0; i < 3'000; ++i) text += "line " + std::to_string(i) + "\n";
  HttpServer server({Reply::text(text), Reply::text(text).chunked(), Reply::text(text).until_close(),
                     Reply::text(text).cut_into(1'000), Reply::text(text).chunked().cut_into(100),
                     Reply::text(text).until_close().cut_into(4'096)});
  for (int i = 0; i < 6; ++i) CHECK(run(env, fetch(env, get(server.url()))).body == text);
}

TEST_CASE("pieces are handed on as they arrive", "[http]") {
  TestEnvironment env;
  HttpServer server(Reply::sse({"one", "two", "three"}).every(20ms));
  const Answer answer = run(env, fetch(env, get(server.url())));
  CHECK(answer.body == "data: one\n\ndata: two\n\ndata: three\n\n");
  CHECK(answer.reads >= 2);
}

TEST_CASE("an empty body ends at once", "[http]") {
  TestEnvironment env;
  HttpServer server({Reply::text(""), Reply::raw("HTTP/1.1 204 No Content\r\n\r\n").hang_up()});
  CHECK(run(env, fetch(env, get(server.url()))).body.empty());
  CHECK(run(env, fetch(env, get(server.url()))).status == 204);
}

TEST_CASE("requests in turn share one connection", "[http]") {
  TestEnvironment env;
  HttpServer server(Reply::text("hello"));
  run(env, fetch_in_turn(env, server.url(), 50));
  CHECK(server.requests().size() == 50);
  CHECK(server.connections() == 1);
}

TEST_CASE("a kept connection that the server closed is replaced without an error", "[http]") {
  TestEnvironment env;
  HttpServer server(Reply::text("hello").hang_up());
  for (std::size_t i = 1; i <= 5; ++i) {
    CHECK(run(env, fetch(env, get(server.url()))).body == "hello");
    until(env, [&] { return server.open_connections() == 0; });
    CHECK(server.connections() == i);
  }
}

TEST_CASE("gzip is offered and decoded only where asked for", "[http]") {
  TestEnvironment env;
  // printf hello | gzip -n
  const std::string zipped(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00", 25);
  HttpServer server(Reply::text(zipped).header("Content-Encoding", "gzip"));
  http::Request request = get(server.url());
  CHECK(run(env, fetch(env, request)).body == zipped);
  request.gzip = true;
  CHECK(run(env, fetch(env, request)).body == "hello");
  CHECK(server.requests().at(1).header("accept-encoding") == "gzip");
}

TEST_CASE("a proxy gets the whole URL, and the environment's proxy is not used", "[http]") {
  TestEnvironment env;
  HttpServer proxy(Reply::text("from the proxy"));
  HttpServer origin(Reply::text("from the origin"));
  http::Request request = get(origin.url("/path"));
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  CHECK(run(env, fetch(env, request)).body == "from the origin");
  ::setenv("no_proxy", "127.0.0.1", 1);
  request.proxy = proxy.url("");
  CHECK(run(env, fetch(env, request)).body == "from the proxy");
  ::unsetenv("http_proxy");
  ::unsetenv("no_proxy");
  CHECK(proxy.requests().at(0).target == origin.url("/path"));
  CHECK(origin.requests().size() == 1);
}

TEST_CASE("the loop ends when the last transfer has", "[http]") {
  asio::io_context loop(1);
  Pool pool(1);
  LoopEnvironment env(loop.get_executor(), pool);
  HttpServer server(Reply::text("hello"));
  std::string body;
  asio::co_spawn(loop, fetch(env, get(server.url()), &body), [](const std::exception_ptr&, const Answer&) {});
  loop.run();  // would not return while a kept connection counts as work
  CHECK(body == "hello");
}
