// The values that a rule speaks of where a tool declares nothing (every tool of an MCP server): arguments by their own
// names, in one spelling, and wherever they lie within others.
#include "agent/policy_call.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/agent/spelling.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

PolicyCall plain(const std::string& argument, json::value value) {
  return {.facets = {{"=mcp:fs", "destination"}}, .arguments = {{argument, std::move(value)}}};
}

/// What is wrong with `deny: {http_get: {host: PATTERN}}`.
std::string wrong_host(const std::string& pattern) {
  const ParsedPolicy parsed = parse_policy("deny: {http_get: {host: ['" + pattern + "']}}\n");
  return parsed.diagnostics.empty() ? std::string() : parsed.diagnostics.front().message;
}

}  // namespace

TEST_CASE("an argument called path is judged in one spelling") {
  for (const char* spelling : {"drafts/../../../etc/cron.d/x", "drafts/../x", "drafts/./../x", "drafts//../../x"}) {
    INFO(spelling);
    CHECK_FALSE(allows("path", {"drafts/**"}, plain("path", spelling)));
  }
  for (const char* spelling : {"./secrets/x", "a/../secrets/x", "secrets//x", "secrets/x/", "secrets"}) {
    INFO(spelling);
    CHECK(denies("path", {"secrets/**"}, plain("path", spelling)));
    CHECK(denies("file.path", {"secrets/**"}, plain("file", json::object{{"path", spelling}})));
  }
  CHECK(allows("path", {"drafts/**"}, plain("path", "./drafts/a")));
}

TEST_CASE("what climbs out of the folder is allowed by no pattern that does not") {
  for (const char* spelling : {"../x.md", "..", "a/../../x.md"}) {
    INFO(spelling);
    for (const char* pattern : {"**", "*", "*.md", "!*.key"}) {
      CHECK_FALSE(allows("path", {pattern}, plain("path", spelling)));
      CHECK_FALSE(allows("file", {pattern}, plain("path", spelling)));
    }
    CHECK(denies("path", {"**"}, plain("path", spelling)));
    CHECK(denies("path", {"!drafts/**"}, plain("path", spelling)));
  }
  CHECK(allows("path", {"../shared/**"}, plain("path", "../shared/x")));
  CHECK_FALSE(allows("path", {"../shared/**"}, plain("path", "../shared/../x")));
}

