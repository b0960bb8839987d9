// A model, or the page that it reads, tries to reach what only this machine should: by spellings, by redirects, and by
// names that change their mind. The server that must not be reached is real.
#include "io/egress_proxy_client.hpp"
#include "tools/http_tool_call.hpp"
#include "tools/ssrf_names.hpp"
#include "tools/ssrf_spellings.hpp"
#include <sennit/agent/io/egress.hpp>
#include <sennit/agent/io/egress_hosts.hpp>

#include <arpa/inet.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr const char* kInside = "INSIDE-ONLY";

bool is_at(const sockaddr& address, std::uint32_t host, std::uint16_t port) {
  if (address.sa_family != AF_INET) return false;
  const auto& there = reinterpret_cast<const sockaddr_in&>(address);
  return ntohl(there.sin_addr.s_addr) == host && (port == 0 || ntohs(there.sin_port) == port);
}

/// As a run would be given it: what the model reads, or the words of the failure.
std::string outcome(TestEnvironment& env, const Tools& tools, const std::string& tool, const json::object& arguments) {
  CallContext context(env);
  try {
    return run(env, call_checked(tool_named(tools, tool), arguments, context)).content;
  } catch (const Error& error) {
    return error.describe();
  }
}

/// Everything that must not be reached, spelt in every way.
std::vector<std::string> forbidden_urls(std::uint16_t port) {
  std::vector<std::string> urls = tricky_urls(port);
  for (const std::uint32_t address : {0x7F000001U, 0x7F010203U, 0x00000000U, 0xA9FEA9FEU, 0x0A000001U, 0xC0A80001U,
                                      0xAC100001U, 0x64400001U, 0xC6120001U, 0xE0000001U, 0xFFFFFFFFU}) {
    for (const std::string& host : host_spellings(address)) {
      urls.push_back("http://" + host + ":" + std::to_string(port) + "/");
    }
  }
  return urls;
}

/// Names that a stranger has pointed at us.
struct HostileNames {
  FakeName inside{"inside.test", {{"127.0.0.1"}}};
  FakeName twice{"twice.test", {{"127.0.0.1", "::1"}}};
  FakeName mapped{"mapped.test", {{"::ffff:127.0.0.1"}}};
};

/// A host of the "public internet" of these tests, 127.0.0.2, on the port of a server at 127.0.0.1 that is not.
class PublicHost {
 public:
  explicit PublicHost(std::uint16_t port, std::string location = "") : location_(std::move(location)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(port);
    there.sin_addr.s_addr = htonl(kAddress);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0 ||
        ::listen(listener_, 64) != 0) {
      throw std::runtime_error("cannot listen on 127.0.0.2");
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~PublicHost() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }
  static constexpr std::uint32_t kAddress = 0x7F000002;
  [[nodiscard]] int served() const { return served_; }

 private:
  void serve() {
    while (!stop_) {
      pollfd ready{.fd = listener_, .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, 10) <= 0) continue;
      const int connection = ::accept(listener_, nullptr, nullptr);
      std::string request;
      std::array<char, 4096> buffer{};
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t size = ::read(connection, buffer.data(), buffer.size());
        if (size <= 0) break;
        request.append(buffer.data(), static_cast<std::size_t>(size));
      }
      const bool moves = !location_.empty() && request.starts_with("GET /move");
      const std::string answer =
          moves ? "HTTP/1.1 302 Found\r\nLocation: " + location_ + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                : "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\npublic";
      [[maybe_unused]] const ssize_t written = ::write(connection, answer.data(), answer.size());
      ::close(connection);
      ++served_;
    }
  }

  std::string location_;
  int listener_ = -1;
  std::atomic<bool> stop_{false};
  std::atomic<int> served_{0};
  std::thread thread_;
};

/// Answers in every order: public, inside, and both at once.
std::vector<std::vector<Answer>> answer_sequences() {
  const std::vector<Answer> one{
      {"127.0.0.2"},        {"127.0.0.1"},       {"127.0.0.2", "127.0.0.1"}, {"127.0.0.1", "127.0.0.2"},
      {"::1", "127.0.0.2"}, {"::ffff:127.0.0.1"}};
  std::vector<std::vector<Answer>> sequences;
  for (const Answer& first : one) {
    for (const Answer& second : one) sequences.push_back({first, second, first});
  }
  return sequences;
}

}  // namespace

TEST_CASE("there are at least five hundred different spellings of what must not be reached") {
  const std::vector<std::string> urls = forbidden_urls(8080);
  CHECK(std::set<std::string>(urls.begin(), urls.end()).size() >= 500);
}

TEST_CASE("no spelling reaches a server of this machine by the tool http") {
  TestEnvironment env;
  const HttpServer inside(Reply::text(kInside));
  const HostileNames names;
  const Tools tools = make_http({});
  for (const std::string& url : forbidden_urls(inside.port())) {
    INFO(url);
    CHECK_THAT(outcome(env, tools, "http_get", {{"url", url}}),
               !ContainsSubstring(kInside) && !ContainsSubstring("root:"));
    CHECK_THAT(outcome(env, tools, "http_send", {{"url", url}, {"body", "x"}}), !ContainsSubstring(kInside));
  }
  CHECK(inside.connections() == 0);
  // The server is there, and the spellings that are URLs do name it.
  CHECK_THAT(
      outcome(env, make_http(local()), "http_get", {{"url", "http://2130706433:" + std::to_string(inside.port())}}),
      ContainsSubstring(kInside));
}

