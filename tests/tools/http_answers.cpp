// What is sent, and what a model reads of the answer.
#include "support/forgetting.hpp"
#include "tools/http_tool_call.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

TEST_CASE("http_get gives the status, the headers that matter and the body") {
  TestEnvironment env;
  const HttpServer server(Reply::text("hello").header("ETag", "\"v1\"").header("X-Internal", "no"));
  const std::string answer = get_url(env, server.url("/a b?q=ü"));
  CHECK_THAT(answer, ContainsSubstring("HTTP 200 from " + server.url("/a%20b?q=%C3%BC") + "\n"));
  CHECK_THAT(answer, ContainsSubstring("etag: \"v1\"\n"));
  CHECK_THAT(answer, !ContainsSubstring("X-Internal") && EndsWith("\n\nhello"));
  const HttpRequest request = server.requests().at(0);
  CHECK(request.method == "GET");
  CHECK(request.target == "/a%20b?q=%C3%BC");
  CHECK(request.header("user-agent") == "sennit");
  CHECK(request.header("accept") == "*/*");
  CHECK(request.header("content-type").empty());
  CHECK(request.header("idempotency-key").empty());
}

TEST_CASE("HEAD gives the headers without a body") {
  TestEnvironment env;
  const HttpServer server(Reply::text("12345").header("Last-Modified", "yesterday"));
  const std::string answer = call(env, make_http(local()), "http_get", {{"url", server.url()}, {"method", "HEAD"}});
  CHECK(answer ==
        "HTTP 200 from " + server.url() + "\ncontent-type: text/plain\ncontent-length: 5\nlast-modified: yesterday\n");
  CHECK(server.requests().at(0).method == "HEAD");
}

TEST_CASE("the model's own headers are sent") {
  TestEnvironment env;
  const HttpServer server(Reply::text("ok"));
  const json::object headers{{"Accept", "text/csv"}, {"X-Empty", ""}, {"User-Agent", "custom"}};
  (void)call(env, make_http(local()), "http_get", {{"url", server.url()}, {"headers", headers}});
  const HttpRequest request = server.requests().at(0);
  CHECK(request.header("accept") == "text/csv");
  CHECK(request.header("user-agent") == "custom");
}

TEST_CASE("headers of the connection and too many headers are refused before anything is sent") {
  TestEnvironment env;
  const HttpServer server(Reply::text("ok"));
  const Tools tools = make_http(local());
  const json::object host{{"Host", "other.org"}};
  CHECK(call_error(env, tools, "http_get", {{"url", server.url()}, {"headers", host}}).code() ==
        errc::invalid_argument);
  json::object many;
  for (int i = 0; i < 40; ++i) many["X-" + std::to_string(i)] = "x";
  const Error error = call_error(env, tools, "http_get", {{"url", server.url()}, {"headers", many}});
  CHECK(error.code() == errc::invalid_argument);
  CHECK_THAT(error.message(), ContainsSubstring("32"));
  CHECK(server.connections() == 0);
}

TEST_CASE("http_send sends JSON with its type and a key that stays the same when the call is repeated") {
  TestEnvironment env;
  const HttpServer server(Reply::json("{\"id\":7}").status(201).header("Location", "/things/7"));
  const json::object body{{"name", "Zoë"}, {"tags", json::array{1, true, nullptr}}};
  const ToolOutput output = call_output(env, make_http(local()), "http_send", {{"url", server.url()}, {"json", body}});
  CHECK_FALSE(output.is_error);
  CHECK_THAT(output.content,
             ContainsSubstring("HTTP 201") && ContainsSubstring("location: /things/7") && EndsWith("\n\n{\"id\":7}"));
  const HttpRequest request = server.requests().at(0);
  CHECK(request.method == "POST");
  CHECK(request.header("content-type") == "application/json");
  CHECK(request.header("idempotency-key") == "run-1/3");
  CHECK(json::parse(request.body) == json::value(body));
}

