// Signing in, against an authorization server that is moody, or is named by somebody who wants our secret.
#include "mcp/source.hpp"
#include "support/http_server.hpp"
#include <sennit/agent/io/http.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/mcp/client/oauth_rules.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <map>
#include <mutex>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr const char* kSecret = "registered-secret-4711";

/// What the next answers are. Set on the test's thread, read on the server's.
struct Mood {
  std::atomic<bool> alone{true};         // client_credentials only, no person
  std::atomic<bool> moved{false};        // another authorization server is named
  std::atomic<bool> hidden{false};       // only a challenge says where the resource describes itself
  std::atomic<int> oldest{1};            // tokens before this one are over
  std::atomic<int> refresh_status{200};  // 400: invalid_grant
  std::atomic<int> scope{0};             // calls need the scope "s<number>"
  std::atomic<int> given{0};             // tokens so far
  std::mutex mutex;
  std::map<int, std::string> scopes;  // of each token; guarded
};

Reply token_for(Mood& mood, const HttpRequest& request) {
  auto fields = mcp::oauth::decode_form(request.body);
  const bool refreshing = fields["grant_type"] == "refresh_token";
  // Each refresh token is good for one use.
  if (refreshing && fields["refresh_token"] != "refresh-token-" + std::to_string(mood.given.load())) {
    return Reply::json(R"({"error":"invalid_grant"})").status(400);
  }
  if (refreshing && mood.refresh_status != 200) {
    const std::string why = mood.refresh_status == 400 ? R"({"error":"invalid_grant"})" : "try later";
    return Reply::json(why).status(mood.refresh_status);
  }
  const int number = ++mood.given;
  const std::lock_guard lock(mood.mutex);
  mood.scopes[number] = fields["scope"];
  const std::string text = std::to_string(number);
  return Reply::json(R"({"token_type":"Bearer","access_token":"access-token-)" + text +
                     R"(","refresh_token":"refresh-token-)" + text + R"("})");
}

Reply metadata_for(Mood& mood, const std::string& target, const std::string& base) {
  const std::string issuer = mood.moved ? base + "/other" : base;
  const bool is_resource = target.starts_with("/.well-known/oauth-protected-resource");
  if (is_resource && mood.hidden) return Reply::text("").status(404);
  if (is_resource || target == "/about") {
    return Reply::json(R"({"resource":")" + base + R"(/mcp","authorization_servers":[")" + issuer + R"("]})");
  }
  const std::string grants = mood.alone ? R"("client_credentials")" : R"("authorization_code","refresh_token")";
  return Reply::json(R"({"issuer":")" + issuer + R"(","authorization_endpoint":")" + base +
                     R"(/authorize","token_endpoint":")" + base + R"(/token","registration_endpoint":")" + base +
                     R"(/register","code_challenge_methods_supported":["S256"],"grant_types_supported":[)" + grants +
                     R"(],"token_endpoint_auth_methods_supported":["client_secret_post"]})");
}

Reply serve(Mood& mood, const HttpRequest& request) {
  const std::string base = "http://" + std::string(request.header("host"));
  if (request.target.starts_with("/.well-known/") || request.target == "/about")
    return metadata_for(mood, request.target, base);
  if (request.target == "/register") {
    return Reply::json(R"({"client_id":"c-1","client_secret":"dynamic-secret-0815"})").status(201);
  }
  if (request.target == "/token") return token_for(mood, request);
  if (request.method != "POST") return Reply::text("").status(405);
  const std::string_view given = request.header("authorization");
  constexpr std::string_view kBearer = "Bearer access-token-";
  const int number = given.starts_with(kBearer) ? std::stoi(std::string(given.substr(kBearer.size()))) : 0;
  if (number < mood.oldest) {
    const std::string challenge = mood.hidden ? R"(Bearer resource_metadata=")" + base + R"(/about")" : "Bearer";
    return Reply::text("who?").status(401).header("WWW-Authenticate", challenge);
  }
  const json::value message = json::parse(request.body);
  const json::value* id = sennit::find(message, "id");
  if (id == nullptr) return Reply::text("").status(202);
  const std::string_view method = sennit::find_string(message, "method");
  const std::string scope = "s" + std::to_string(mood.scope.load());
  if (method == "tools/call" && mood.scope != 0) {
    const std::lock_guard lock(mood.mutex);
    if ((mood.scopes[number] + " ").find(scope + " ") == std::string::npos) {
      return Reply::text("more").status(403).header("WWW-Authenticate",
                                                    R"(Bearer error="insufficient_scope", scope=")" + scope + "\"");
    }
  }
  std::string result = R"({"content":[{"type":"text","text":"said"}]})";
  if (method == "initialize") result = R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}}})";
  if (method == "tools/list") result = R"({"tools":[{"name":"echo","inputSchema":{"type":"object"}}]})";
  return Reply::json(R"({"jsonrpc":"2.0","id":)" + json::serialize(*id) + R"(,"result":)" + result + "}");
}

