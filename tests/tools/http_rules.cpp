// What the http tool may ask for, decided without a socket.
#include "support/fixtures.hpp"
#include <sennit/tools/http_rules.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

Error refused(std::string_view url, const std::vector<std::string>& allow_hosts = {}) {
  return error_of([&] { (void)http::check_url(url, allow_hosts); });
}

bool allows(const std::vector<std::string>& patterns, std::string_view url) {
  try {
    (void)http::check_url(url, patterns);
    return true;
  } catch (const Error& error) {
    CHECK(error.code() == errc::denied);
    return false;
  }
}

http::Redirect hop(int status, std::string_view location, std::string_view method = "GET",
                   std::string_view from = "https://example.com/a/b?c=1") {
  return http::redirect_of(status, location, method, http::check_url(from, {}), {}).value();
}

}  // namespace

TEST_CASE("a URL has one spelling, whatever its author wrote") {
  const http::Target target = http::check_url("HTTPS://Example.COM.:443/Some Path?q=a b&c=ü#part", {});
  CHECK(target.url == "https://example.com/Some%20Path?q=a%20b&c=%C3%BC");
  CHECK(target.host == "example.com");
  CHECK(target.authority == "example.com:443");
  CHECK(target.origin == "https://example.com:443");
  CHECK(http::check_url("http://example.com:0080/x", {}).url == "http://example.com/x");
  CHECK(http::check_url("http://example.com:443/x", {}).url == "http://example.com:443/x");
  CHECK(http::check_url("http://example.com", {}).url == "http://example.com/");
  CHECK(http::check_url("http://example.com?q", {}).url == "http://example.com/?q");
  CHECK(http::check_url("http://example.com:/x", {}).url == "http://example.com/x");
  CHECK(http::check_url("http://[2001:DB8::1]:8080/", {}).authority == "[2001:db8::1]:8080");
  CHECK(http::check_url("https://example.com/%E4%BD%A0?x=%20", {}).url == "https://example.com/%E4%BD%A0?x=%20");
}

TEST_CASE("what parsers of URLs disagree about is refused") {
  for (const char* url : {"http://user@example.com/",
                          "http://user:password@example.com/",
                          "http://good.com\\@evil.com/",
                          "http://127.0.0.1%2f@example.com/",
                          "http://exa mple.com/",
                          "http://exämple.com/",
                          "http://１２７.0.0.1/",
                          "http://example.com:65616/",
                          "http://example.com:0/",
                          "http://example.com:80:80/",
                          "http://example.com:80x/",
                          "http://example.com:-1/",
                          "http://good.com:80;@evil.com/",
                          "http://[::1%25lo]/",
                          "http://[::1/",
                          "http:///path",
                          "http:/example.com",
                          "http:example.com",
                          "//example.com/",
                          "example.com",
                          "",
                          " ",
                          "http://.example.com/",
                          "http://a..b/",
                          "http://%00example.com/"}) {
    INFO(url);
    CHECK(refused(url).code() == errc::invalid_argument);
  }
  CHECK(refused(std::string_view("http://a.com\0.b.com/", 20)).code() == errc::invalid_argument);
  CHECK(refused("http://example.com/\r\nHost: other").code() == errc::invalid_argument);
  CHECK(refused("http://example.com/" + std::string(http::kMaxUrl, 'a')).code() == errc::invalid_argument);
}

TEST_CASE("no other scheme than http and https is taken, and the message says so") {
  for (const char* url : {"file:///etc/passwd", "ftp://example.com/", "gopher://example.com/", "data:text/plain,x",
                          "javascript:alert(1)", "dict://example.com/", "ws://example.com/"}) {
    INFO(url);
    const Error error = refused(url);
    CHECK(error.code() == errc::invalid_argument);
    CHECK_THAT(error.message(), ContainsSubstring("http://"));
  }
}

TEST_CASE("a list of hosts means whole names, everything below a name, or one port") {
  CHECK(allows({"example.com"}, "https://EXAMPLE.com./x"));
  CHECK(allows({"Example.com"}, "http://example.com:8080/"));
  CHECK_FALSE(allows({"example.com"}, "https://www.example.com/"));
  CHECK_FALSE(allows({"example.com"}, "https://notexample.com/"));
  CHECK_FALSE(allows({"example.com"}, "https://example.com.evil.org/"));
  CHECK(allows({"*.example.com"}, "https://a.b.example.com/"));
  CHECK_FALSE(allows({"*.example.com"}, "https://example.com/"));
  CHECK_FALSE(allows({"*.example.com"}, "https://evilexample.com/"));
  CHECK(allows({"example.com:8080"}, "http://example.com:8080/"));
  CHECK_FALSE(allows({"example.com:8080"}, "http://example.com/"));
  CHECK(allows({"example.com:443"}, "https://example.com/"));
  CHECK(allows({"*.example.com:8080"}, "http://a.example.com:8080/"));
  CHECK(allows({"[2001:db8::1]"}, "http://[2001:DB8::1]/"));
  CHECK(allows({"other.org", "example.com"}, "http://example.com/"));
  CHECK(allows({"[2001:db8:0::1]"}, "http://[2001:DB8::1]/"));
  // Another spelling of a listed address is the same host.
  CHECK(allows({"127.0.0.1"}, "http://2130706433/"));
  CHECK(allows({"0x7f.1:8080"}, "http://127.0.0.1:8080/"));
  CHECK_FALSE(allows({"127.0.0.1"}, "http://2130706434/"));
  CHECK_THAT(refused("https://evil.org/", {"example.com", "*.example.org"}).message(),
             ContainsSubstring("'evil.org:443'") && ContainsSubstring("example.com, *.example.org"));
}