TEST_CASE("no redirect leads to one, however it is spelt") {
  TestEnvironment env;
  const HttpServer inside(Reply::text(kInside));
  const HostileNames names;
  std::string location;
  int status = 302;
  // Set between calls only, while the server's thread has nothing to do.
  const HttpServer front([&](const HttpRequest& request) {
    if (request.target == "/hop") return Reply::text("").status(status).header("Location", location);
    return Reply::text("").status(status).header("Location", request.target == "/twice" ? "/hop" : location);
  });
  HttpSettings settings;
  settings.allow_address = [&](const sockaddr& address) {
    // It is asked again once connected, then without a port.
    const bool connected = address.sa_family == AF_INET && reinterpret_cast<const sockaddr_in&>(address).sin_port == 0;
    return is_public_address(address) || is_at(address, INADDR_LOOPBACK, connected ? 0 : front.port());
  };
  const Tools tools = make_http(settings);
  location = front.url("/end");
  const bool followed =
      outcome(env, tools, "http_get", {{"url", front.url("/hop")}}).find("redirects") != std::string::npos;
  for (const std::string& url : forbidden_urls(inside.port())) {
    if (url.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) continue;  // no header can hold it
    INFO(url);
    location = url;
    for (const int redirect : {301, 302, 303, 307, 308}) {
      status = redirect;
      CHECK_THAT(outcome(env, tools, "http_get", {{"url", front.url("/once")}}),
                 !ContainsSubstring(kInside) && !ContainsSubstring("root:"));
    }
    CHECK_THAT(outcome(env, tools, "http_get", {{"url", front.url("/twice")}}), !ContainsSubstring(kInside));
    CHECK_THAT(outcome(env, tools, "http_send", {{"url", front.url("/once")}, {"body", "x"}}),
               !ContainsSubstring(kInside));
  }
  CHECK(inside.connections() == 0);
  CHECK(front.requests().size() > 3'000);
  CHECK(followed);
}

TEST_CASE("no spelling reaches one through the egress proxy, were it on the list") {
  TestEnvironment env;
  const HttpServer inside(Reply::text(kInside));
  const HostileNames names;
  std::size_t listed = 0;
  for (const std::string& url : forbidden_urls(inside.port())) {
    INFO(url);
    const std::size_t slashes = url.find("//");
    std::string authority = slashes == std::string::npos ? url : url.substr(slashes + 2);
    authority = authority.substr(0, authority.find('/'));
    EgressProxy::Rules rules;
    rules.hosts = {"example.com"};
    if (is_host_pattern(authority)) {
      rules.hosts.push_back(authority);
      ++listed;
    }
    ProxyUnderTest proxy(env, rules);
    const std::string got = proxy.talk("GET " + url + " HTTP/1.1\r\nHost: example.com\r\n\r\n");
    CHECK_THAT(got, !ContainsSubstring(kInside) && !ContainsSubstring(" 200 "));
    const std::string tunnel =
        proxy.talk("CONNECT " + authority + " HTTP/1.1\r\nHost: example.com\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    CHECK_THAT(tunnel, !ContainsSubstring(kInside) && !ContainsSubstring(" 200 "));
  }
  CHECK(inside.connections() == 0);
  CHECK(listed > 200);
}

TEST_CASE("a name that changes its mind reaches nothing inside by the tool http") {
  TestEnvironment env;
  const HttpServer inside(Reply::text(kInside));
  const std::string url = "http://rebind.test:" + std::to_string(inside.port());
  const PublicHost outside(inside.port(), url + "/end");
  HttpSettings settings;
  settings.timeout = milliseconds{5'000};
  settings.allow_address = [](const sockaddr& address) { return is_at(address, PublicHost::kAddress, 0); };
  std::size_t cases = 0;
  for (const std::vector<Answer>& answers : answer_sequences()) {
    const FakeName name("rebind.test", answers);
    TestEnvironment fresh;  // and with it a cache of names
    const Tools tools = make_http(settings);
    for (const char* path : {"/", "/move", "/again"}) {
      CHECK_THAT(outcome(fresh, tools, "http_get", {{"url", url + path}}), !ContainsSubstring(kInside));
      ++cases;
    }
  }
  CHECK(cases >= 100);
  CHECK(inside.connections() == 0);
  CHECK(outside.served() > 20);  // the good answers were used
}

TEST_CASE("a name that changes its mind reaches nothing inside through the egress proxy") {
  TestEnvironment env;
  const HttpServer inside(Reply::text(kInside));
  const PublicHost outside(inside.port());
  const std::string authority = "rebind.test:" + std::to_string(inside.port());
  EgressProxy::Rules rules;
  rules.hosts = {authority};
  rules.allow_address = [](const sockaddr& address) { return is_at(address, PublicHost::kAddress, 0); };
  std::size_t let_through = 0;
  for (const std::vector<Answer>& answers : answer_sequences()) {
    const FakeName name("rebind.test", answers);
    ProxyUnderTest proxy(env, rules);
    for (int i = 0; i < 3; ++i) {
      const std::string got = proxy.talk(i == 1 ? "CONNECT " + authority + " HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"
                                                : "GET http://" + authority + "/ HTTP/1.1\r\n\r\n");
      CHECK_THAT(got, !ContainsSubstring(kInside));
      let_through += got.find("public") != std::string::npos ? 1 : 0;
    }
    CHECK(name.asked() == 3);  // once for each request
  }
  CHECK(inside.connections() == 0);
  CHECK(let_through > 50);
}
