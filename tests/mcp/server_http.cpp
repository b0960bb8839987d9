// The server over HTTP: sockets, sessions, streams, and who may come in.
#include "mcp/server_bench.hpp"
#include <sennit/agent/io/http.hpp>
#include <sennit/agent/io/http_server.hpp>
#include <sennit/agent/io/sse.hpp>
#include <sennit/mcp/server/http_endpoint.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

using Headers = std::vector<http::Header>;

struct Reply {
  int status = 0;
  std::string type;
  std::string session;
  std::string body;
  [[nodiscard]] json::object object() const {
    const auto value = parse_json(body);
    return value && value->is_object() ? value->get_object() : json::object();
  }
};

/// What came of a stream so far.
struct Heard {
  std::string id;  ///< of the last event
  std::vector<json::object> messages;
  std::size_t comments = 0;
  bool ended = false;
};

std::string last_id(std::string_view body) {
  const std::size_t found = body.rfind("id: ");
  return found == std::string_view::npos ? std::string()
                                         : std::string(body.substr(found + 4, body.find('\n', found) - found - 4));
}

struct Bench {
  explicit Bench(mcp::HttpEndpointOptions options = {}, http::ServerOptions server_options = {}) {
    fixtures.server = &server;
    endpoint = std::make_unique<mcp::HttpEndpoint>(server, std::move(options));
    front = std::make_unique<http::Server>(env, std::move(server_options),
                                           [this](http::ServerRequest request, http::ServerAnswer& answer) {
                                             return endpoint->handle(std::move(request), answer);
                                           });
  }
  ~Bench() {
    run(env, server.stop(1ms));
    run(env, front->stop(1ms));
  }

  asio::awaitable<std::unique_ptr<http::Response>> send(std::string method, Headers headers, std::string body,
                                                        std::string path) {
    http::Request request;
    request.method = std::move(method);
    request.url = "http://127.0.0.1:" + std::to_string(front->port()) + path;
    request.headers = std::move(headers);
    request.body = std::move(body);
    auto sending = env.http().send(std::move(request));
    co_return co_await std::move(sending);
  }
  asio::awaitable<Reply> fetch(std::string method, Headers headers, std::string body, std::string path) {
    auto sending = send(std::move(method), std::move(headers), std::move(body), std::move(path));
    std::unique_ptr<http::Response> response = co_await std::move(sending);
    Reply reply{response->status(),
                std::string(response->header("content-type")),
                std::string(response->header("mcp-session-id")),
                {}};
    reply.body = co_await http::read_all(*response);
    co_return reply;
  }
  /// Reads a stream as it comes, until it ends or is cancelled.
  asio::awaitable<void> listen(std::string method, Headers headers, std::string body, Heard& heard) {
    auto sending = send(std::move(method), std::move(headers), std::move(body), "/mcp");
    std::unique_ptr<http::Response> response = co_await std::move(sending);
    SseReader reader;
    while (true) {
      const std::string_view bytes = co_await response->read();
      if (bytes.empty()) break;
      if (std::string id = last_id(bytes); !id.empty()) heard.id = id;
      reader.push(bytes);
      while (const auto event = reader.next()) {
        const auto message = parse_json(event->data);
        if (message) heard.messages.push_back(message->as_object());
      }
      heard.comments = reader.comments();
    }
    heard.ended = true;
  }

