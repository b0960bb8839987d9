// Pages and searches over real sockets.
#include "tools/http_tool_call.hpp"
#include <sennit/tools/web.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using Origins = std::vector<std::string>;

namespace {

WebSettings local_web() {
  WebSettings settings;
  settings.http = local();
  return settings;
}

Reply html(std::string body, std::string type = "text/html; charset=utf-8") {
  return Reply::text(std::move(body)).header("Content-Type", std::move(type));
}

ToolOutput fetch(TestEnvironment& env, json::object arguments, WebSettings settings = local_web()) {
  return call_output(env, make_web(std::move(settings)), "web_fetch", std::move(arguments));
}

WebSettings searching(const HttpServer& server, web::SearchKind kind, std::string key = {}) {
  WebSettings settings;
  settings.search = web::SearchSettings{kind, server.url("/search"), std::move(key), 2};
  return settings;
}

ToolOutput search(TestEnvironment& env, WebSettings settings, const std::string& query = "a & b") {
  return call_output(env, make_web(std::move(settings)), "web_search", {{"query", query}});
}

Tools from_options(const json::object& options) {
  const Definition definition;
  const Registry registry;
  return make_web_tools(options, PartContext{definition, registry, {}});
}

}  // namespace

TEST_CASE("a page comes as Markdown with its title and absolute links, marked as untrusted") {
  TestEnvironment env;
  const HttpServer server(html("<title>Title</title><h1>Head</h1><p>A <a href=/x>link</a>.<script>evil()</script>"));
  const ToolOutput output = fetch(env, {{"url", server.url("/page")}});
  CHECK(output.content == server.url("/page") + "\nTitle\n\n# Head\n\nA [link](" + server.url("/x") + ").\n");
  CHECK_FALSE(output.is_error);
  CHECK(output.labels.untrusted == Origins{"web:127.0.0.1"});
  CHECK_THAT(std::string(server.requests().at(0).header("accept")), StartsWith("text/html"));
}

TEST_CASE("a page is read in its own charset: of the header, a byte order mark or its head") {
  TestEnvironment env;
  const std::string utf16("\xFF\xFE<\0p\0>\0\xE9\0", 10);
  for (const Reply& reply :
       {html("<p>caf\xE9", "text/html; charset=ISO-8859-1"), html("<meta charset=windows-1252><p>caf\xE9", "text/html"),
        html("<p>caf\xC3\xA9"), html("\xEF\xBB\xBF<p>caf\xC3\xA9", "text/html"),
        html("<?xml version='1.0'?><p>caf\xC3\xA9</p>", "application/xhtml+xml"),
        html("<!doctype html><p>caf\xC3\xA9", "application/octet-stream")}) {
    const HttpServer server{Reply(reply)};
    CHECK_THAT(fetch(env, {{"url", server.url()}}).content, EndsWith("café\n"));
  }
  const HttpServer server(html(utf16, "text/html"));
  CHECK_THAT(fetch(env, {{"url", server.url()}}).content, EndsWith("é\n"));
}

TEST_CASE("text and JSON come as they are, other things as one line") {
  TestEnvironment env;
  const HttpServer text(Reply::text("# a\n<b>\n"));
  CHECK_THAT(fetch(env, {{"url", text.url()}}).content, EndsWith("\n# a\n<b>\n"));
  const HttpServer json(Reply::json("{\"a\":1}"));
  CHECK_THAT(fetch(env, {{"url", json.url()}}).content, EndsWith("\n{\"a\":1}"));
  const HttpServer image(html(std::string("\x89PNG\0\1", 6), "image/png"));
  CHECK_THAT(fetch(env, {{"url", image.url()}}).content, EndsWith("[binary data: image/png, 6 bytes]"));
  const HttpServer empty(html(""));
  CHECK_THAT(fetch(env, {{"url", empty.url()}}).content, ContainsSubstring("shows no text"));
}

