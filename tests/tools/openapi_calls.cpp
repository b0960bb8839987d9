// OpenAPI tools against a real server: what arrives there, what a model reads of the answer, and where keys go.
#include "tools/http_tool_call.hpp"
#include <sennit/agent/io/secrets.hpp>
#include <sennit/tools/openapi/openapi_tool.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sennit;
using namespace sennit::testing;

constexpr std::string_view kApi = R"(openapi: 3.1.0
paths:
  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      operationId: getThing
      parameters: [{name: q, in: query, schema: {type: string}}, {name: X-Mode, in: header, schema: {type: string}}]
    put:
      operationId: putThing
      requestBody: {content: {application/json: {schema: {type: object}}}}
  /things:
    post:
      operationId: addThing
      parameters: [{name: Idempotency-Key, in: header, schema: {type: string}}]
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [name]}}}}
  /public: {get: {operationId: getPublic, security: []}}
security: [{SCHEME: []}]
components:
  securitySchemes:
    in_header: {type: apiKey, in: header, name: X-Key}
    in_query: {type: apiKey, in: query, name: api key}
    in_cookie: {type: apiKey, in: cookie, name: session}
    bearer: {type: http, scheme: Bearer}
    basic: {type: http, scheme: basic}
    oauth: {type: oauth2, flows: {}}
    digest: {type: http, scheme: digest}
)";

/// The tools of an API whose operations want `scheme`, at a server on this machine.
Tools api(const HttpServer& server, const std::string& scheme = "", const std::string& value = "",
          void (*change)(OpenApiSettings&) = nullptr) {
  static const TempDir kFolder;
  std::string text(kApi);
  text.replace(text.find("SCHEME"), 6, scheme.empty() ? "bearer" : scheme);
  OpenApiSettings settings;
  settings.document = kFolder.write("api.yaml", text);
  settings.operations = {"*"};
  settings.base_url = server.url("/v1/");
  settings.auth_scheme = scheme;
  settings.auth_value = value;
  settings.allow_private = true;
  if (change != nullptr) change(settings);
  return make_openapi(settings);
}

}  // namespace

TEST_CASE("a call of an operation is the request that the document describes") {
  const HttpServer server(Reply::json(R"({ "id": 7,  "name": "x" })"));
  TestEnvironment environment;
  const Tools tools = api(server);
  const ToolOutput got = call_output(environment, tools, "getThing", {{"id", "a/7"}, {"q", "x y"}, {"X-Mode", "fast"}});
  CHECK(got.content == "HTTP 200\n\n{\"id\":7,\"name\":\"x\"}");
  CHECK_FALSE(got.is_error);
  CHECK(got.labels.untrusted == std::vector<std::string>{"web:127.0.0.1"});
  (void)call_output(environment, tools, "addThing", {{"body", json::object{{"name", "y"}}}});
  (void)call_output(environment, tools, "putThing", {{"id", "7"}});
  const std::vector<HttpRequest> requests = server.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].method == "GET");
  CHECK(requests[0].target == "/v1/things/a%2F7?q=x%20y");
  CHECK(requests[0].header("X-Mode") == "fast");
  CHECK(requests[1].method == "POST");
  CHECK(requests[1].target == "/v1/things");
  CHECK(requests[1].body == R"({"name":"y"})");
  CHECK(requests[1].header("Content-Type") == "application/json");
  CHECK(requests[1].header("Idempotency-Key") == "run-1/3");
  CHECK(requests[2].header("Content-Type").empty());
  for (const HttpRequest& request : requests) CHECK(request.header("Authorization").empty());
}

TEST_CASE("an HTTP error is an answer that says so, and what is no JSON is text") {
  const HttpServer server(
      std::vector<Reply>{Reply::json(R"({"error":"no such thing"})").status(404), Reply::text("plain words")});
  TestEnvironment environment;
  const Tools tools = api(server);
  const ToolOutput missing = call_output(environment, tools, "getThing", {{"id", "1"}});
  CHECK(missing.is_error);
  CHECK(missing.content == "HTTP 404\n\n{\"error\":\"no such thing\"}");
  CHECK(call_output(environment, tools, "getThing", {{"id", "1"}}).content == "HTTP 200\n\nplain words");
}

