// TLS with a certificate authority of our own, tunnels through a proxy, and HTTP/2 against a server that is not ours.
#include "http_fetch.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

using namespace sennit;
using namespace sennit::testing;
using boost::asio::ip::tcp;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A certificate for 127.0.0.1 that signs itself, made by the openssl command.
struct Certificate {
  Certificate() {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=sennit-test -addext subjectAltName=IP:127.0.0.1,DNS:localhost "
        "-keyout " +
        key().string() + " -out " + file().string() + " 2>/dev/null";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl cannot make a certificate");
  }
  [[nodiscard]] std::filesystem::path key() const { return folder / "key.pem"; }
  [[nodiscard]] std::filesystem::path file() const { return folder / "cert.pem"; }
  TempDir folder;
};

/// A port that is free at the moment.
int free_port() {
  asio::io_context loop;
  tcp::acceptor acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  return acceptor.local_endpoint().port();
}

/// A child process that is stopped with the object.
class Child {
 public:
  explicit Child(std::vector<std::string> command) {
    std::vector<char*> arguments;
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    id_ = ::fork();
    if (id_ == 0) {
      (void)!std::freopen("/dev/null", "w", stdout);
      (void)!std::freopen("/dev/null", "w", stderr);
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
  }
  ~Child() {
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

 private:
  pid_t id_ = -1;
};

void await_port(TestEnvironment& env, int port) {
  until(env, [port] {
    asio::io_context loop;
    tcp::socket socket(loop);
    boost::system::error_code failed;
    socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), static_cast<unsigned short>(port)), failed);
    return !failed;
  });
}

/// Answers every TLS connection with a page that says which cipher is used.
struct TlsServer {
  explicit TlsServer(TestEnvironment& env)
      : port(free_port()),
        child({"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port), "-cert",
               certificate.file().string(), "-key", certificate.key().string(), "-www", "-quiet"}) {
    await_port(env, port);
  }
  [[nodiscard]] std::string url() const { return "https://127.0.0.1:" + std::to_string(port) + "/"; }
  Certificate certificate;
  int port;
  Child child;
};

asio::awaitable<void> pump(tcp::socket& from, tcp::socket& to) {
  std::array<char, 4'096> bytes;
  boost::system::error_code ended;
  for (;;) {
    const std::size_t count =
        co_await from.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, ended));
    if (ended) break;
    co_await asio::async_write(to, asio::buffer(bytes.data(), count), asio::use_awaitable);
  }
  to.shutdown(tcp::socket::shutdown_send, ended);
}

/// A proxy that serves one CONNECT and keeps the request's head.
asio::awaitable<void> tunnel_once(tcp::acceptor& acceptor, std::string& head) {
  tcp::socket client = co_await acceptor.async_accept(asio::use_awaitable);
  co_await asio::async_read_until(client, asio::dynamic_buffer(head), "\r\n\r\n", asio::use_awaitable);
  const std::size_t colon = head.find(':');
  const int port = std::atoi(head.c_str() + colon + 1);
  tcp::socket origin(client.get_executor());
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), static_cast<unsigned short>(port));
  co_await origin.async_connect(endpoint, asio::use_awaitable);
  const std::string answer = "HTTP/1.1 200 Connected\r\nX-Proxy: yes\r\n\r\n";
  co_await asio::async_write(client, asio::buffer(answer), asio::use_awaitable);
  auto upwards = asio::co_spawn(client.get_executor(), pump(client, origin), asio::deferred);
  auto downwards = asio::co_spawn(client.get_executor(), pump(origin, client), asio::deferred);
  auto both = asio::experimental::make_parallel_group(std::move(upwards), std::move(downwards));
  co_await both.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
}

constexpr const char* kHttp2Server = R"(
const fs = require('fs'), http2 = require('http2');
const [key, cert, port] = process.argv.slice(2);
let sessions = 0;
const server = http2.createSecureServer({key: fs.readFileSync(key), cert: fs.readFileSync(cert)});
server.on('session', () => { sessions += 1; });
server.on('stream', (stream, headers) => {
  stream.respond({':status': 200, 'content-type': 'text/event-stream', 'x-sessions': String(sessions)});
  stream.on('error', () => {});
  if (headers[':path'] === '/big') { stream.end(Buffer.alloc(20 << 20, 'B')); return; }
  let left = headers[':path'] === '/cut' ? 2 : 5;
  const timer = setInterval(() => {
    if (left-- > 0) { stream.write('data: ' + 'x'.repeat(20) + '\n\n'); return; }
    clearInterval(timer);
    if (headers[':path'] === '/cut') stream.destroy(new Error('cut'));
    else if (headers[':path'] === '/die') stream.session.destroy();
    else stream.end();
  }, 5);
  stream.on('close', () => clearInterval(timer));
});
server.listen(Number(port), '127.0.0.1');
)";

asio::awaitable<std::string> sessions_used(Environment& environment, http::Request request) {
  const auto response = co_await environment.http().send(std::move(request));
  std::string sessions(response->header("x-sessions"));
  const std::string body = co_await http::read_all(*response);
  if (body.size() != 5 * 28) throw std::runtime_error("a wrong body of " + std::to_string(body.size()) + " bytes");
  co_return sessions;
}

