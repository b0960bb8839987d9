// One host, one path: whatever a model writes, rules are asked about what is sent.
#include "tools/http_tool_call.hpp"
#include <sennit/agent/io/http_path.hpp>
#include <sennit/agent/policy.hpp>
#include <sennit/tools/http_rules.hpp>
#include <sennit/tools/web.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

using namespace sennit;
using namespace sennit::testing;

namespace {

Tools all_tools() {
  WebSettings web;
  web.http = local();
  Tools tools = make_http(local());
  for (std::shared_ptr<Tool>& tool : make_web(std::move(web))) tools.push_back(std::move(tool));
  return tools;
}

Verdict verdict(const PolicySettings& policy, const Tool& tool, const std::string& url) {
  const json::object arguments{{"url", url}};
  const std::vector<Facet> facets = tool.facets(arguments);
  const Labels labels;
  return decide({{PolicyLayer::Kind::own, {}, &policy}}, {tool.spec(), arguments, facets, labels}).verdict;
}

PolicySettings denying(const std::string& facet, std::vector<std::string> patterns) {
  PolicySettings policy{.deny = {{"*", {{facet, std::move(patterns)}}}}};
  policy.fallback = Verdict::allow;
  return policy;
}

PolicySettings allowing(const std::string& facet, std::vector<std::string> patterns) {
  PolicySettings policy{.allow = {{"*", {{facet, std::move(patterns)}}}}};
  policy.fallback = Verdict::deny;
  return policy;
}

}  // namespace

TEST_CASE("every spelling of an address is denied by a rule for the address, and labelled with it") {
  const Tools tools = all_tools();
  const PolicySettings loopback = denying("host", {"127.*", "localhost"});
  const PolicySettings metadata = denying("host", {"169.254.*"});
  for (const char* host :
       {"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.1", "0X7F000001", "0177.0.0.1",
        "017700000001", "127.0.0.1.", "2130706433.", "[::ffff:127.0.0.1]", "[::FFFF:7F00:1]", "[0:0:0:0:0:ffff:7f00:1]",
        "[::127.0.0.1]", "0", "0.0.0.0", "LOCALHOST."}) {
    INFO(host);
    for (const std::shared_ptr<Tool>& tool : tools) {
      CHECK(verdict(loopback, *tool, "http://" + std::string(host) + ":8080/") == Verdict::deny);
      CHECK(verdict(allowing("host", {"*.example.com"}), *tool, "http://" + std::string(host) + "/") == Verdict::deny);
    }
  }
  for (const char* host : {"169.254.169.254", "169.254.43518", "0251.254.169.254", "2852039166", "0xA9FEA9FE",
                           "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::a9fe:a9fe]"}) {
    INFO(host);
    for (const std::shared_ptr<Tool>& tool : tools) {
      CHECK(verdict(metadata, *tool, "http://" + std::string(host) + "/") == Verdict::deny);
    }
    CHECK(http::check_url("http://" + std::string(host) + "/x", {}).url == "http://169.254.169.254/x");
  }
  CHECK(http::check_url("http://[2001:DB8:0:0::0:1]/", {}).host == "[2001:db8::1]");
  CHECK(http::check_url("http://dead.beef.cafe/", {}).host == "dead.beef.cafe");
}

TEST_CASE("a pattern for a host may be spelt otherwise as well") {
  const Tools tools = all_tools();
  const Tool& get = tool_named(tools, "http_get");
  CHECK(verdict(denying("host", {"[2001:DB8:0::1]"}), get, "http://[2001:db8::1]/") == Verdict::deny);
  CHECK(verdict(denying("host", {"2001:db8::1"}), get, "http://[2001:db8::1]/") == Verdict::deny);
  CHECK(verdict(denying("host", {"[::ffff:10.0.0.1]"}), get, "http://10.1/") == Verdict::deny);
  CHECK(verdict(denying("host", {"Evil.org."}), get, "http://evil.ORG/") == Verdict::deny);
}

TEST_CASE("the request goes where the label says") {
  TestEnvironment env;
  const HttpServer server(Reply::text("hello"));
  for (const char* host : {"2130706433", "0x7F.1", "[::ffff:127.0.0.1]", "127.1"}) {
    const std::string url = "http://" + std::string(host) + ":" + std::to_string(server.port()) + "/";
    const ToolOutput output = call_output(env, make_http(local()), "http_get", {{"url", url}});
    CHECK(output.labels.untrusted == std::vector<std::string>{"web:127.0.0.1"});
    CHECK(server.requests().back().header("host") == host_of(server));
  }
}

TEST_CASE("a path is judged as it will be understood") {
  const Tools tools = all_tools();
  const PolicySettings only = allowing("url", {"http://h/public/*"});
  const PolicySettings never = denying("url", {"*/admin/*", "*/admin"});
  for (const std::shared_ptr<Tool>& tool : tools) {
    CHECK(verdict(only, *tool, "http://h/public/a") == Verdict::allow);
    CHECK(verdict(only, *tool, "http://h/x/../public/./a") == Verdict::allow);
    for (const char* path : {"/public/../admin/delete", "/public/%2e%2e/admin/delete", "/public/.%2E/admin/delete",
                             "/public/a/../../admin/delete", "/./admin/delete", "/public/../../admin/delete"}) {
      INFO(path);
      CHECK(verdict(only, *tool, "http://h" + std::string(path)) == Verdict::deny);
      CHECK(verdict(never, *tool, "http://h" + std::string(path)) == Verdict::deny);
    }
    CHECK(verdict(never, *tool, "http://h/%61dmin/x") == Verdict::deny);
    CHECK(verdict(never, *tool, "http://h/%61%64%6D%69%6e") == Verdict::deny);
    CHECK(verdict(denying("url", {"*token=*"}), *tool, "http://h/?%74oken=1") == Verdict::deny);
  }
}

TEST_CASE("what is sent is the URL that was judged") {
  TestEnvironment env;
  const HttpServer server(Reply::text("x"));
  const auto sent = [&](const std::string& path) {
    (void)get_url(env, server.url(path));
    return server.requests().back().target;
  };
  CHECK(sent("/public/../admin/%64elete") == "/admin/delete");
  CHECK(sent("/a/%2e%2e/b?x=%7e%2f") == "/b?x=~%2F");
  CHECK(sent("/a//b/...") == "/a//b/...");
  CHECK(sent("/a/b/..") == "/a/");
}

TEST_CASE("dots that only some servers see are refused") {
  for (const char* path : {"/public/..%2fadmin", "/public/..%5Cadmin", "/public/..;/admin", "/public/..;x=1/admin",
                           "/public/x%2F..%2F..%2Fadmin", "/public/%2e%2e%2fadmin", "/public/.;/admin", "/a%2F.%2Fb"}) {
    INFO(path);
    CHECK(error_of([&] { (void)http::check_url("http://h" + std::string(path), {}); }).code() ==
          errc::invalid_argument);
  }
  CHECK(http::without_dots("/a%2Fb;v=1/c..d/..e") == "/a%2Fb;v=1/c..d/..e");
  CHECK(http::without_dots("") == "/");
  CHECK(http::without_dots("/..") == "/");
  CHECK(http::without_dots("/a/b/../c/") == "/a/c/");
}