TEST_CASE("a long page is given in parts that say how to go on") {
  TestEnvironment env;
  std::string body = "<h1>Long</h1>";
  for (int i = 0; i < 5000; ++i) body += "<p>Paragraph number " + std::to_string(i) + "</p>";
  const HttpServer server(html(body));
  const std::string first = fetch(env, {{"url", server.url()}}).content;
  CHECK(first.size() < 32U << 10U);
  CHECK_THAT(first, ContainsSubstring("Paragraph number 0\n") && ContainsSubstring("go on with start = "));
  const std::string start = first.substr(first.find("start = ") + 8);
  const std::string second = fetch(env, {{"url", server.url()}, {"start", std::stoll(start)}}).content;
  CHECK_THAT(second, !ContainsSubstring("Paragraph number 0\n") && ContainsSubstring("Paragraph number "));
  const ToolOutput beyond = fetch(env, {{"url", server.url()}, {"start", 10'000'000}});
  CHECK(beyond.is_error);
  CHECK_THAT(beyond.content, ContainsSubstring("start is 10000000"));
}

TEST_CASE("an error page is an error with what it says; its labels are there all the same") {
  TestEnvironment env;
  const HttpServer server(html("<p>No such page").status(404));
  const ToolOutput output = fetch(env, {{"url", server.url()}});
  CHECK(output.is_error);
  CHECK_THAT(output.content, StartsWith("HTTP 404 from ") && ContainsSubstring("No such page"));
  CHECK_FALSE(output.labels.untrusted.empty());
}

TEST_CASE("the rules of http hold for pages: addresses, hosts, redirects") {
  TestEnvironment env;
  const HttpServer server(html("<p>secret"));
  CHECK(call_error(env, make_web({}), "web_fetch", {{"url", server.url()}}).code() == errc::denied);
  CHECK(call_error(env, make_web({}), "web_fetch", {{"url", "file:///etc/passwd"}}).code() == errc::invalid_argument);
  WebSettings settings = local_web();
  settings.http.allow_hosts = {"example.com"};
  CHECK(call_error(env, make_web(settings), "web_fetch", {{"url", server.url()}}).code() == errc::denied);
  CHECK(server.connections() == 0);
}

TEST_CASE("a cancelled fetch lets go of its connection") {
  TestEnvironment env;
  const HttpServer server(html("<p>x").stall());
  const Tools tools = make_web(local_web());
  CallContext context(env);
  auto task = start(env, tool_named(tools, "web_fetch").call({{"url", server.url()}}, context));
  until(env, [&] { return server.requests().size() == 1; });
  task.cancel();
  CHECK(task.error().code() == errc::cancelled);
  until(env, [&] { return server.open_connections() == 0; });
}

TEST_CASE("SearXNG's results are a list; what they hold is plain text without tricks") {
  TestEnvironment env;
  const HttpServer server(Reply::json(R"json({"query":"a","results":[
    {"title":"One <b>two</b>","url":"https://one.example/","content":"An &amp; excerpt\u200b\n\nwith <script>x</script> lines"},
    {"title":"No address","url":"javascript:alert(1)","content":"x"},
    {"title":"","url":"http://two.example/ b","content":null},
    {"title":"Third","url":"https://three.example/","content":"beyond the limit"}]})json"));
  const ToolOutput output = search(env, searching(server, web::SearchKind::searxng));
  CHECK(output.content ==
        "1. One two\n   https://one.example/\n   An & excerpt with lines\n2. (no title)\n   http://two.example/b\n");
  CHECK(output.labels.untrusted == Origins{"web:127.0.0.1"});
  CHECK(server.requests().at(0).target == "/search?q=a%20%26%20b&format=json");
}