TEST_CASE("each kind of authorisation goes where the document wants it, and only with operations that want it") {
  const HttpServer server(Reply::text("ok"));
  TestEnvironment environment;
  const Variable key("SENNIT_TEST_API_KEY", "api:key/of 7");
  const std::string handle = "${env:SENNIT_TEST_API_KEY}";
  const auto request = [&](const std::string& scheme, std::string_view tool = "getThing") {
    json::object arguments;
    if (tool == "getThing") arguments["id"] = "1";
    (void)call_output(environment, api(server, scheme, handle), tool, std::move(arguments));
    return server.requests().back();
  };
  CHECK(request("in_header").header("X-Key") == "api:key/of 7");
  CHECK(request("in_cookie").header("Cookie") == "session=api:key/of 7");
  CHECK(request("bearer").header("Authorization") == "Bearer api:key/of 7");
  CHECK(request("oauth").header("Authorization") == "Bearer api:key/of 7");
  CHECK(request("basic").header("Authorization") == "Basic YXBpOmtleS9vZiA3");
  CHECK(request("in_query").target == "/v1/things/1?api%20key=api%3Akey%2Fof%207");
  CHECK(request("bearer", "getPublic").header("Authorization").empty());
  CHECK(request("in_query", "getPublic").target == "/v1/public");
}