TEST_CASE("http_send sends text, by every method, and an empty body where none is given") {
  TestEnvironment env;
  const HttpServer server(Reply::text("ok"));
  const Tools tools = make_http(local());
  const json::object headers{{"content-type", "ignored/ignored"}, {"Idempotency-Key", "of the model"}};
  (void)call(env, tools, "http_send",
             {{"url", server.url()},
              {"method", "PUT"},
              {"body", "a,b\n1,2"},
              {"content_type", "text/csv"},
              {"headers", headers}});
  (void)call(env, tools, "http_send", {{"url", server.url()}, {"method", "DELETE"}});
  (void)call(env, tools, "http_send", {{"url", server.url()}, {"method", "PATCH"}, {"body", ""}});
  (void)call(env, tools, "http_send", {{"url", server.url()}});
  const auto requests = server.requests();
  CHECK(requests.at(0).method == "PUT");
  CHECK(requests.at(0).body == "a,b\n1,2");
  CHECK(requests.at(0).header("content-type") == "text/csv");
  CHECK(requests.at(0).header("idempotency-key") == "run-1/3");
  CHECK(requests.at(1).method == "DELETE");
  CHECK(requests.at(1).header("content-type").empty());
  CHECK(requests.at(2).method == "PATCH");
  CHECK(requests.at(3).method == "POST");
  CHECK(requests.at(3).body.empty());
  CHECK(requests.at(3).header("content-length") == "0");
}

TEST_CASE("two bodies, unknown methods and broken content types are told to the model") {
  TestEnvironment env;
  const HttpServer server(Reply::text("ok"));
  const Tools tools = make_http(local());
  const auto error = [&](json::object arguments) {
    arguments["url"] = server.url();
    return call_error(env, tools, "http_send", std::move(arguments));
  };
  CHECK_THAT(error({{"body", "x"}, {"json", 1}}).message(), ContainsSubstring("either `body` or `json`"));
  CHECK(error({{"method", "GET"}}).code() == errc::invalid_argument);
  CHECK(error({{"method", "CONNECT"}}).code() == errc::invalid_argument);
  CHECK(error({{"body", "x"}, {"content_type", "a\r\nHost: b"}}).code() == errc::invalid_argument);
  CHECK(call_error(env, tools, "http_get", {{"url", ""}}).code() == errc::invalid_argument);
  CHECK(call_error(env, tools, "http_get", {}).code() == errc::invalid_argument);
  CHECK(server.connections() == 0);
}

TEST_CASE("an error status is an answer that is marked as an error, with its body") {
  TestEnvironment env;
  const HttpServer server({Reply::text("no such page").status(404),
                           Reply::json("{\"error\":\"slow down\"}").status(429).header("Retry-After", "30")});
  const ToolOutput missing = call_output(env, make_http(local()), "http_get", {{"url", server.url()}});
  CHECK(missing.is_error);
  CHECK_THAT(missing.content, ContainsSubstring("HTTP 404") && EndsWith("no such page"));
  const ToolOutput busy = call_output(env, make_http(local()), "http_get", {{"url", server.url()}});
  CHECK(busy.is_error);
  CHECK_THAT(busy.content, ContainsSubstring("retry-after: 30") && EndsWith("{\"error\":\"slow down\"}"));
}

TEST_CASE("a body is read up to a bound, also one that never ends, and the model is told") {
  TestEnvironment env;
  const HttpServer exact(Reply::text(std::string(kMaxHttpBody, 'x')));
  CHECK_THAT(get_url(env, exact.url()), EndsWith("xxx"));
  const HttpServer longer(Reply::text(std::string(kMaxHttpBody + 1, 'x')));
  CHECK_THAT(get_url(env, longer.url()), EndsWith("beginning, " + std::to_string(kMaxHttpBody) + " bytes]"));
  const HttpServer endless(Reply::text(std::string(kMaxHttpBody * 2, 'x')).chunked().stall_after(kMaxHttpBody + 5));
  CHECK_THAT(get_url(env, endless.url()), ContainsSubstring("[the answer is longer"));
  until(env, [&] { return endless.open_connections() == 0; });
}

TEST_CASE("of a secret where a body is cut nothing is left") {
  const Forgetting forgetting;
  TestEnvironment env;
  secrets::add("tok-0123456789-abcdefghij");
  const HttpServer server(
      Reply::text(std::string(kMaxHttpBody - 12, 'x') + "tok-0123456789-abcdefghij" + std::string(99, 'x')));
  const std::string text = get_url(env, server.url());
  CHECK_THAT(text, ContainsSubstring("xxx***") && !ContainsSubstring("tok-"));
}

TEST_CASE("charsets are converted, and a binary body is one line") {
  TestEnvironment env;
  const HttpServer latin(Reply::text("caf\xE9").header("Content-Type", "text/plain; charset=iso-8859-1"));
  CHECK_THAT(get_url(env, latin.url()), EndsWith("\n\ncafé"));
  const HttpServer image(Reply::text(std::string("\x89PNG\0\xFF", 6)).header("Content-Type", "image/png"));
  CHECK_THAT(get_url(env, image.url()), EndsWith("\n\n[binary data: image/png, 6 bytes]"));
}