  static Headers basic(Headers more = {}) {
    Headers headers{{"Content-Type", "application/json"}, {"Accept", "application/json, text/event-stream"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return headers;
  }
  Reply post(const json::value& body, Headers more = {}) {
    return run(env, fetch("POST", basic(std::move(more)), json::serialize(body), "/mcp"));
  }
  Reply raw(std::string method, Headers headers, std::string body = {}, std::string path = "/mcp") {
    return run(env, fetch(std::move(method), std::move(headers), std::move(body), std::move(path)));
  }
  static json::object request(std::string_view method, json::object params = {}) {
    return {{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}};
  }
  static json::object modern(std::string_view method, json::object params = {}) {
    params["_meta"] = modern_meta();
    return request(method, std::move(params));
  }
  static Headers modern_headers(std::string method, std::string name = {}) {
    Headers headers{{"MCP-Protocol-Version", "2026-07-28"}, {"Mcp-Method", std::move(method)}};
    if (!name.empty()) headers.push_back({"Mcp-Name", std::move(name)});
    return headers;
  }
  /// A session; gives its header.
  Headers begin(std::string version = "2025-11-25", json::object capabilities = {}) {
    const Reply reply = post(request("initialize", {{"protocolVersion", version},
                                                    {"capabilities", std::move(capabilities)},
                                                    {"clientInfo", {{"name", "t"}, {"version", "1"}}}}));
    return {{"Mcp-Session-Id", reply.session}, {"MCP-Protocol-Version", version}};
  }

  TestEnvironment env;
  Fixtures fixtures;
  mcp::Server server{env, fixtures};
  std::unique_ptr<mcp::HttpEndpoint> endpoint;
  std::unique_ptr<http::Server> front;
};

std::string code_of(const Reply& reply) {
  return text_at_path(reply.object(), "error/code");
}

http::ServerRequest asked(Headers headers, std::string path = "/mcp") {
  return {"POST", std::move(path), {}, std::move(headers), {}};
}

}  // namespace

TEST_CASE("who may come in: names, pages, paths, tokens", "[mcp_http]") {
  mcp::HttpAccess access;
  const auto status = [&](Headers headers, std::string path = "/mcp") {
    return mcp::judge(access, asked(std::move(headers), std::move(path))).status;
  };
  for (const char* host : {"localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080", "[::1]", "127.1.2.3"}) {
    CAPTURE(host);
    CHECK(status({{"Host", host}}) == 0);
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "evil.example:80", "192.168.0.1", "", "[fe80::1]",
                           "127.0.0.1.evil.example", "localhost@evil.example", "localhost:1@evil.example",
                           "localhost:1x", "[::1]evil.example", "[::1].evil.example:1", "[::1"}) {
    CAPTURE(host);
    CHECK(status({{"Host", host}}) == 421);
  }
  for (const char* origin : {"http://localhost:3000", "https://127.0.0.1", "http://[::1]:1"}) {
    CAPTURE(origin);
    CHECK(status({{"Host", "localhost"}, {"Origin", origin}}) == 0);
  }
  for (const char* origin : {"http://evil.example", "null", "", "file://", "chrome-extension://abc",
                             "http://localhost.evil.example", "https://app.example", "http://localhost:1@evil.example",
                             "http://localhost@evil.example", "http://[::1]@evil.example", "http://localhost:1/evil"}) {
    CAPTURE(origin);
    CHECK(status({{"Host", "localhost"}, {"Origin", origin}}) == 403);
  }
  CHECK(status({{"Host", "localhost"}}, "/other") == 404);
  CHECK(status({{"Host", "localhost"}, {"Host", "evil.example"}}) == 400);
  CHECK(status({{"Host", "localhost"}, {"Origin", "http://localhost"}, {"Origin", "http://evil.example"}}) == 400);

  access.hosts = {"mcp.example"};
  access.origins = {"https://app.example"};
  CHECK(status({{"Host", "mcp.example:443"}, {"Origin", "https://app.example"}}) == 0);
  CHECK(status({{"Host", "mcp.example"}, {"Origin", "http://app.example"}}) == 403);
  access.address = "0.0.0.0";
  CHECK(status({{"Host", "192.168.0.1:80"}}) == 0);
  CHECK(status({{"Host", "evil.example"}}) == 421);

  access.token = "0123456789abcdef";
  const auto with = [&](const char* value) { return status({{"Host", "localhost"}, {"Authorization", value}}); };
  CHECK(status({{"Host", "localhost"}}) == 401);
  CHECK(with("Bearer 0123456789abcdef") == 0);
  CHECK(with("bearer 0123456789abcdef") == 0);
  CHECK(with("Bearer 0123456789abcdeF") == 401);
  CHECK(with("Bearer 0123456789abcdef0") == 401);
  CHECK(with("Bearer ") == 401);
  CHECK(with("Basic 0123456789abcdef") == 401);
  CHECK(status(
            {{"Host", "localhost"}, {"Authorization", "Bearer 0123456789abcdef"}, {"Authorization", "Bearer other"}}) ==
        401);
}

TEST_CASE("a token is wanted before anything is read", "[mcp_http]") {
  Bench bench({.access = {.token = "0123456789abcdef"}});
  const Reply refused = bench.post(bench.request("ping"));
  CHECK(refused.status == 401);
  CHECK(bench.post(Bench::modern("tools/list"), Bench::modern_headers("tools/list")).status == 401);
  Headers headers = Bench::modern_headers("tools/list");
  headers.push_back({"Authorization", "Bearer 0123456789abcdef"});
  CHECK(bench.post(Bench::modern("tools/list"), headers).status == 200);
}

