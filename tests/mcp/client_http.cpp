// The client against remote servers, well-behaved or not: real sockets, scripted answers.
#include "mcp/source.hpp"
#include "support/http_server.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <functional>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

McpServer remote(const HttpServer& server, std::string era = "auto") {
  McpServer settings;
  settings.name = "far";
  settings.url = server.url("/mcp");
  settings.era = std::move(era);
  settings.timeout = milliseconds(2'000);
  settings.start_timeout = milliseconds(2'000);
  return settings;
}

std::string result(const json::value& id, const std::string& value) {
  return R"({"jsonrpc":"2.0","id":)" + json::serialize(id) + R"(,"result":)" + value + "}";
}

const std::string kTools = R"({"resultType":"complete","tools":[{"name":"echo","inputSchema":{"type":"object"}}]})";
const std::string kSaid = R"({"resultType":"complete","content":[{"type":"text","text":"said"}]})";
const std::string kDiscovered =
    R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}})";
const std::string kGreeted = R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}}})";

using Handler = std::function<std::optional<Reply>(const HttpRequest&, const json::value& message)>;

/// A server that answers what `handler` does not.
HttpServer::Handler serving(bool modern, Handler handler) {
  return [modern, handler = std::move(handler)](const HttpRequest& request) {
    if (request.method == "GET" || request.method == "DELETE") {
      if (auto reply = handler(request, nullptr)) return std::move(*reply);
      return Reply::text("").status(405);
    }
    const json::value message = json::parse(request.body);
    if (auto reply = handler(request, message)) return std::move(*reply);
    const std::string_view method = sennit::find_string(message, "method");
    const json::value* id = sennit::find(message, "id");
    if (id == nullptr) return Reply::text("").status(202);
    if (method == "server/discover" && modern) return Reply::json(result(*id, kDiscovered));
    if (method == "initialize" && !modern) return Reply::json(result(*id, kGreeted)).header("Mcp-Session-Id", "s-1");
    if (method == "tools/list") return Reply::json(result(*id, kTools));
    if (method == "tools/call") return Reply::json(result(*id, kSaid));
    return Reply::text("Bad Request: no valid session").status(400);
  };
}

Handler nothing_special() {
  return [](const HttpRequest&, const json::value&) { return std::optional<Reply>(); };
}

/// Does something about one method.
Handler on(std::string method, std::function<Reply(const json::value& id, const HttpRequest&)> then) {
  return [method = std::move(method), then = std::move(then)](const HttpRequest& request, const json::value& message) {
    if (sennit::find_string(message, "method") != method) return std::optional<Reply>();
    return std::optional<Reply>(then(*sennit::find(message, "id"), request));
  };
}

std::size_t count(const HttpServer& server, std::string_view word) {
  std::size_t found = 0;
  for (const HttpRequest& request : server.requests()) found += request.body.find(word) != std::string::npos ? 1U : 0U;
  return found;
}

}  // namespace

TEST_CASE("a remote server is asked in its own era, found out once") {
  TestEnvironment env;
  const bool modern = GENERATE(true, false);
  const HttpServer server(serving(modern, nothing_special()));
  const Source source(remote(server));
  for (int i = 0; i < 2; ++i) CHECK(call(env, source.tools(env), "far_echo", {}) == "said");
  CHECK(count(server, "server/discover") == 1);
  CHECK(count(server, "\"initialize\"") == (modern ? 0 : 1));
  for (const HttpRequest& request : server.requests()) {
    if (request.body.find("tools/call") == std::string::npos) continue;
    CHECK(request.header("mcp-protocol-version") == (modern ? "2026-07-28" : "2025-11-25"));
    CHECK(request.header("mcp-method") == (modern ? "tools/call" : ""));
    CHECK(request.header("mcp-name") == (modern ? "echo" : ""));
    CHECK(request.header("mcp-session-id") == (modern ? "" : "s-1"));
    CHECK((request.body.find("clientCapabilities") != std::string::npos) == modern);
  }
}

TEST_CASE("an answer may come as a stream, with progress before it") {
  TestEnvironment env;
  const bool modern = GENERATE(true, false);
  const HttpServer server(
      serving(modern, on("tools/call", [](const json::value& id, const HttpRequest& request) {
                const json::value message = json::parse(request.body);
                const std::string token = json::serialize(message.at("params").at("_meta").at("progressToken"));
                return Reply::sse({R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" +
                                       token + R"(,"progress":1,"message":"half"}})",
                                   result(id, kSaid)})
                    .cut_into(7)
                    .every(milliseconds(1));
              })));
  const Source source(remote(server));
  const Tools tools = source.tools(env);
  CallContext context(env);
  CHECK(run(env, call_checked(tool_named(tools, "far_echo"), {}, context)).content == "said");
  CHECK(context.told == std::vector<std::string>{"half (1)"});
}