TEST_CASE("a header of the answer that is not UTF-8 does not reach the model as it is") {
  TestEnvironment env;
  const HttpServer server(Reply::text("ok").header("ETag", "caf\xE9"));
  CHECK_THAT(get_url(env, server.url()), ContainsSubstring("etag: caf\xEF\xBF\xBD\n"));
}

TEST_CASE("gzip is understood, other and double compression is refused by name") {
  TestEnvironment env;
  // printf hello | gzip -n
  const std::string gzip("\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\x07\0\x86\xa6\x10\x36\x05\0\0\0", 25);
  const HttpServer good(Reply::text(gzip).header("Content-Encoding", "gzip"));
  CHECK_THAT(get_url(env, good.url()), EndsWith("\n\nhello"));
  CHECK(good.requests().at(0).header("accept-encoding") == "gzip");
  for (const char* encoding : {"br", "gzip, gzip", "deflate, gzip", "zstd"}) {
    INFO(encoding);
    const HttpServer server(Reply::text(gzip).header("Content-Encoding", encoding));
    CHECK_THAT(get_refusal(env, server.url()), ContainsSubstring(encoding));
  }
}

TEST_CASE("a server that is silent or slow ends in a timeout that names the option") {
  TestEnvironment env;
  HttpSettings settings = local();
  settings.timeout = milliseconds{300};
  const HttpServer silent(Reply::text("x").stall());
  const Error error = get_error(env, silent.url(), settings);
  CHECK(error.code() == errc::timeout);
  CHECK_THAT(error.message(), ContainsSubstring("0.3 seconds") && ContainsSubstring("timeout"));
  const HttpServer dripping(Reply::text(std::string(10'000, 'x')).cut_into(1).every(std::chrono::milliseconds(5)));
  CHECK(get_error(env, dripping.url(), settings).code() == errc::timeout);
  until(env, [&] { return dripping.open_connections() == 0; });
}

TEST_CASE("redirects share one deadline") {
  TestEnvironment env;
  HttpSettings settings = local();
  settings.timeout = milliseconds{400};
  const HttpServer server(Reply::text("").status(302).header("Location", "/again").after(milliseconds{150}));
  CHECK_THAT(get_refusal(env, server.url(), settings), ContainsSubstring("0.4 seconds"));
}

TEST_CASE("a cancelled call lets go of its connection") {
  TestEnvironment env;
  const HttpServer server(Reply::text("x").stall());
  const Tools tools = make_http(local());
  CallContext context(env);
  auto task = start(env, tool_named(tools, "http_get").call({{"url", server.url()}}, context));
  until(env, [&] { return server.requests().size() == 1; });
  task.cancel();
  CHECK(task.error().code() == errc::cancelled);
  until(env, [&] { return server.open_connections() == 0; });
}

TEST_CASE("failures of the network say who, what and why") {
  TestEnvironment env;
  std::string gone;
  {
    const HttpServer server(Reply::text("x"));
    gone = server.url();
  }
  const Error refused = get_error(env, gone);
  CHECK(refused.code() == errc::connect_failed);
  CHECK(refused.retryable());
  CHECK_THAT(refused.describe(), ContainsSubstring("127.0.0.1"));
  const Error nowhere = get_error(env, "http://no-such-host.invalid/");
  CHECK(nowhere.code() == errc::connect_failed);
  CHECK_THAT(nowhere.describe(), ContainsSubstring("no-such-host.invalid"));
  const HttpServer cut(Reply::text("hello").cut_after(2));
  CHECK(get_error(env, cut.url()).code() == errc::truncated);
  const HttpServer garbage(Reply::raw("not HTTP at all\r\n\r\n"));
  CHECK(get_error(env, garbage.url()).code() == errc::protocol);
}

TEST_CASE("http_get may be repeated and uses the network, http_send changes something and is never repeated silently") {
  const Tools tools = make_http({});
  const ToolSpec& get = tool_named(tools, "http_get").spec();
  CHECK(get.touches == Touches{.network = true});
  CHECK(get.repeat == Repeat::idempotent);
  CHECK(get.timeout > milliseconds{30'000});
  const ToolSpec& send = tool_named(tools, "http_send").spec();
  CHECK(send.touches == Touches{.write = true, .network = true});
  CHECK(send.repeat == Repeat::never);
  CHECK(tools.size() == 2);
}
