#include "http_fetch.hpp"
#include <sennit/agent/io/egress.hpp>

#include <catch2/catch_test_macros.hpp>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <string>

using namespace sennit;
using namespace sennit::testing;

namespace {

/// Resolves a numeric spelling as connect() would see it, and judges every address.
bool is_public(const std::string& spelling) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (::getaddrinfo(spelling.c_str(), "80", &hints, &found) != 0)
    throw std::runtime_error("not an address: " + spelling);
  bool all = true;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    all = all && is_public_address(*entry->ai_addr);
  }
  ::freeaddrinfo(found);
  return all;
}

asio::awaitable<int> attempt(Environment& environment, std::string url) {
  http::Request request = get(std::move(url));
  request.allow_address = is_public_address;
  const auto response = co_await environment.http().send(std::move(request));
  co_return response->status();
}

}  // namespace

TEST_CASE("addresses of the public internet may be reached", "[egress]") {
  for (const std::string address : {"1.1.1.1",
                                    "8.8.8.8",
                                    "9.255.255.255",
                                    "11.0.0.0",
                                    "100.63.255.255",
                                    "100.128.0.0",
                                    "126.255.255.255",
                                    "128.0.0.1",
                                    "168.63.129.15",
                                    "168.63.129.17",
                                    "169.253.255.255",
                                    "169.255.0.0",
                                    "172.15.255.255",
                                    "172.32.0.0",
                                    "192.0.1.0",
                                    "192.167.255.255",
                                    "192.169.0.0",
                                    "198.17.255.255",
                                    "198.20.0.0",
                                    "223.255.255.255",
                                    "2606:4700:4700::1111",
                                    "2a00:1450::1",
                                    "2001:4860:4860::8888",
                                    "::ffff:8.8.8.8",
                                    "::8.8.8.8",
                                    "64:ff9b::8.8.8.8",
                                    "2002:808:808::1",
                                    "3ffe::1"}) {
    CAPTURE(address);
    CHECK(is_public(address));
  }
}

TEST_CASE("addresses of this machine, this network and no network may not", "[egress]") {
  for (const std::string address :
       {// IPv4, first and last of each range
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
        "127.255.255.255", "168.63.129.16", "169.254.0.0", "169.254.169.254", "172.16.0.0", "172.31.255.255",
        "192.0.0.0", "192.0.0.255", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0",
        "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        // other spellings of the same
        "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "0x7f.1", "017700000001", "10.1", "0xa9fea9fe",
        "3232235777",
        // IPv6
        "::", "::1", "fc00::1", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "100::1", "4000::1",
        "2001:db8::1", "3fff::1", "2001::1", "2001:0:53aa:64c:0:0:0:1", "2001:10::1", "2001:1ff::1",
        "64:ff9b:1::808:808",
        // IPv4 inside IPv6
        "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::127.0.0.1", "::10.0.0.1", "64:ff9b::127.0.0.1",
        "64:ff9b::a00:1", "2002:7f00:1::1", "2002:c0a8:101::1", "::ffff:0:0", "::ffff:169.254.169.254"}) {
    CAPTURE(address);
    CHECK_FALSE(is_public(address));
  }
  sockaddr local{};
  local.sa_family = AF_UNIX;
  CHECK_FALSE(is_public_address(local));
}

TEST_CASE("no spelling of loopback gets past the client", "[egress][http]") {
  TestEnvironment env;
  HttpServer server(Reply::text("secret"));
  for (const std::string host : {"127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0",
                                 "[::ffff:7f00:1]", "[::ffff:127.0.0.1]", "127.0.0.1.", "LOCALHOST"}) {
    CAPTURE(host);
    const Error error = run_error(env, attempt(env, "http://" + host + ":" + std::to_string(server.port()) + "/"));
    CHECK((error.code() == errc::denied || error.code() == errc::connect_failed));
  }
  CHECK(run_error(env, attempt(env, server.url())).code() == errc::denied);
  CHECK(server.connections() == 0);
}

TEST_CASE("host names are letters, digits, hyphens and dots", "[egress]") {
  for (const std::string_view host : {"a", "example.com", "example.com.", "xn--fiqs8s.cn", "a-b.c9", "127.0.0.1",
                                      "[::1]", "[2001:db8::1]", "EXAMPLE.org"}) {
    CAPTURE(host);
    CHECK(is_valid_host(host));
  }
  using namespace std::string_view_literals;
  for (const std::string_view host : {""sv,     "."sv,     "a..b"sv,         ".a"sv,
                                      "a.."sv,  "-a.b"sv,  "a-.b"sv,         "a_b"sv,
                                      "a b"sv,  "a\0.b"sv, "a%00"sv,         "a/b"sv,
                                      "a@b"sv,  "a:80"sv,  "ex\u00e4mple"sv, "\uff11\uff12\uff17.0.0.1"sv,
                                      "[::1"sv, "[]"sv,    "[::1%25lo]"sv,   "[127.0.0.1]"sv,
                                      "::1"sv,  "a\n"sv,   "[::\0001]"sv}) {
    CAPTURE(host);
    CHECK_FALSE(is_valid_host(host));
  }
  CHECK(is_valid_host(std::string(63, 'a') + ".b"));
  CHECK_FALSE(is_valid_host(std::string(64, 'a') + ".b"));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  CHECK(is_valid_host(longest + "a"));
  CHECK_FALSE(is_valid_host(longest + "aa"));
}