TEST_CASE("a page of an allowed origin may read the answers", "[mcp_http]") {
  Bench bench({.access = {.origins = {"https://app.example"}, .token = "0123456789abcdef"}});
  const Reply preflight = bench.raw("OPTIONS", {{"Origin", "https://app.example"}});
  CHECK(preflight.status == 204);
  CHECK(bench.raw("OPTIONS", {{"Origin", "https://other.example"}}).status == 403);
  CHECK(bench.raw("OPTIONS", {{"Authorization", "Bearer 0123456789abcdef"}}).status == 405);
}

TEST_CASE("requests that are none are refused", "[mcp_http]") {
  Bench bench;
  CHECK(bench.raw("POST", {{"Content-Type", "text/plain"}}, "{}").status == 415);
  CHECK(bench.raw("POST", {{"Content-Type", "application/jsonl"}}, "{}").status == 415);
  CHECK(bench.raw("POST", {{"Content-Type", "Application/JSON; charset=utf-8"}, {"Accept", "Application/JSON"}}, "{")
            .status == 400);  // of its body
  CHECK(bench.raw("POST", {{"Content-Type", "application/json"}, {"Accept", "text/html"}}, "{}").status == 406);
  CHECK(bench.raw("PUT", {}, "{}").status == 405);
  CHECK(bench.raw("GET", {}).status == 405);
  CHECK(bench.raw("DELETE", {}).status == 405);
  CHECK(bench.raw("POST", Bench::basic(), "{").status == 400);
  CHECK(code_of(bench.raw("POST", Bench::basic(), "{")) == "-32700");
  CHECK(bench.raw("POST", Bench::basic(), "[]").status == 400);
  CHECK(bench.post(Bench::request("tools/list")).status == 400);  // no session
  CHECK(bench.post(Bench::request("tools/list"), {{"Mcp-Session-Id", "none"}}).status == 404);
  CHECK(bench.raw("POST", Bench::basic(), std::string(5U << 20U, ' ')).status == 413);
}

TEST_CASE("a session begins, serves and ends", "[mcp_http]") {
  Bench bench;
  const Headers session = bench.begin();
  CHECK(session[0].value.size() == 32);
  const Reply noted = bench.post(json::object{{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}}, session);
  CHECK(noted.status == 202);
  const Reply listed = bench.post(Bench::request("tools/list"), session);
  CHECK(listed.status == 200);
  CHECK(listed.type == "application/json");
  CHECK(bench.post(Bench::request("nothing"), session).status == 200);  // an error of JSON-RPC is an answer
  CHECK(bench.post(Bench::request("initialize", {{"protocolVersion", "2025-11-25"}}), session).status == 400);
  CHECK(bench.post(Bench::request("ping"), {session[0], {"MCP-Protocol-Version", "1999-01-01"}}).status == 400);
  CHECK(bench.endpoint->sessions() == 1);
  CHECK(bench.raw("DELETE", session).status == 204);
  CHECK(bench.endpoint->sessions() == 0);
  CHECK(bench.post(Bench::request("ping"), session).status == 404);
  CHECK(bench.raw("DELETE", session).status == 404);
  CHECK(bench.post(Bench::request("initialize", {{"protocolVersion", 7}})).status == 200);
  CHECK(bench.endpoint->sessions() == 0);  // a handshake that failed leaves none
}

TEST_CASE("batches are a thing of one version", "[mcp_http]") {
  Bench bench;
  json::object second = Bench::request("ping");
  second["id"] = 2;
  const json::array batch{Bench::request("ping"), second,
                          json::object{{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}}};
  CHECK(bench.post(batch, bench.begin()).status == 400);
  const Reply both = bench.post(batch, bench.begin("2025-03-26"));
  CHECK(both.status == 200);
  CHECK_THAT(both.body, ContainsSubstring("\"id\":1") && ContainsSubstring("\"id\":2"));
}

TEST_CASE("there is a bound on sessions; the idle ones make room", "[mcp_http]") {
  Bench bench({.sessions = 2});
  const Headers first = bench.begin();
  const Headers second = bench.begin();
  CHECK(bench.post(Bench::request("ping"), first).status == 200);
  const Headers third = bench.begin();
  CHECK(bench.endpoint->sessions() == 2);
  CHECK(bench.post(Bench::request("ping"), second).status == 404);
  CHECK(bench.post(Bench::request("ping"), first).status == 200);
  CHECK(bench.post(Bench::request("ping"), third).status == 200);
}

