#include "io/egress_proxy_client.hpp"
#include "support/http_server.hpp"
#include <sennit/agent/io/egress_hosts.hpp>
#include <sennit/agent/io/egress_proxy_request.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sys/socket.h>

#include <chrono>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

std::string authority_of(const HttpServer& server) {
  return "127.0.0.1:" + std::to_string(server.port());
}

EgressProxy::Rules to(const HttpServer& server) {
  EgressProxy::Rules rules;
  rules.hosts = {authority_of(server)};
  rules.allow_address = [](const sockaddr&) { return true; };
  return rules;
}

ProxyRequest parsed(const std::string& line, const std::string& headers = "") {
  return read_proxy_request(line + " HTTP/1.1\r\nHost: somewhere.else\r\n" + headers + "\r\n");
}

errc failure(const std::string& line) {
  return error_of([&] { (void)parsed(line); }).code();
}

}  // namespace

TEST_CASE("patterns of hosts permit what they say, in any case, and no more") {
  CHECK(permits_host("example.com", "example.com", 443));
  CHECK(permits_host("Example.COM", "example.com", 8080));
  CHECK(permits_host("example.com:8080", "example.com", 8080));
  CHECK_FALSE(permits_host("example.com:8080", "example.com", 80));
  CHECK(permits_host("*.example.com", "a.b.example.com", 443));
  CHECK_FALSE(permits_host("*.example.com", "example.com", 443));
  CHECK_FALSE(permits_host("*.example.com", "badexample.com", 443));
  CHECK_FALSE(permits_host("example.com", "www.example.com", 443));
  CHECK(permits_host("*.example.com:81", "a.example.com", 81));
  CHECK_FALSE(permits_host("*.example.com:81", "a.example.com", 82));
  CHECK(permits_host("[2001:db8::1]:81", "[2001:db8::1]", 81));
  CHECK_FALSE(permits_host("[2001:db8::1]:81", "[2001:db8::1]", 82));
  for (const char* pattern : {"example.com", "*.example.com", "a_b.example", "1.2.3.4:5", "[::1]", "[::1]:80"}) {
    INFO(pattern);
    CHECK(is_host_pattern(pattern));
  }
  for (const char* pattern : {"", "*", "*.", "a..b", ".a", "a:0", "a:65536", "a:", "a:b", "http://a", "a/b", "a b",
                              "u@a", "[::1", "[::1]x", "[a]", "*.*.a", "a,b", "%61"}) {
    INFO(pattern);
    CHECK_FALSE(is_host_pattern(pattern));
  }
}

TEST_CASE("a request to the proxy is read, and told to the host without what was for the proxy") {
  const ProxyRequest tunnel = parsed("CONNECT Example.COM.:443");
  CHECK(tunnel.tunnel);
  CHECK(tunnel.authority() == "example.com:443");
  const ProxyRequest get = parsed("GET http://Example.com/a/b?c=d",
                                  "Proxy-Authorization: secret\r\nProxy-Connection: keep-alive\r\nKeep-Alive: 5\r\n"
                                  "Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nX-Kept: 2\r\nContent-Length: 3\r\n");
  CHECK_FALSE(get.tunnel);
  CHECK(get.authority() == "example.com:80");
  CHECK(get.head ==
        "GET /a/b?c=d HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\nX-Kept: 2\r\nContent-Length: "
        "3\r\n\r\n");
  CHECK(parsed("GET http://example.com:8080").head.starts_with("GET / HTTP/1.1\r\nHost: example.com:8080\r\n"));
  CHECK(parsed("POST http://[2001:db8::1]:81/x").authority() == "[2001:db8::1]:81");
}