HttpServer::Handler serving(Mood& mood) {
  return [&mood](const HttpRequest& request) { return serve(mood, request); };
}

McpServer guarded(const HttpServer& server) {
  McpServer settings;
  settings.name = "far";
  settings.url = server.url("/mcp");
  settings.era = "legacy";
  settings.auth = "oauth";
  settings.client_id = "me";
  settings.timeout = milliseconds(5'000);
  settings.start_timeout = milliseconds(5'000);
  return settings;
}

McpServer with_secret(const HttpServer& server, std::string issuer) {
  McpServer settings = guarded(server);
  settings.client_secret = Secret(kSecret);
  settings.issuer = std::move(issuer);
  return settings;
}

std::size_t count(const HttpServer& server, std::string_view word) {
  std::size_t found = 0;
  for (const HttpRequest& request : server.requests()) found += request.body.find(word) != std::string::npos ? 1U : 0U;
  return found;
}

asio::awaitable<int> visit(Environment& environment, std::string url) {
  http::Request request;
  request.url = std::move(url);
  auto sending = environment.http().send(std::move(request));
  const auto response = co_await std::move(sending);
  auto reading = http::read_all(*response);
  (void)co_await std::move(reading);
  co_return response->status();
}

/// Lists the tools while a person agrees in the browser.
Tools sign_in(TestEnvironment& env, const Source& source) {
  const std::size_t before = env.records().size();
  auto listing = start(env, source->tools(env));
  std::string address;
  until(env, [&] {
    for (std::size_t i = before; i < env.records().size(); ++i) {
      const std::string& text = env.records()[i].message;
      if (const auto at = text.find("open this address: "); at != std::string::npos) address = text.substr(at + 19);
    }
    return !address.empty() || listing.done();
  });
  if (!address.empty()) {
    auto fields = mcp::oauth::decode_form(address.substr(address.find('?') + 1));
    const std::string query = mcp::oauth::encode_form({{"code", "c"}, {"state", fields["state"]}});
    CHECK(run(env, visit(env, fields["redirect_uri"] + "?" + query)) == 200);
  }
  return listing.get();
}

}  // namespace

TEST_CASE("a client's secret is sent to the authorization server that is configured, and to no other") {
  TestEnvironment env;
  Mood mood;
  const HttpServer server(serving(mood));
  {
    const Source nobody(with_secret(server, ""));
    const Error error = run_error(env, nobody->tools(env));
    CHECK(error.code() == errc::config);
    CHECK_THAT(error.message(), ContainsSubstring("set `issuer`"));
  }
  {
    const Source other(with_secret(server, "https://as.example"));
    const Error error = run_error(env, other->tools(env));
    CHECK(error.code() == errc::denied);
    CHECK_THAT(error.message(), ContainsSubstring("https://as.example"));
  }
  CHECK(count(server, kSecret) == 0);
  const Source right(with_secret(server, server.url("/")));  // the slash at its end makes no other server of it
  CHECK(call(env, right.tools(env), "far_echo", {}) == "said");
  CHECK(count(server, kSecret) == 1);
}

TEST_CASE("a registered client goes on signing in where the person did first") {
  TestEnvironment env;
  Mood mood;
  mood.alone = false;
  const HttpServer server(serving(mood));
  const TempDir state;
  {
    const Source source(guarded(server), state.path());
    CHECK(call(env, sign_in(env, source), "far_echo", {}) == "said");
  }
  mood.moved = true;
  mood.oldest = 1'000;
  const Source again(guarded(server), state.path());
  const Error error = run_error(env, again->tools(env));
  CHECK(error.code() == errc::denied);
  CHECK_THAT(error.message(), ContainsSubstring(server.url("/other") + ", and this client signs in at"));
  CHECK(mood.given == 1);
}

TEST_CASE("a token that cannot be refreshed just now is kept; one that is over is not tried again") {
  TestEnvironment env;
  Mood mood;
  const HttpServer server(serving(mood));
  const Source source(with_secret(server, server.url("")));
  const Tools tools = source.tools(env);
  const auto refreshed = [&] { return count(server, "grant_type=refresh_token"); };
  const auto signed_in = [&] { return count(server, "grant_type=client_credentials"); };
  REQUIRE(signed_in() == 1);

  mood.oldest = 2;
  mood.refresh_status = 503;
  CHECK(call_error(env, tools, "far_echo", {}).code() == errc::server);
  CHECK(refreshed() == 1);
  CHECK(signed_in() == 1);
  mood.refresh_status = 200;
  CHECK(call(env, tools, "far_echo", {}) == "said");
  CHECK(refreshed() == 2);
  CHECK(signed_in() == 1);

  mood.oldest = 3;
  mood.refresh_status = 400;
  CHECK(call(env, tools, "far_echo", {}) == "said");
  CHECK(refreshed() == 3);
  CHECK(signed_in() == 2);
}

TEST_CASE("programs that share a state folder share what one of them has refreshed") {
  TestEnvironment env;
  Mood mood;
  const HttpServer server(serving(mood));
  const TempDir state;
  const Source first(with_secret(server, server.url("")), state.path());
  const Source second(with_secret(server, server.url("")), state.path());
  const Tools mine = first.tools(env);
  const Tools theirs = second.tools(env);
  const auto refreshed = [&] { return count(server, "grant_type=refresh_token"); };

  mood.oldest = 2;
  CHECK(call(env, mine, "far_echo", {}) == "said");
  CHECK(call(env, theirs, "far_echo", {}) == "said");
  CHECK(refreshed() == 1);

  mood.oldest = 3;  // for both in the same moment
  CallContext context(env);
  auto one = start(env, call_checked(tool_named(mine, "far_echo"), {}, context));
  auto other = start(env, call_checked(tool_named(theirs, "far_echo"), {}, context));
  CHECK(one.get().content == "said");
  CHECK(other.get().content == "said");
  CHECK(refreshed() == 2);
  CHECK(count(server, "grant_type=client_credentials") == 1);
}

TEST_CASE("a token is refreshed where only the challenge says who gives tokens") {
  TestEnvironment env;
  Mood mood;
  mood.hidden = true;
  mood.moved = true;
  const HttpServer server(serving(mood));
  const Source source(with_secret(server, server.url("/other")));
  const Tools tools = source.tools(env);
  mood.oldest = 2;
  CHECK(call(env, tools, "far_echo", {}) == "said");
  CHECK(count(server, "grant_type=refresh_token") == 1);
  CHECK(count(server, "grant_type=client_credentials") == 1);
}

TEST_CASE("more scopes are asked for beside those that an earlier program was granted") {
  TestEnvironment env;
  Mood mood;
  const HttpServer server(serving(mood));
  const TempDir state;
  {
    const Source source(with_secret(server, server.url("")), state.path());
    mood.scope = 1;
    CHECK(call(env, source.tools(env), "far_echo", {}) == "said");
  }
  const Source again(with_secret(server, server.url("")), state.path());
  mood.scope = 2;
  CHECK(call(env, again.tools(env), "far_echo", {}) == "said");
  const std::lock_guard lock(mood.mutex);
  CHECK(mood.scopes[mood.given] == "s1 s2");
}

TEST_CASE("more scopes may be asked for again once the server was content") {
  TestEnvironment env;
  Mood mood;
  const HttpServer server(serving(mood));
  const Source source(with_secret(server, server.url("")));
  const Tools tools = source.tools(env);
  for (int i = 1; i <= 5; ++i) {
    mood.scope = i;
    CHECK(call(env, tools, "far_echo", {}) == "said");
  }
}

TEST_CASE("what an authorization server gives us is a secret") {
  TestEnvironment env;
  secrets::forget_all();
  Mood mood;
  mood.alone = false;
  const HttpServer server(serving(mood));
  McpServer settings = guarded(server);
  settings.client_id.clear();
  const TempDir state;
  {
    const Source source(settings, state.path());
    (void)sign_in(env, source);
    CHECK(secrets::redact("x dynamic-secret-0815 access-token-1 refresh-token-1 y") == "x *** *** *** y");
  }
  // Also what comes from the file.
  secrets::forget_all();
  mood.oldest = 2;
  const Source later(settings, state.path());
  CHECK(call(env, later.tools(env), "far_echo", {}) == "said");
  CHECK(secrets::redact("dynamic-secret-0815 refresh-token-1") == "*** ***");
  secrets::forget_all();
}