TEST_CASE("a path too long to be one is denied by every rule on paths") {
  const json::value longest("a/" + std::string(5'000, 'a'));
  for (const PolicyCall& call : {plain("path", longest), with("file", "path", longest)}) {
    CHECK(denies("path", {"other/**"}, call));
    CHECK_FALSE(allows("path", {"**"}, call));
  }
}

TEST_CASE("an argument called url is judged in one spelling, and names a host") {
  for (const char* spelling : {"https://good.example/public/../x", "https://good.example/public/%2e%2e/x",
                               "https://good.example/public/..%2fx", "https://good.example/public/..;/x", "public/x",
                               "https:good.example/public/x", "https://u@good.example/public/x", "https:///public/x",
                               "https://good.example:99999/public/x"}) {
    INFO(spelling);
    CHECK_FALSE(allows("url", {"https://good.example*/public/*"}, plain("url", spelling)));
    CHECK_FALSE(allows("url", {"*/public/*"}, plain("url", spelling)));
    CHECK(denies("url", {"!https://good.example/public/*"}, plain("url", spelling)));
  }
  for (const char* spelling : {"http://evil.example/", "HTTP://EVIL.example:8080/x", "http://evil.example./",
                               "http://u@evil.example/", "evil.example", "https:///x"}) {
    INFO(spelling);
    CHECK(denies("host", {"evil.example"}, plain("url", spelling)));
    CHECK_FALSE(allows("host", {"good.example"}, plain("url", spelling)));
    CHECK(denies("request.host", {"evil.example"}, plain("request", json::object{{"url", spelling}})));
  }
  CHECK(allows("url", {"https://good.example/public/*"}, plain("url", "HTTPS://Good.example/public/a b?q=\xC3\xBC#x")));
  CHECK(allows("host", {"good.example"}, plain("url", "https://good.example/x")));
  CHECK(denies("url", {"file://*"}, plain("url", "file:///etc/passwd")));
  CHECK_FALSE(denies("host", {"evil.example"}, plain("url", "https://good.example/x")));
  PolicyCall both = plain("url", "https://evil.example/");
  both.arguments["host"] = "good.example";
  CHECK_FALSE(allows("host", {"good.example"}, both));
  CHECK(denies("host", {"evil.example"}, both));
}

TEST_CASE("an argument called host is judged in one spelling, without a port") {
  for (const char* spelling : {"EVIL.example", "evil.example.", "evil.example:8080", "https://evil.example", "e vil"}) {
    INFO(spelling);
    CHECK(denies("host", {"evil.example"}, plain("host", spelling)));
    CHECK_FALSE(allows("host", {"good.example"}, plain("host", spelling)));
  }
  CHECK(denies("host", {"127.0.0.1"}, plain("host", "0x7f.1")));
  CHECK(allows("host", {"good.example"}, plain("host", "good.example:443")));
  CHECK(denies("host", {"fd00::*"}, plain("host", "fd00::1")));
  CHECK(denies("host", {"[fd00::*]"}, plain("url", "http://[FD00::1]:8080/")));
}

TEST_CASE("the port that a scheme has anyway is no other URL") {
  for (const char* pattern :
       {"https://api.example/admin/*", "https://api.example:443/admin/*", "HTTPS://API.example/admin/*"}) {
    for (const char* spelling : {"https://api.example/admin/x", "https://api.example:443/admin/x",
                                 "https://api.example:0443/admin/x", "https://api.example:/admin/x"}) {
      INFO(pattern << " " << spelling);
      CHECK(denies("url", {pattern}, plain("url", spelling)));
      CHECK(denies("url", {pattern}, with("link", "url", json::value(spelling))));
    }
    CHECK_FALSE(denies("url", {pattern}, plain("url", "https://api.example:444/admin/x")));
    CHECK_FALSE(denies("url", {pattern}, plain("url", "http://api.example:443/admin/x")));
  }
  CHECK(denies("url", {"http://api.example"}, plain("url", "http://api.example:80")));
}

TEST_CASE("a condition reaches into lists, also nested ones") {
  const auto files = [](json::array elements) { return plain("files", std::move(elements)); };
  const json::value workflow = json::object{{"path", ".github/workflows/ci.yml"}};
  const json::value source = json::object{{"path", "src/a.c"}};
  for (const PolicyCall& call :
       {files({workflow}), files({source, workflow}), files({json::array{json::array{workflow}}}),
        plain("files", workflow), files({json::object{{"path", json::array{"x", ".github/x"}}}})}) {
    CHECK(denies("files.path", {".github/**"}, call));
    CHECK_FALSE(allows("files.path", {"src/**"}, call));
  }
  CHECK(allows("files.path", {"src/**"}, files({source, source})));
  CHECK_FALSE(denies("files.path", {".github/**"}, files({source})));
  CHECK(denies("tags", {"b"}, plain("tags", json::array{json::array{"a", json::array{"b"}}})));
}

TEST_CASE("within a list each element must give what is allowed") {
  const PolicyCall call = plain("files", json::array{json::object{{"path", "src/a"}}, json::object{{"name", "x"}}});
  CHECK_FALSE(allows("files.path", {"src/**"}, call));
  CHECK(denies("files.path", {"!src/**"}, call));
  CHECK_FALSE(denies("files.path", {"doc/**"}, call));
  CHECK_FALSE(allows("files.path", {"**"}, plain("files", json::array{})));
}

TEST_CASE("a way that ends too early cannot be read") {
  for (const json::value& early : {json::value("x"), json::value(3), json::value(json::array{"x"})}) {
    CHECK(denies("files.path", {".github/**"}, plain("files", early)));
    CHECK_FALSE(allows("files.path", {"**"}, plain("files", early)));
    CHECK_FALSE(allows("files.path", {"!x"}, plain("files", early)));
  }
  CHECK_FALSE(denies("files.path", {".github/**"}, plain("files", nullptr)));
}

TEST_CASE("a pattern that no host can fit is refused where it is read, with what to write instead") {
  for (const char* pattern : {"internal:8080", "!internal:8080",
                              "b\xC3\xBC"
                              "cher.example",
                              "https://evil.example", "a/b", "[::1]:80", "host:80:80", "fd00:*"}) {
    INFO(pattern);
    CHECK_THAT(wrong_host(pattern),
               ContainsSubstring("`host`: no host is") && ContainsSubstring("xn--") && ContainsSubstring("`url`"));
  }
  for (const char* pattern : {"*.example.com", "!xn--bcher-kva.example", "127.*", "[2001:db8::1]", "[fd00::*]",
                              "fd00::*", "::1", "2001:DB8::1", "*", "!*"}) {
    INFO(pattern);
    CHECK(wrong_host(pattern).empty());
  }
  CHECK_FALSE(parse_policy("ask: [http_get, http_*: {host: 'a:1'}]\n").diagnostics.empty());
  CHECK_FALSE(parse_policy("flow: {steerable: {http_get: {host: 'a:1'}}}\n").diagnostics.empty());
}