TEST_CASE("what is no request to a proxy is refused") {
  for (const char* line : {"GET /",
                           "GET https://example.com/",
                           "GET ftp://example.com/",
                           "GET example.com/",
                           "CONNECT example.com",
                           "CONNECT example.com:",
                           "CONNECT example.com:0",
                           "CONNECT example.com:99999",
                           "CONNECT :443",
                           "CONNECT u@example.com:443",
                           "GET http://u:p@example.com/",
                           "GET http://",
                           "GET http:///x",
                           "CONNECT http://example.com:443",
                           "CONNECT %65xample.com:443",
                           "GET http://exam%00ple.com/",
                           "CONNECT *.example.com:443",
                           "OPTIONS *",
                           "CONNECT a..b:443",
                           "CONNECT [::1%25lo]:443"}) {
    INFO(line);
    CHECK(failure(line) == errc::protocol);
  }
  CHECK(error_of([] { (void)read_proxy_request("garbage\r\n\r\n"); }).code() == errc::protocol);
  CHECK(error_of([] {
          (void)read_proxy_request(
              "GET http://a/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: "
              "2\r\n\r\n");
        }).code() == errc::protocol);
}

TEST_CASE("a pattern without a port opens the web's ports alone") {
  const auto permitted = [](const char* line, const std::vector<std::string>& hosts) {
    try {
      check_permitted(parsed(line), hosts);
      return true;
    } catch (const Error& error) {
      CHECK(error.code() == errc::denied);
      return false;
    }
  };
  CHECK(permitted("CONNECT example.com:443", {"example.com"}));
  CHECK(permitted("CONNECT example.com:80", {"example.com"}));
  CHECK_FALSE(permitted("CONNECT example.com:22", {"example.com"}));
  CHECK(permitted("CONNECT example.com:22", {"example.com", "example.com:22"}));
  CHECK_FALSE(permitted("CONNECT example.com:443", {}));
}