TEST_CASE("a session that nobody uses ends", "[mcp_http]") {
  Bench bench({.session_idle = 30ms});
  const Headers session = bench.begin();
  until(bench.env, [&] { return bench.endpoint->sessions() == 0; });
  CHECK(bench.post(Bench::request("ping"), session).status == 404);
}

TEST_CASE("a legacy client that leaves may come back for the rest", "[mcp_http]") {
  Bench bench;
  const Headers session = bench.begin();
  Headers get = session;
  get.push_back({"Accept", "text/event-stream"});
  Heard first;
  SECTION("because the server sent it away") {
    auto calling = start(
        bench.env, bench.listen("POST", Bench::basic(session),
                                json::serialize(Bench::request("tools/call", {{"name", "test_reconnection"}})), first));
    calling.get();
    CHECK(first.ended);
    CHECK(first.messages.empty());
    get.push_back({"Last-Event-ID", first.id});
    Heard rest;
    run(bench.env, bench.listen("GET", get, {}, rest));
    REQUIRE(rest.messages.size() == 1);
    CHECK_THAT(text_at_path(rest.messages[0], "result/content/0/text"), ContainsSubstring("came back"));
  }
  SECTION("because its connection broke, which cancels nothing") {
    json::object params{{"name", "test_hang"}, {"_meta", {{"progressToken", 1}}}};
    auto calling =
        start(bench.env, bench.listen("POST", Bench::basic(session),
                                      json::serialize(Bench::request("tools/call", std::move(params))), first));
    until(bench.env, [&] { return first.messages.size() == 1; });
    calling.cancel();
    CHECK(calling.error().code() == errc::cancelled);
    Heard rest;
    get.push_back({"Last-Event-ID", first.id.substr(0, first.id.find('-')) + "-0"});
    auto listening = start(bench.env, bench.listen("GET", get, {}, rest));
    until(bench.env, [&] { return rest.messages.size() == 1; });  // the progress, again
    CHECK(bench.fixtures.hanging == 1);
    bench.post(json::object{{"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", {{"requestId", 1}}}},
               session);
    listening.get();
    CHECK(bench.fixtures.hung_up == 1);
  }
}

TEST_CASE("a stream of a session hears what belongs to no request", "[mcp_http]") {
  Bench bench({.heartbeat = 30ms});
  Headers get = bench.begin();
  get.push_back({"Accept", "text/event-stream"});
  bench.server.tools_changed();  // kept until somebody listens
  Heard first;
  auto listening = start(bench.env, bench.listen("GET", get, {}, first));
  until(bench.env, [&] { return first.messages.size() == 1 && first.comments > 1; });
  Heard second;
  auto again = start(bench.env, bench.listen("GET", get, {}, second));
  until(bench.env, [&] { return first.ended; });  // one reader at a time, the last one
  bench.server.prompts_changed();
  until(bench.env, [&] { return second.messages.size() == 1; });
  CHECK(bench.raw("DELETE", get).status == 204);
  again.get();
  listening.get();
}

TEST_CASE("a legacy client answers on a request of its own", "[mcp_http]") {
  Bench bench;
  const Headers session = bench.begin("2025-06-18", {{"elicitation", json::object()}});
  Heard heard;
  json::object params{{"name", "test_elicitation"}, {"arguments", {{"message", "Who?"}}}};
  auto calling = start(bench.env, bench.listen("POST", Bench::basic(session),
                                               json::serialize(Bench::request("tools/call", params)), heard));
  until(bench.env, [&] { return heard.messages.size() == 1; });
  json::object answer{{"jsonrpc", "2.0"}, {"id", heard.messages[0].at("id")}, {"result", {{"action", "cancel"}}}};
  CHECK(bench.post(answer, session).status == 202);
  calling.get();
  REQUIRE(heard.messages.size() == 2);
  CHECK_THAT(text_at_path(heard.messages[1], "result/content/0/text"), ContainsSubstring("cancel"));
}