TEST_CASE("what breaks during a call is said to have perhaps happened, and is not said again") {
  TestEnvironment env;
  const bool modern = GENERATE(true, false);
  const int way = GENERATE(0, 1, 2, 3);
  const HttpServer server(serving(modern, on("tools/call", [way](const json::value& id, const HttpRequest&) {
                                    if (way == 0) return Reply::sse({R"({"jsonrpc":"2.0","method":"x"})"});
                                    if (way == 1)
                                      return Reply::sse({R"({"jsonrpc":"2.0","method":"x"})", "more"}).cut_after(40);
                                    if (way == 2) return Reply::json(result(id, kSaid)).cut_after(10);
                                    return Reply::json("{}").reset();
                                  })));
  const Source source(remote(server));
  const Error error = call_error(env, source.tools(env), "far_echo", {});
  CHECK(error.code() == errc::truncated);
  CHECK_THAT(error.describe(), ContainsSubstring("may have taken effect"));
  CHECK_FALSE(error.retryable());
  CHECK(count(server, "tools/call") == 1);
}

TEST_CASE(
    "a call that hangs ends at its deadline; closing the stream says so to a modern server, a word to an older one") {
  TestEnvironment env;
  const bool modern = GENERATE(true, false);
  const HttpServer server(serving(modern, on("tools/call", [](const json::value&, const HttpRequest&) {
                                    return Reply::sse({R"({"jsonrpc":"2.0","method":"x"})", "more"}).stall_after(40);
                                  })));
  McpServer settings = remote(server);
  settings.timeout = milliseconds(300);
  const Source source(settings);
  const Error error = call_error(env, source.tools(env), "far_echo", {});
  CHECK(error.code() == errc::timeout);
  if (!modern) until(env, [&] { return count(server, "notifications/cancelled") == 1; });
  CHECK(count(server, "notifications/cancelled") == (modern ? 0 : 1));
}

TEST_CASE("an older server that ends a stream early is gone on with where it says") {
  TestEnvironment env;
  std::atomic<int> resumed{0};
  const HttpServer server(serving(false, [&](const HttpRequest& request, const json::value& message) {
    if (request.method == "GET" && request.header("last-event-id") == "e-1") {
      ++resumed;
      return std::optional<Reply>(Reply::sse({}).pieces({"id: e-2\ndata: " + result(2, kSaid) + "\n\n"}));
    }
    if (sennit::find_string(message, "method") != "tools/call") return std::optional<Reply>();
    return std::optional<Reply>(Reply::sse({}).pieces({"id: e-1\nretry: 20\ndata:\n\n"}));
  }));
  McpServer settings = remote(server, "legacy");
  const Source source(settings);
  const Tools tools = source.tools(env);
  CallContext context(env);
  // initialize is 1, tools/list 2, tools/call 3
  const Error error = run_error(env, call_checked(tool_named(tools, "far_echo"), {}, context));
  CHECK(error.code() == errc::truncated);  // the answer that came was to another request
  CHECK(resumed >= 1);
}

TEST_CASE("a session that the server forgot is begun anew, and what it refused is said once more") {
  TestEnvironment env;
  std::atomic<int> sessions{0};
  std::atomic<bool> restarted{false};
  const HttpServer server(serving(false, [&](const HttpRequest& request, const json::value& message) {
    const json::value* id = sennit::find(message, "id");
    if (sennit::find_string(message, "method") == "initialize") {
      return std::optional<Reply>(
          Reply::json(result(*id, kGreeted)).header("Mcp-Session-Id", "s-" + std::to_string(++sessions)));
    }
    if (restarted && request.header("mcp-session-id") == "s-1") {
      return std::optional<Reply>(Reply::text("no such session").status(404));
    }
    return std::optional<Reply>();
  }));
  const Source source(remote(server, "legacy"));
  const Tools tools = source.tools(env);
  CHECK(call(env, tools, "far_echo", {}) == "said");
  restarted = true;
  CHECK(call(env, tools, "far_echo", {}) == "said");
  CHECK(sessions == 2);
}