TEST_CASE("the proxy fetches a page and opens a tunnel") {
  TestEnvironment env;
  const HttpServer server(Reply::text("the page").hang_up());
  ProxyUnderTest proxy(env, to(server));
  const std::string there = authority_of(server);
  CHECK_THAT(proxy.talk("GET http://" + there + "/a HTTP/1.1\r\nHost: " + there + "\r\n\r\n"),
             StartsWith("HTTP/1.1 200") && ContainsSubstring("the page"));
  CHECK(server.requests().at(0).target == "/a");
  CHECK(server.requests().at(0).header("host") == there);
  CHECK_THAT(
      proxy.talk("CONNECT " + there + " HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
      StartsWith("HTTP/1.1 200 Connection established") && ContainsSubstring("the page"));
  CHECK(server.requests().at(1).target == "/b");
  CHECK(proxy.proxy().bytes() > 0);
  CHECK(proxy.proxy().refused().empty());
}

TEST_CASE("a body reaches the host") {
  TestEnvironment env;
  const HttpServer server([](const HttpRequest& request) { return Reply::text("got " + request.body).hang_up(); });
  ProxyUnderTest proxy(env, to(server));
  const std::string body(100'000, 'x');
  CHECK_THAT(proxy.talk("POST http://" + authority_of(server) + "/ HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + body),
             ContainsSubstring("got " + body));
}

TEST_CASE("a host that is not listed gets a clear no, and is remembered") {
  TestEnvironment env;
  const HttpServer server(Reply::text("x"));
  EgressProxy::Rules rules = to(server);
  rules.hosts = {"example.com", "*.example.org"};
  ProxyUnderTest proxy(env, rules);
  const std::string there = authority_of(server);
  for (const std::string& request :
       {"CONNECT " + there + " HTTP/1.1\r\n\r\n", "GET http://" + there + "/ HTTP/1.1\r\n\r\n"}) {
    CHECK_THAT(proxy.talk(request), StartsWith("HTTP/1.1 403 Forbidden") && ContainsSubstring("'" + there + "'") &&
                                        ContainsSubstring("example.com, *.example.org"));
  }
  CHECK(server.connections() == 0);
  CHECK(proxy.proxy().refused() == std::vector<std::string>{there});
}

TEST_CASE("a listed host at an address of this machine is refused") {
  TestEnvironment env;
  const HttpServer server(Reply::text("x"));
  EgressProxy::Rules rules;
  rules.hosts = {"inside.example:" + std::to_string(server.port())};
  rules.resolve = [](const std::string&) { return std::vector<std::string>{"127.0.0.1", "::1", "::ffff:127.0.0.1"}; };
  ProxyUnderTest proxy(env, rules);
  CHECK_THAT(proxy.talk("CONNECT " + rules.hosts.front() + " HTTP/1.1\r\n\r\n"),
             StartsWith("HTTP/1.1 403") && ContainsSubstring("not on the public internet"));
  CHECK(server.connections() == 0);
}

TEST_CASE("what cannot be reached or resolved is said") {
  TestEnvironment env;
  std::uint16_t closed = 0;
  {
    const HttpServer gone(Reply::text("x"));
    closed = gone.port();
  }
  EgressProxy::Rules rules;
  rules.hosts = {"a.example", "b.example:" + std::to_string(closed)};
  rules.allow_address = [](const sockaddr&) { return true; };
  rules.resolve = [](const std::string& host) {
    return host == "b.example" ? std::vector<std::string>{"127.0.0.1"} : std::vector<std::string>{};
  };
  ProxyUnderTest proxy(env, rules);
  CHECK_THAT(proxy.talk("CONNECT a.example:443 HTTP/1.1\r\n\r\n"),
             StartsWith("HTTP/1.1 502") && ContainsSubstring("no address"));
  CHECK_THAT(proxy.talk("CONNECT " + rules.hosts.back() + " HTTP/1.1\r\n\r\n"),
             StartsWith("HTTP/1.1 502") && ContainsSubstring("cannot be reached"));
  CHECK_THAT(proxy.talk("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  CHECK_THAT(proxy.talk(std::string(EgressProxy::kMostHead + 5000, 'x')), StartsWith("HTTP/1.1 400"));
}

TEST_CASE("connections and bytes have their bounds") {
  TestEnvironment env;
  const HttpServer endless(Reply::forever([](std::size_t) { return std::string(60'000, 'x'); }));
  EgressProxy::Rules rules = to(endless);
  rules.bytes = 3'000'000;
  ProxyUnderTest proxy(env, rules);
  const std::string all = proxy.talk("GET http://" + authority_of(endless) + "/ HTTP/1.1\r\n\r\n");
  CHECK(all.size() <= 3'000'000);
  CHECK(all.size() > 2'900'000);
  until(env, [&] { return endless.open_connections() == 0; });
}

TEST_CASE("more connections than the bound wait for their turn") {
  TestEnvironment env;
  const HttpServer server(Reply::text("x").hang_up());
  ProxyUnderTest proxy(env, to(server));
  std::vector<Started<std::string>> silent;
  for (std::size_t i = 0; i < EgressProxy::kMostConnections; ++i) {
    silent.push_back(start(env, ProxyUnderTest::exchange(proxy.port(), "GET ")));
  }
  auto late =
      start(env, ProxyUnderTest::exchange(proxy.port(), "GET http://" + authority_of(server) + "/ HTTP/1.1\r\n\r\n"));
  for (int i = 0; i < 200; ++i) env.turn();
  CHECK_FALSE(late.done());
  silent.front().cancel();
  CHECK_THAT(late.get(), ContainsSubstring("HTTP/1.1 200"));
  for (auto& one : silent) one.cancel();
  for (auto& one : silent) until(env, [&] { return one.done(); });
}

TEST_CASE("a proxy that ends drops its connections") {
  TestEnvironment env;
  const HttpServer endless(Reply::forever([](std::size_t) { return std::string(1'000, 'x'); }));
  ProxyUnderTest proxy(env, to(endless));
  auto reader =
      start(env, ProxyUnderTest::exchange(proxy.port(), "GET http://" + authority_of(endless) + "/ HTTP/1.1\r\n\r\n"));
  until(env, [&] { return endless.bytes_sent() > 10'000; });
  proxy.end();
  (void)reader.get();  // it ends
  until(env, [&] { return endless.open_connections() == 0; });
}