TEST_CASE("a pattern that names no host is refused when the agent is made") {
  for (const char* pattern :
       {"", "*", "*.", "https://example.com", "example.com/path", "exa mple.com", "*.*.com", "user@example.com",
        "example.com:0", "example.com:80:80", "example.com?x", "ex\nample.com"}) {
    INFO(pattern);
    CHECK(error_of([&] { http::check_host_pattern(pattern); }).code() == errc::config);
  }
  for (const char* pattern : {"example.com", "*.example.com", "localhost:8080", "10.0.0.1", "[::1]:80"}) {
    INFO(pattern);
    CHECK_NOTHROW(http::check_host_pattern(pattern));
  }
}

TEST_CASE("a redirect leads where a browser would go") {
  CHECK(hop(302, "c").target.url == "https://example.com/a/c");
  CHECK(hop(302, "../x y").target.url == "https://example.com/x%20y");
  CHECK(hop(302, "?d=2").target.url == "https://example.com/a/b?d=2");
  CHECK(hop(302, "//other.org/x").target.url == "https://other.org/x");
  CHECK(hop(302, "https://other.org#part").target.url == "https://other.org/");
  CHECK_FALSE(http::redirect_of(302, "", "GET", http::check_url("http://a.com", {}), {}));
  CHECK_FALSE(http::redirect_of(304, "/x", "GET", http::check_url("http://a.com", {}), {}));
  CHECK_FALSE(http::redirect_of(201, "/x", "POST", http::check_url("http://a.com", {}), {}));
}

TEST_CASE("a redirect of a GET is followed on its own scheme, host and port, and from http to https") {
  for (const int status : {301, 302, 303, 307, 308}) {
    CHECK(hop(status, "/x").obstacle.empty());
    CHECK(hop(status, "/x", "HEAD").obstacle.empty());
  }
  CHECK(hop(302, "https://example.com/", "GET", "http://example.com/").obstacle.empty());
  CHECK(hop(302, "http://EXAMPLE.com./x", "GET", "http://example.com/").obstacle.empty());
  CHECK(hop(302, "http://2130706433/x", "GET", "http://127.0.0.1/").obstacle.empty());
}

TEST_CASE("a redirect is shown where it would give up TLS or ask another host or port") {
  CHECK_THAT(hop(302, "http://example.com/").obstacle, ContainsSubstring("https to http"));
  CHECK_THAT(hop(302, "http://other.org/", "GET", "http://example.com/").obstacle,
             ContainsSubstring("another host") && ContainsSubstring("call again with http://other.org/"));
  CHECK_THAT(hop(302, "https://www.example.com/").obstacle, ContainsSubstring("another host"));
  CHECK_THAT(hop(302, "https://example.com:444/").obstacle, ContainsSubstring("another port"));
  CHECK_THAT(hop(302, "https://example.com/", "GET", "http://example.com:8080/").obstacle,
             ContainsSubstring("another port"));
}

TEST_CASE("no redirect of what changes something is followed: it is another call, which nobody has judged") {
  CHECK_THAT(hop(301, "/x", "POST").obstacle, ContainsSubstring("another call, GET https://example.com/x;"));
  CHECK_THAT(hop(303, "/x", "PUT").obstacle, ContainsSubstring("another call, GET "));
  CHECK_THAT(hop(302, "/x", "DELETE").obstacle, ContainsSubstring("another call, DELETE "));
  CHECK_THAT(hop(307, "/x", "POST").obstacle, ContainsSubstring("another call, POST "));
  CHECK_THAT(hop(308, "https://other.org/", "PUT").obstacle, ContainsSubstring("another call, PUT https://other.org/"));
}

TEST_CASE("a redirect to what may not be asked for is an error that says who redirects") {
  const http::Target from = http::check_url("http://example.com/", {});
  const auto error_for = [&](std::string_view location, const std::vector<std::string>& hosts) {
    return error_of([&] { (void)http::redirect_of(302, location, "GET", from, hosts); });
  };
  CHECK(error_for("file:///etc/passwd", {}).code() == errc::invalid_argument);
  CHECK(error_for("http://user:password@other.org/", {}).code() == errc::invalid_argument);
  const Error error = error_for("http://other.org/", {"example.com"});
  CHECK(error.code() == errc::denied);
  CHECK(error.where() == "http://example.com:80");
  CHECK_THAT(error.message(), ContainsSubstring("redirects to 'http://other.org/'"));
  CHECK(error_for("http://[broken", {}).code() == errc::protocol);
}

TEST_CASE("a model cannot send headers of the connection or of the configuration, nor break out of one") {
  const std::vector<http::Header> configured{{"Authorization", "Bearer key"}};
  const auto code = [&](std::string_view name, std::string_view value) {
    return error_of([&] { http::check_header(name, value, configured); }).code();
  };
  for (const char* name : {"Host", "content-length", "Transfer-Encoding", "Connection", "Upgrade", "TE", "Expect",
                           "Accept-Encoding", "Proxy-Authorization", "", "a b", "x:", "ключ", "a\r\nb"}) {
    INFO(name);
    CHECK(code(name, "x") == errc::invalid_argument);
  }
  CHECK(code("authorization", "Bearer mine") == errc::denied);
  CHECK(code("X-Header", "a\r\nHost: b") == errc::invalid_argument);
  CHECK(code("X-Header", std::string_view("a\0b", 3)) == errc::invalid_argument);
  CHECK(code("X-Header", std::string(http::kMaxHeaderValue + 1, 'a')) == errc::invalid_argument);
  CHECK_NOTHROW(http::check_header("Accept", "text/html, */*; q=0.1", configured));
  CHECK_NOTHROW(http::check_header("X-Title", "Zoë", configured));
}