TEST_CASE("a scheme that is not there, or that is not understood, is refused with advice") {
  const HttpServer server(Reply::text("ok"));
  const auto refused = [&](const std::string& scheme) {
    try {
      (void)api(server, scheme, "x");
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("nothing was refused");
  };
  CHECK(refused("baerer").ends_with("did you mean 'bearer'?"));
  CHECK(refused("digest").find("not known (http digest)") != std::string::npos);
  CHECK(refused("").find("name one of the document's schemes: in_header, in_query") != std::string::npos);
}

TEST_CASE("a key is not shown to the model, whatever the server does with it") {
  TestEnvironment environment;
  const Variable key("SENNIT_TEST_API_KEY", "echoed-key-123");
  const HttpServer server([](const HttpRequest& request) {
    const std::string all = request.target + " " + std::string(request.header("X-Key")) + " ZWNob2VkLWtleS0xMjM=";
    return Reply::text(all).header("Location", "/x?" + request.target).status(201);
  });
  for (const char* scheme : {"in_header", "in_query"}) {
    const ToolOutput got =
        call_output(environment, api(server, scheme, "${env:SENNIT_TEST_API_KEY}"), "getThing", {{"id", "1"}});
    const std::string shown = secrets::redact(got.content);  // as a run does it with whatever a tool gives
    CHECK(shown.find("echoed-key") == std::string::npos);
    CHECK(shown.find("ZWNob2VkLWtleS0") == std::string::npos);
    CHECK(shown.find("***") != std::string::npos);
  }
}

TEST_CASE("a redirect to another origin is not followed, and no key goes there") {
  TestEnvironment environment;
  const HttpServer elsewhere(Reply::text("gotcha"));
  const HttpServer server(Reply::text("").status(302).header("Location", elsewhere.url("/x")));
  const Tools tools = api(server, "in_header", "literal-key-77");
  const ToolOutput got = call_output(environment, tools, "getThing", {{"id", "1"}});
  CHECK(got.is_error);
  CHECK(got.content.find("redirects to") != std::string::npos);
  CHECK(elsewhere.requests().empty());
  const HttpServer home(
      std::vector<Reply>{Reply::text("").status(302).header("Location", "/v2/here"), Reply::text("ok")});
  CHECK(call_output(environment, api(home, "in_header", "literal-key-77"), "getThing", {{"id", "1"}}).content ==
        "HTTP 200\n\nok");
  CHECK(home.requests()[1].header("X-Key") == "literal-key-77");
}

TEST_CASE("a redirect is judged by its path below the API's base, and by its URL") {
  TestEnvironment environment;
  const HttpServer server(Reply::text("").status(302).header("Location", "/v1/admin/keys?all=1"));
  CallContext context(environment);
  std::vector<Facet> judged;
  context.allowed = [&](const std::vector<Facet>& instead) {
    judged = instead;
    return false;
  };
  const Tools tools = api(server, "", "");
  const ToolOutput got = run(environment, tool_named(tools, "getThing").call({{"id", "1"}}, context));
  CHECK_THAT(got.content, Catch::Matchers::ContainsSubstring("the policy does not let it go on to"));
  CHECK(server.requests().size() == 1);
  const std::string host = "127.0.0.1:" + std::to_string(server.port());
  CHECK(judged == std::vector<Facet>{{"url", "http://" + host + "/v1/admin/keys?all=1"},
                                     {"host", "127.0.0.1"},
                                     {"path", "/admin/keys"}});
}

TEST_CASE("without allow_private nothing on this machine is reached, and no key goes over http") {
  TestEnvironment environment;
  const HttpServer server(Reply::text("ok"));
  const auto error = [&](const std::string& scheme) {
    const Tools tools = api(server, scheme, scheme.empty() ? "" : "literal-key-77",
                            [](OpenApiSettings& settings) { settings.allow_private = false; });
    return call_error(environment, tools, "getThing", {{"id", "1"}});
  };
  CHECK(error("").code() == errc::denied);
  CHECK(error("").message().find("not on the public internet") != std::string::npos);
  CHECK(error("in_header").message().find("over https only") != std::string::npos);
  CHECK(error("in_query").message().find("over https only") != std::string::npos);
  CHECK(server.requests().empty());
}

TEST_CASE("what a trusted API says is no untrusted text, and large answers are cut") {
  TestEnvironment environment;
  const HttpServer server(Reply::json("[" + std::string(kMaxHttpBody, '1') + "]"));
  const Tools tools = api(server, "", "", [](OpenApiSettings& settings) { settings.trusted = true; });
  const ToolOutput got = call_output(environment, tools, "getThing", {{"id", "1"}});
  CHECK(got.labels.empty());
  CHECK(got.content.ends_with("[the answer is longer; this is its beginning, 262144 bytes]"));
}

TEST_CASE("the factory reads the options of an agent file") {
  TestEnvironment environment;
  const TempDir folder;
  folder.write("api.yaml", kApi);
  const HttpServer server(Reply::text("ok"));
  Definition definition;
  definition.file = folder.path() / "agent.yaml";
  const Registry registry;
  const PartContext context{definition, registry, {}};
  const auto options = [&](std::string_view more) {
    return json::parse(
               fmt::format(
                   R"({{"document":"api.yaml","operations":["getThing"],"base_url":"{}","allow_private":true{}}})",
                   server.url(""), more))
        .as_object();
  };
  const Tools tools = make_openapi_tools(
      options(
          R"(,"prefix":"store","auth":{"scheme":"in_header","value":"literal-key-88"},"headers":{"X-Team":"a"},"timeout":"5s")"),
      context);
  REQUIRE(tools.size() == 1);
  CHECK(tools[0]->spec().description.name == "store_getThing");
  CHECK(tools[0]->spec().timeout == milliseconds{10'000});
  CHECK(call(environment, tools, "store_getThing", {{"id", "1"}}) == "HTTP 200\n\nok");
  CHECK(server.requests()[0].header("X-Team") == "a");
  const auto refused = [&](std::string_view more) {
    try {
      (void)make_openapi_tools(options(more), context);
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("nothing was refused");
  };
  CHECK(refused(R"(,"operation":[])").find("did you mean 'operations'?") != std::string::npos);
  CHECK(refused(R"(,"auth":{"scheme":"bearer"})").find("`value` is missing") != std::string::npos);
  CHECK(refused(R"(,"timeout":0)").find("more than 0") != std::string::npos);
  CHECK(refused(R"(,"headers":{"Host":"x"})").find("set by the connection") != std::string::npos);
}