TEST_CASE("Brave and Tavily are asked as their documentation says, with the key where it belongs") {
  TestEnvironment env;
  const Variable key("SENNIT_TEST_SEARCH", "key-123456");
  const HttpServer brave(Reply::json(
      R"({"type":"search","web":{"type":"search","results":[{"title":"T","url":"https://t.example/","description":"D"}]}})"));
  CHECK(search(env, searching(brave, web::SearchKind::brave, "${env:SENNIT_TEST_SEARCH}")).content ==
        "1. T\n   https://t.example/\n   D\n");
  CHECK(brave.requests().at(0).target == "/search?q=a%20%26%20b&count=2");
  CHECK(brave.requests().at(0).header("x-subscription-token") == "key-123456");
  const HttpServer tavily(
      Reply::json(R"({"query":"a","results":[{"title":"T","url":"https://t.example/","content":"C","score":0.9}]})"));
  CHECK(search(env, searching(tavily, web::SearchKind::tavily, "${env:SENNIT_TEST_SEARCH}")).content ==
        "1. T\n   https://t.example/\n   C\n");
  const HttpRequest request = tavily.requests().at(0);
  CHECK(request.method == "POST");
  CHECK(request.header("authorization") == "Bearer key-123456");
  CHECK(json::parse(request.body) == json::value{{"query", "a & b"}, {"max_results", 2}});
}

TEST_CASE("a search that fails says why and never shows the key") {
  TestEnvironment env;
  const HttpServer refused(Reply::text("key-123456 is wrong").status(401));
  const ToolOutput wrong = search(env, searching(refused, web::SearchKind::brave, "key-123456"));
  CHECK(wrong.is_error);
  CHECK_THAT(wrong.content, ContainsSubstring("api_key") && !ContainsSubstring("key-123456"));
  const HttpServer closed(Reply::text("Forbidden").status(403));
  CHECK_THAT(search(env, searching(closed, web::SearchKind::searxng)).content, ContainsSubstring("search.formats"));
  const HttpServer odd({Reply::text("<html>"), Reply::json("{\"results\":7}"), Reply::json("{\"results\":[]}"),
                        Reply::json("{}"), Reply::json("{\"results\":[7,null,{}]}")});
  CHECK_THAT(search(env, searching(odd, web::SearchKind::searxng)).content, ContainsSubstring("no JSON"));
  CHECK_THAT(search(env, searching(odd, web::SearchKind::searxng)).content, ContainsSubstring("no list"));
  for (int i = 0; i < 3; ++i) {
    CHECK(search(env, searching(odd, web::SearchKind::searxng)).content == "nothing was found\n");
  }
}

TEST_CASE("the key goes to the search engine alone") {
  TestEnvironment env;
  const HttpServer other(Reply::json("{}"));
  const HttpServer server(
      [&](const HttpRequest&) { return Reply::text("").status(302).header("Location", other.url()); });
  CHECK(search(env, searching(server, web::SearchKind::brave, "key-123456")).is_error);
  CHECK(other.connections() == 0);
}

TEST_CASE("web_search is there where it is configured, and what is wrong with that is said") {
  CHECK(from_options({}).size() == 1);
  const Tools tools = from_options({{"search", {{"kind", "brave"}, {"api_key", "${env:NOT_SET_YET}"}}},
                                    {"timeout", "5s"},
                                    {"trusted", {"a.example"}}});
  REQUIRE(tools.size() == 2);
  CHECK(tools[1]->facets({{"query", "x"}}) == std::vector<Facet>{{"host", "api.search.brave.com"}, {"query", "x"}});
  CHECK(tools[0]->facets({{"url", "HTTPS://A.example/"}}).at(1) == Facet{"host", "a.example"});
  for (const Tool* tool : {tools[0].get(), tools[1].get()}) {
    CHECK(tool->spec().touches == Touches{.read = true, .network = true});
  }
  for (const json::object& search : std::vector<json::object>{{},
                                                              {{"kind", "google"}},
                                                              {{"kind", "brave"}},
                                                              {{"url", "ftp://x/"}},
                                                              {{"url", "https://x/"}, {"results", 0}},
                                                              {{"url", "https://x/"}, {"results", 21}},
                                                              {{"url", "http://x.example/"}, {"api_key", "k"}},
                                                              {{"url", "https://x/"}, {"keys", "k"}}}) {
    INFO(json::serialize(search));
    try {
      (void)from_options({{"search", search}});
      FAIL_CHECK("accepted");
    } catch (const Error& error) {
      CHECK(error.code() == errc::config);
    }
  }
}