TEST_CASE("a modern request repeats itself in its header", "[mcp_http]") {
  Bench bench;
  const auto status = [&](const json::object& body, Headers headers) {
    const Reply reply = bench.post(body, std::move(headers));
    return std::to_string(reply.status) + " " + code_of(reply);
  };
  const json::object list = Bench::modern("tools/list");
  const json::object call = Bench::modern("tools/call", {{"name", "test_simple_text"}, {"arguments", json::object()}});
  CHECK(status(list, Bench::modern_headers("tools/list")) == "200 null");
  CHECK(status(list, Bench::modern_headers("prompts/list")) == "400 -32020");
  CHECK(status(list, {{"MCP-Protocol-Version", "2026-07-28"}}) == "400 -32020");
  CHECK(status(list, {{"Mcp-Method", "tools/list"}}) == "400 -32020");
  CHECK(status(list, {{"MCP-Protocol-Version", "2025-11-25"}, {"Mcp-Method", "tools/list"}}) == "400 -32020");
  CHECK(status(call, Bench::modern_headers("tools/call", "test_simple_text")) == "200 null");
  CHECK(status(call, Bench::modern_headers("tools/call", "=?base64?dGVzdF9zaW1wbGVfdGV4dA==?=")) == "200 null");
  CHECK(status(call, Bench::modern_headers("tools/call", "other")) == "400 -32020");
  CHECK(status(call, Bench::modern_headers("tools/call")) == "400 -32020");
  const json::object region =
      Bench::modern("tools/call", {{"name", "test_header_parameter"}, {"arguments", {{"region", "eu"}}}});
  Headers headers = Bench::modern_headers("tools/call", "test_header_parameter");
  CHECK(status(region, headers) == "400 -32020");
  headers.push_back({"Mcp-Param-Region", "us"});
  CHECK(status(region, headers) == "400 -32020");
  headers.back().value = "eu";
  CHECK(status(region, headers) == "200 null");
  CHECK(status(Bench::modern("nothing"), Bench::modern_headers("nothing")) == "404 -32601");
  CHECK(status(Bench::request("tools/list"), Bench::modern_headers("tools/list")) == "400 -32602");
}

TEST_CASE("a modern client that closes its stream has cancelled", "[mcp_http]") {
  Bench bench;
  Heard heard;
  json::object params{{"name", "test_hang"}, {"arguments", json::object()}};
  params["_meta"] = modern_meta();
  params["_meta"].as_object()["progressToken"] = "p";
  auto calling = start(bench.env, bench.listen("POST", Bench::basic(Bench::modern_headers("tools/call", "test_hang")),
                                               json::serialize(Bench::request("tools/call", params)), heard));
  until(bench.env, [&] { return heard.messages.size() == 1; });
  CHECK(text_at_path(heard.messages[0], "params/message") == "hanging");
  calling.cancel();
  CHECK(calling.error().code() == errc::cancelled);
  until(bench.env, [&] { return bench.fixtures.hung_up == 1; });
}

TEST_CASE("a client that takes no streams gets the answer alone", "[mcp_http]") {
  Bench bench;
  const Headers session = bench.begin();
  Headers headers = session;
  headers.push_back({"Content-Type", "application/json"});
  headers.push_back({"Accept", "application/json"});
  const json::object call =
      Bench::request("tools/call", {{"name", "test_tool_with_progress"}, {"_meta", {{"progressToken", 1}}}});
  const Reply reply = bench.raw("POST", headers, json::serialize(call));
  CHECK(reply.status == 200);
  CHECK(reply.type == "application/json");
  CHECK(text_at_path(reply.object(), "result/content/0/text") == "done");
}

TEST_CASE("a slow answer shows that it is coming", "[mcp_http]") {
  Bench bench({.heartbeat = 20ms});
  const Headers session = bench.begin();
  Heard heard;
  const json::object call = Bench::request("tools/call", {{"name", "test_tool_with_progress"}});
  run(bench.env, bench.listen("POST", Bench::basic(session), json::serialize(call), heard));
  CHECK(heard.comments > 1);
  REQUIRE(heard.messages.size() == 1);
  CHECK(text_at_path(heard.messages[0], "result/content/0/text") == "done");
}

TEST_CASE("a server that ends tells who listens, and closes", "[mcp_http]") {
  Bench bench;
  Heard heard;
  json::object params{{"notifications", {{"toolsListChanged", true}}}};
  params["_meta"] = modern_meta();
  auto listening =
      start(bench.env, bench.listen("POST", Bench::basic(Bench::modern_headers("subscriptions/listen")),
                                    json::serialize(Bench::request("subscriptions/listen", params)), heard));
  until(bench.env, [&] { return heard.messages.size() == 1; });
  run(bench.env, bench.server.stop(1ms));
  listening.get();
  CHECK(heard.messages.size() == 2);
}