/// A server that speaks HTTP/2, which is node's.
struct Http2Server {
  explicit Http2Server(TestEnvironment& env)
      : port(free_port()),
        child({"node", certificate.folder.write("server.js", kHttp2Server).string(), certificate.key().string(),
               certificate.file().string(), std::to_string(port)}) {
    await_port(env, port);
  }
  [[nodiscard]] http::Request request(const std::string& path) const {
    http::Request request = get("https://127.0.0.1:" + std::to_string(port) + path);
    request.ca_file = certificate.file().string();
    return request;
  }
  static void skip_without() {
    if (std::system("node --version > /dev/null 2>&1") != 0) SKIP("NOT RUN: HTTP/2 needs the program `node`");
  }
  Certificate certificate;
  int port;
  Child child;
};

asio::awaitable<std::unique_ptr<http::Response>> head(Environment& environment, http::Request request) {
  co_return co_await environment.http().send(std::move(request));
}

}  // namespace

TEST_CASE("a server is trusted by the authority that the request names, and by no other", "[http][tls]") {
  TestEnvironment env;
  const TlsServer server(env);
  http::Request request = get(server.url());
  const Error error = run_error(env, fetch(env, request));
  CHECK(error.code() == errc::connect_failed);
  CHECK_FALSE(error.retryable());
  CHECK_THAT(error.message(), ContainsSubstring("certificate"));

  request.ca_file = server.certificate.file().string();
  CHECK_THAT(run(env, fetch(env, request)).body, ContainsSubstring("Cipher"));

  // A connection that one request trusts is not lent to another that does not.
  request.ca_file.clear();
  CHECK(run_error(env, fetch(env, request)).code() == errc::connect_failed);
  request.ca_file = "/nowhere/ca.pem";
  CHECK(run_error(env, fetch(env, request)).code() == errc::connect_failed);
}

TEST_CASE("https goes through a proxy as a tunnel whose head is not the answer's", "[http][tls]") {
  TestEnvironment env;
  const TlsServer server(env);
  tcp::acceptor acceptor(env.loop(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  std::string head;
  auto proxy = start(env, tunnel_once(acceptor, head));
  http::Request request = get(server.url());
  request.ca_file = server.certificate.file().string();
  request.proxy = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
  CHECK_THAT(run(env, fetch(env, request)).body, ContainsSubstring("Cipher"));
  CHECK(head.starts_with("CONNECT 127.0.0.1:" + std::to_string(server.port) + " "));
  proxy.cancel();
}

TEST_CASE("a proxy that refuses a tunnel is a connect failure", "[http][tls]") {
  TestEnvironment env;
  HttpServer proxy(Reply::text("no").status(403));
  http::Request request = get("https://127.0.0.1:1/");
  request.proxy = proxy.url("");
  const Error error = run_error(env, fetch(env, request));
  CHECK(error.code() == errc::connect_failed);
  CHECK_THAT(error.message(), ContainsSubstring("403"));
}

TEST_CASE("streams share one HTTP/2 connection where the server speaks it", "[http][tls]") {
  Http2Server::skip_without();
  TestEnvironment env;
  const Http2Server server(env);
  http::Request request = server.request("/");
  std::vector<Started<std::string>> streams;
  for (int i = 0; i < 40; ++i) streams.push_back(start(env, sessions_used(env, request)));
  for (auto& stream : streams) CHECK(stream.get() == "1");

  request.url += "cut";
  std::string seen;
  const Error cut = run_error(env, fetch(env, request, &seen));
  CAPTURE(cut.describe());
  CHECK(cut.code() == errc::truncated);
  CHECK(seen.size() == 2 * 28);

  request.url.replace(request.url.size() - 3, 3, "die");
  seen.clear();
  const Error died = run_error(env, fetch(env, request, &seen));
  CAPTURE(died.describe());
  CHECK(died.code() == errc::truncated);
  CHECK(died.retryable());

  request.url.resize(request.url.size() - 3);
  auto cancelled = start(env, sessions_used(env, request));
  auto kept = start(env, sessions_used(env, request));
  env.turn();
  cancelled.cancel();
  CHECK(cancelled.error().code() == errc::cancelled);
  CHECK(kept.get() == "2");
}

TEST_CASE("a stream that nobody reads holds up no other one of its HTTP/2 connection", "[http][tls]") {
  Http2Server::skip_without();
  TestEnvironment env;
  const Http2Server server(env);
  http::Request request = server.request("/big");
  request.deadlines.first_byte = request.deadlines.idle = std::chrono::seconds(20);
  const auto unread = run(env, head(env, request));
  request = server.request("/");
  request.deadlines.first_byte = request.deadlines.idle = std::chrono::seconds(20);
  for (int i = 0; i < 3; ++i) CHECK(run(env, sessions_used(env, request)) == "1");
  const std::string body = run(env, http::read_all(*unread));
  CHECK(body.size() == 20U << 20U);

  request = server.request("/big");
  request.limits.body = 1U << 20U;  // what is kept of a stream that nobody reads
  const auto bounded = run(env, head(env, request));
  const Error error = run_error(env, http::read_all(*bounded));
  CHECK(error.code() == errc::too_large);
}