TEST_CASE("the transport of 2024 is spoken where nothing else is understood") {
  TestEnvironment env;
  // Answers come on the stream, so it has to know what was posted.
  auto posted = std::make_shared<std::vector<std::string>>();
  auto mutex = std::make_shared<std::mutex>();
  const HttpServer server([=](const HttpRequest& request) {
    if (request.method == "GET" && request.target == "/mcp") {
      auto sent = std::make_shared<std::size_t>(0);
      return Reply::forever([=](std::size_t i) -> std::string {
               if (i == 0) return "event: endpoint\ndata: /messages?s=1\n\n";
               const std::lock_guard lock(*mutex);
               if (*sent == posted->size()) return ": waiting\n\n";
               return "event: message\ndata: " + (*posted)[(*sent)++] + "\n\n";
             })
          .every(milliseconds(5));
    }
    if (request.target != "/messages?s=1") return Reply::text("no").status(405);
    const json::value message = json::parse(request.body);
    if (const json::value* id = sennit::find(message, "id")) {
      const std::string_view method = sennit::find_string(message, "method");
      const std::lock_guard lock(*mutex);
      posted->push_back(result(*id, method == "initialize" ? kGreeted : method == "tools/list" ? kTools : kSaid));
    }
    return Reply::text("").status(202);
  });
  const Source source(remote(server));
  CHECK(call(env, source.tools(env), "far_echo", {}) == "said");
}

