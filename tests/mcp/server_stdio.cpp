// The server over pipes and sockets, as a client's child has them.
#include "mcp/server_bench.hpp"
#include <sennit/agent/io/sse.hpp>
#include <sennit/mcp/server/stdio_endpoint.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Both directions between the test and the server; the test's ends do not block.
struct Ends {
  explicit Ends(bool sockets) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (sockets) {
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, in.data()) == 0);
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, out.data()) == 0);
    } else {
      REQUIRE(::pipe(in.data()) == 0);
      REQUIRE(::pipe(out.data()) == 0);
    }
    server_in = in[0];
    to_server = in[1];
    from_server = out[0];
    server_out = out[1];
    for (const int mine : {to_server, from_server}) ::fcntl(mine, F_SETFL, O_NONBLOCK);
  }
  ~Ends() {
    for (int* const one : {&server_in, &to_server, &from_server, &server_out}) close(*one);
  }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  static void close(int& descriptor) {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
  }
  int server_in = -1;
  int to_server = -1;
  int from_server = -1;
  int server_out = -1;
};

class Child {
 public:
  // Nobody may be reading what is written.
  explicit Child(bool sockets = false)
      : quiet(std::signal(SIGPIPE, SIG_IGN)),
        ends(sockets),
        serving(start(bench.env, mcp::serve_stdio(bench.server, ends.server_in, ends.server_out))) {}

  ~Child() {
    Ends::close(ends.to_server);
    Ends::close(ends.from_server);
    until(bench.env, [&] { return serving.done(); });
    std::signal(SIGPIPE, quiet);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(ends.to_server, bytes.data(), bytes.size());
      if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
      if (count <= 0) bench.env.turn();
    }
  }
  void send(const json::object& message) { write(json::serialize(message) + "\n"); }
  /// The next message.
  json::object next() {
    std::optional<std::string> line;
    until(bench.env, [&] {
      std::array<char, 65'536> piece{};
      const ssize_t count = ::read(ends.from_server, piece.data(), piece.size());
      if (count > 0) reader_.push(std::string_view(piece.data(), static_cast<std::size_t>(count)));
      if (const auto found = reader_.next()) line = std::string(*found);
      return line.has_value();
    });
    return json::parse(*line).as_object();
  }
  json::object call(std::string_view method, json::object params = {}) {
    send({{"jsonrpc", "2.0"}, {"id", next_id_++}, {"method", method}, {"params", std::move(params)}});
    return next();
  }

  void (*const quiet)(int);
  ServerBench<TestEnvironment> bench;
  Ends ends;
  Started<void> serving;

 private:
  NdjsonReader reader_;
  std::int64_t next_id_ = 1;
};

json::object hello() {
  return {{"protocolVersion", "2025-11-25"},
          {"capabilities", json::object()},
          {"clientInfo", {{"name", "t"}, {"version", "1"}}}};
}

}  // namespace

TEST_CASE("both eras are spoken on one pipe, until it ends", "[mcp_stdio]") {
  const bool sockets = GENERATE(false, true);
  Child child(sockets);
  CHECK(text_at_path(child.call("server/discover", {{"_meta", modern_meta()}}), "result/supportedVersions/0") ==
        "2026-07-28");
  CHECK(text_at_path(child.call("initialize", hello()), "result/protocolVersion") == "2025-11-25");
  child.send({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}});
  CHECK(at(child.call("tools/list"), "result/tools").is_array());
  CHECK(text_at_path(child.call("tools/call", {{"name", "test_simple_text"}, {"_meta", modern_meta()}}),
                     "result/resultType") == "complete");
  Ends::close(child.ends.to_server);
  child.serving.get();
}

TEST_CASE("what is no message is answered, and does no harm", "[mcp_stdio]") {
  Child child;
  child.write("rubbish\n\r\n  \n");
  CHECK(text_at_path(child.next(), "error/code") == "-32700");
  child.write("[]\n{}\n\"x\"\n");
  for (int i = 0; i < 3; ++i) CHECK(text_at_path(child.next(), "error/code") == "-32600");
  const std::string megabyte(1U << 20U, 'x');
  for (int i = 0; i < 17; ++i) child.write(megabyte);  // one line
  child.write("\n");
  CHECK_THAT(text_at_path(child.next(), "error/message"), ContainsSubstring("longer than"));
  CHECK(child.call("ping").contains("result"));
}

TEST_CASE("the end of the input lets quick answers out, and cancels the rest", "[mcp_stdio]") {
  Child child;
  child.call("initialize", hello());
  child.send(
      {{"jsonrpc", "2.0"}, {"id", 50}, {"method", "tools/call"}, {"params", {{"name", "test_tool_with_progress"}}}});
  child.send({{"jsonrpc", "2.0"}, {"id", 51}, {"method", "tools/call"}, {"params", {{"name", "test_hang"}}}});
  Ends::close(child.ends.to_server);
  CHECK(at(child.next(), "id") == json::value(50));
  child.serving.get();
  CHECK(child.bench.fixtures.hung_up == 1);
}

TEST_CASE("a client that reads no more ends it", "[mcp_stdio]") {
  Child child;
  child.call("initialize", hello());
  Ends::close(child.ends.from_server);
  child.send({{"jsonrpc", "2.0"}, {"id", 50}, {"method", "ping"}});
  child.serving.get();
}

TEST_CASE("a client that does not read holds nothing up but itself", "[mcp_stdio]") {
  Child child;
  child.call("initialize", hello());
  for (int i = 0; i < 2'000; ++i) child.send({{"jsonrpc", "2.0"}, {"id", 100 + i}, {"method", "tools/list"}});
  for (int i = 0; i < 2'000; ++i) REQUIRE(at(child.next(), "id") == json::value(100 + i));
}

TEST_CASE("a list change reaches a listener on the same pipe", "[mcp_stdio]") {
  Child child;
  json::object params{{"notifications", {{"toolsListChanged", true}}}};
  params["_meta"] = modern_meta();
  CHECK(text_at_path(child.call("subscriptions/listen", params), "method") ==
        "notifications/subscriptions/acknowledged");
  child.bench.server.tools_changed();
  CHECK(text_at_path(child.next(), "method") == "notifications/tools/list_changed");
}

TEST_CASE("a file is read to its end", "[mcp_stdio]") {
  ServerBench<TestEnvironment> bench;
  const TempDir folder;
  folder.write("in", R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
  const int in = ::open((folder / "in").c_str(), O_RDONLY);
  const int out = ::open((folder / "out").c_str(), O_WRONLY | O_CREAT, 0600);
  run(bench.env, mcp::serve_stdio(bench.server, in, out));
  CHECK(read_file(folder / "out") == "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
  ::close(in);
  ::close(out);
}
