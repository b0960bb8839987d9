// The http tool over TLS, against the openssl command as the server.
#include "tools/http_tool_call.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/agent/registry.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <signal.h>
#include <stdio.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Serves the files of its folder, each a whole answer, for 127.0.0.1 with a certificate that signs itself.
class TlsServer {
 public:
  TlsServer() {
    const std::string enter = "cd " + folder.path().string() + " && ";
    const std::string certify = enter +
                                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
                                "-subj /CN=sennit-test -addext subjectAltName=IP:127.0.0.1 "
                                "-keyout key.pem -out cert.pem 2>/dev/null";
    if (std::system(certify.c_str()) != 0) throw std::runtime_error("openssl cannot make a certificate");
    const std::string serve =
        enter + "echo $$; exec openssl s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -HTTP 2>/dev/null";
    output_ = ::popen(serve.c_str(), "r");
    if (output_ == nullptr) throw std::runtime_error("the shell does not start");
    id_ = std::stoi(line());
    const std::string accept = "ACCEPT 127.0.0.1:";  // the port that it was given
    std::string said = line();
    while (!said.starts_with(accept)) said = line();
    port_ = said.substr(accept.size(), said.find('\n') - accept.size());
  }
  ~TlsServer() {
    ::kill(id_, SIGKILL);
    ::pclose(output_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  [[nodiscard]] std::string url(const std::string& path) const { return "https://127.0.0.1:" + port_ + path; }

  TempDir folder;

 private:
  std::string line() const {
    std::array<char, 256> text{};
    if (::fgets(text.data(), text.size(), output_) == nullptr) throw std::runtime_error("openssl does not serve");
    return text.data();
  }

  FILE* output_ = nullptr;
  pid_t id_ = -1;
  std::string port_;
};

/// As an agent file in the server's folder makes it.
Tools tools_of(const TlsServer& server, json::object options = {}) {
  Definition definition;
  definition.file = server.folder / "agent.yaml";
  const Registry registry;
  options["allow_private"] = true;
  return make_http_tools(options, PartContext{definition, registry, {}});
}

}  // namespace

TEST_CASE("a certificate is checked against the authorities of ca_file, which stands beside the agent file") {
  TestEnvironment env;
  const TlsServer server;
  server.folder.write("page", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello over TLS");
  const Tools trusting = tools_of(server, {{"ca_file", "cert.pem"}});
  CHECK_THAT(call(env, trusting, "http_get", {{"url", server.url("/page")}}), ContainsSubstring("\n\nhello over TLS"));
  const Error unknown = call_error(env, tools_of(server), "http_get", {{"url", server.url("/page")}});
  CHECK(unknown.code() == errc::connect_failed);
  CHECK_THAT(unknown.message(), ContainsSubstring("certificate"));
  CHECK_FALSE(unknown.retryable());
}

TEST_CASE("a redirect from https to http is left to the model") {
  TestEnvironment env;
  const Variable key("SENNIT_TEST_KEY", "key-1234");
  const HttpServer plain(Reply::text("anybody could have written this"));
  const TlsServer server;
  server.folder.write("down", "HTTP/1.1 302 Found\r\nLocation: " + plain.url("/x") + "\r\nContent-Length: 0\r\n\r\n");
  const json::object headers{{"Authorization", "Bearer ${env:SENNIT_TEST_KEY}"}};
  const Tools tools =
      tools_of(server, {{"ca_file", "cert.pem"}, {"allow_hosts", json::array{"127.0.0.1"}}, {"headers", headers}});
  const std::string answer = call(env, tools, "http_get", {{"url", server.url("/down")}});
  CHECK_THAT(answer, ContainsSubstring("HTTP 302") && ContainsSubstring("location: " + plain.url("/x")) &&
                         ContainsSubstring("not followed: it leads from https to http"));
  CHECK(plain.connections() == 0);
}