TEST_CASE("a stream whose server is never met is let go of, as is one that never stops") {
  TestEnvironment env;
  const bool floods = GENERATE(true, false);
  const std::string news = R"(data: {"jsonrpc":"2.0","method":"notifications/message","params":{}})"
                           "\n\n";
  std::string much;
  for (int i = 0; i < 1'000; ++i) much += news;
  const HttpServer server([&](const HttpRequest& request) {
    if (request.method == "POST") return Reply::text("").status(202).hang_up();  // and no answer on the stream
    return Reply::forever([&](std::size_t i) {
             if (i == 0) return std::string("event: endpoint\ndata: /messages\n\n");
             return floods ? much : news;
           })
        .every(milliseconds(floods ? 0 : 5));
  });
  McpServer settings = remote(server);
  settings.transport = "sse";
  settings.start_timeout = milliseconds(floods ? 40'000 : 300);
  const Source source(settings);
  CHECK(run_error(env, source->tools(env)).code() == (floods ? errc::too_large : errc::timeout));
  until(env, [&] { return server.open_connections() == 0; });
}

TEST_CASE("a call whose session was over does not end the next one, which another call has begun") {
  TestEnvironment env;
  std::atomic<int> sessions{0};
  std::atomic<bool> restarted{false};
  const HttpServer server(serving(false, [&](const HttpRequest& request, const json::value& message) {
    const json::value* id = sennit::find(message, "id");
    const std::string_view method = sennit::find_string(message, "method");
    if (method == "initialize") {
      return std::optional<Reply>(
          Reply::json(result(*id, kGreeted)).header("Mcp-Session-Id", "s-" + std::to_string(++sessions)));
    }
    if (method != "tools/call" || !restarted) return std::optional<Reply>();
    const bool slow = request.body.find("slow") != std::string::npos;
    const milliseconds pause(slow ? 300 : 0);
    if (request.header("mcp-session-id") != "s-1") return std::optional<Reply>();
    return std::optional<Reply>(Reply::text("no such session").status(404).after(pause));
  }));
  const Source source(remote(server, "legacy"));
  const Tools tools = source.tools(env);
  restarted = true;
  CallContext context(env);
  auto slow = start(env, call_checked(tool_named(tools, "far_echo"), {{"text", "slow"}}, context));
  CHECK(call(env, tools, "far_echo", {}) == "said");
  CHECK_FALSE(slow.done());
  CHECK(slow.get().content == "said");
  CHECK(sessions == 2);
}

TEST_CASE("a server's own stream is listened to again, however often it ends and whatever ends it") {
  TestEnvironment env;
  std::atomic<int> streams{0};
  const HttpServer server(serving(false, [&](const HttpRequest& request, const json::value&) {
    if (request.method != "GET") return std::optional<Reply>();
    const int number = ++streams;
    if (number == 2) return std::optional<Reply>(Reply::text("").reset());
    if (number == 3) return std::optional<Reply>(Reply::text("a moment").status(503));
    return std::optional<Reply>(
        Reply::sse({}).pieces({"retry: 10\ndata: "
                               R"({"jsonrpc":"2.0","method":"notifications/message","params":{"data":"news"}})"
                               "\n\n"}));
  }));
  const Source source(remote(server, "legacy"));
  (void)source.tools(env);
  until(env, [&] { return streams >= 30; });
  CHECK(env.records().size() >= 20);  // what they brought
}

TEST_CASE("an endpoint on another server gets nothing of ours") {
  TestEnvironment env;
  const HttpServer server([](const HttpRequest&) {
    return Reply::forever([](std::size_t) { return "event: endpoint\ndata: http://evil.example/x\n\n"; })
        .every(milliseconds(5));
  });
  McpServer settings = remote(server);
  settings.transport = "sse";
  const Source source(settings);
  const Error error = run_error(env, source->tools(env));
  CHECK(error.code() == errc::denied);
  CHECK_THAT(error.describe(), ContainsSubstring("evil.example"));
}

TEST_CASE("a remote server that cannot be used says why, in bounded time") {
  TestEnvironment env;
  struct Case {
    Reply reply;
    errc code;
    std::string words;
  };
  const auto fault = GENERATE(table<int, errc, std::string>({
      {0, errc::authentication, "HTTP status 401"},
      {1, errc::permission, "HTTP status 403"},
      {2, errc::server, "HTTP status 500"},
      {3, errc::protocol, "redirects to http://elsewhere.example/"},
      {4, errc::timeout, "starting the MCP server 'far' took longer"},
      {5, errc::protocol, "is no answer"},
      {6, errc::truncated, ""},
      {7, errc::too_large, "bytes"},
  }));
  const auto reply = [way = std::get<0>(fault)](const HttpRequest&) {
    switch (way) {
      case 0:
        return Reply::text("who are you").status(401);
      case 1:
        return Reply::text("no").status(403);
      case 2:
        return Reply::text("oops").status(500);
      case 3:
        return Reply::text("").status(302).header("Location", "http://elsewhere.example/");
      case 4:
        return Reply::text("").stall();
      case 5:
        return Reply::text("<html>Welcome</html>");
      case 6:
        return Reply::json("{\"jsonrpc\":\"2.0\"}").cut_after(1);
      default:
        return Reply::json(std::string(20U << 20U, ' '));
    }
  };
  const HttpServer server(reply);
  const Source source(remote(server));
  const Error error = run_error(env, source->tools(env));
  CAPTURE(std::get<0>(fault), error.describe());
  CHECK(error.code() == std::get<1>(fault));
  CHECK_THAT(error.describe(), ContainsSubstring(std::get<2>(fault)));
}

TEST_CASE("nobody who listens, and addresses that are not to be reached") {
  TestEnvironment env;
  McpServer settings;
  settings.name = "far";
  settings.start_timeout = milliseconds(2'000);
  settings.url = "http://127.0.0.1:1/mcp";
  CHECK(run_error(env, Source(settings)->tools(env)).code() == errc::connect_failed);
  settings.url = "http://169.254.169.254/mcp";
  CHECK(run_error(env, Source(settings)->tools(env)).code() == errc::denied);
}

TEST_CASE("headers of the agent file go along, with their secrets") {
  TestEnvironment env;
  const HttpServer server(serving(true, nothing_special()));
  ::setenv("SENNIT_TEST_KEY", "open sesame", 1);
  McpServer settings = remote(server);
  settings.headers["X-Key"] = "Bearer ${env:SENNIT_TEST_KEY}";
  const Source source(settings);
  (void)source.tools(env);
  CHECK(server.requests().front().header("x-key") == "Bearer open sesame");
  CHECK(json::serialize(source->describe()).find("sesame") == std::string::npos);
}

TEST_CASE("lists that never end have an end") {
  TestEnvironment env;
  std::atomic<int> pages{0};
  const bool same = GENERATE(true, false);
  const HttpServer server(serving(true, on("tools/list", [&](const json::value& id, const HttpRequest&) {
                                    const std::string cursor = same ? "again" : std::to_string(++pages);
                                    return Reply::json(result(
                                        id, R"({"resultType":"complete","tools":[],"nextCursor":")" + cursor + "\"}"));
                                  })));
  McpServer settings = remote(server);
  settings.start_timeout = milliseconds(20'000);
  const Source source(settings);
  const Error error = run_error(env, source->tools(env));
  CHECK(error.code() == errc::too_large);
  CHECK(count(server, "tools/list") <= 101);
}

TEST_CASE("a server that asks for ever is answered ten times") {
  TestEnvironment env;
  const HttpServer server(serving(true, on("tools/call", [](const json::value& id, const HttpRequest&) {
                                    return Reply::json(
                                        result(id, R"({"resultType":"input_required","requestState":"s"})"));
                                  })));
  const Source source(remote(server));
  const Error error = call_error(env, source.tools(env), "far_echo", {});
  CHECK(error.code() == errc::limit);
  CHECK(count(server, "tools/call") == 10);
}
