// Rules that look at arguments: paths, hosts, commands, amounts; what is not given, not readable or given several times
// is read to the safe side.
#include "agent/policy_call.hpp"
#include <sennit/agent/policy_match.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace sennit;
using namespace sennit::testing;

namespace {

PolicyCall path(std::string_view given) {
  return with("file", "path", json::value(given));
}

PolicyCall url(std::string_view given) {
  return with("link", "url", json::value(given));
}

PolicyCall amount(json::value given) {
  return with("sum", "amount", std::move(given));
}

}  // namespace

TEST_CASE("paths: a star stays in a folder, two do not, a bare name is a file's wherever it lies") {
  CHECK(matches_path("drafts/*", "drafts/a.md"));
  CHECK_FALSE(matches_path("drafts/*", "drafts/old/a.md"));
  CHECK(matches_path("drafts/**", "drafts/old/a.md"));
  CHECK(matches_path("drafts/**", "drafts"));
  CHECK(matches_path("drafts/", "drafts/a.md"));
  CHECK_FALSE(matches_path("drafts/**", "draftsman/a.md"));
  CHECK(matches_path("**/secret", "secret"));
  CHECK(matches_path("**/secret", "a/b/secret"));
  CHECK_FALSE(matches_path("**/secret", "a/b/notsecret"));
  CHECK(matches_path("a/**/z", "a/z"));
  CHECK(matches_path("a/**/z", "a/b/c/z"));
  CHECK(matches_path("*.key", "deep/down/my.key"));
  CHECK(matches_path(".env", "x/.env"));
  CHECK_FALSE(matches_path(".env", "x/.env/y"));
  CHECK(matches_path("./a/b", "a/b"));
  CHECK(matches_path("/etc/**", "/etc/passwd"));
  CHECK_FALSE(matches_path("etc/**", "/etc/passwd"));
  CHECK(matches_path("**", "/any/where"));
  CHECK(matches_path("", ""));
  CHECK_FALSE(matches_path("a/b", ""));
}

TEST_CASE("paths: a pattern made to be slow is not") {
  std::string pattern = "x/";
  for (int i = 0; i < 40; ++i) pattern += "*a**b";
  CHECK_FALSE(matches_path(pattern, "x/" + std::string(4000, 'a')));
  CHECK(matches_path("x/" + std::string(60, '*') + "z", "x/" + std::string(4000, 'a') + "z"));
}

TEST_CASE("paths are judged in one spelling") {
  for (const char* spelling : {"secret/a", "./secret/a", "secret//a", "x/../secret/a", "secret/./a", "secret/b/../a"}) {
    INFO(spelling);
    CHECK(denies("path", {"secret/**"}, path(spelling)));
    CHECK_FALSE(allows("path", {"drafts/**"}, path(spelling)));
  }
  CHECK(denies("path", {"secret"}, path("secret/")));
  CHECK_FALSE(allows("path", {"drafts/**"}, path("drafts/../secret")));
  CHECK_FALSE(allows("path", {"drafts/**"}, path("../drafts/a")));
  CHECK_FALSE(allows("path", {"drafts/**"}, path("/drafts/a")));
  CHECK(allows("path", {"drafts/**"}, path("drafts/a")));
}

TEST_CASE("a pattern from the root on means the absolute path, every other one the path from the agent's folder") {
  // As tools on files say it: each path is followed by its absolute spelling.
  const auto file = [](std::string path, std::string absolute) {
    ToolSpec spec;
    spec.description.name = "t";
    const json::object arguments;
    const std::vector<Facet> facets{{"path", std::move(path)}, {"absolute", std::move(absolute)}};
    const Labels labels;
    return [=](const PolicyRule& rule, Reading reading) {
      return applies(rule, {spec, arguments, facets, labels}, reading);
    };
  };
  const auto rule = [](Patterns patterns) { return PolicyRule("t", {{"path", std::move(patterns)}}); };
  const auto note = file("notes/a.key", "/home/me/agent/notes/a.key");
  for (const Reading reading : {Reading::restricting, Reading::relaxing}) {
    CHECK(note(rule({"/home/me/agent/notes/**"}), reading));
    CHECK(note(rule({"notes/**"}), reading));
    CHECK(note(rule({"/home/**", "!/home/me/other/**"}), reading));
    CHECK_FALSE(note(rule({"/home/**", "!*.key"}), reading));
    CHECK_FALSE(note(rule({"notes/**", "!/home/me/agent/**"}), reading));
    CHECK_FALSE(note(rule({"/etc/**"}), reading));
    CHECK_FALSE(note(rule({"**/agent/**"}), reading));  // of the way to the agent's folder such patterns say nothing
    CHECK_FALSE(note(rule({"home/**"}), reading));
  }
  const auto by_link = [&](const PolicyRule& allowed) {
    ToolSpec spec;
    spec.description.name = "t";
    const std::vector<Facet> facets{
        {"path", "link/x"}, {"absolute", "/agent/link/x"}, {"path", "/etc/x"}, {"path", "b"}, {"absolute", "/agent/b"}};
    const json::object arguments;
    const Labels labels;
    return applies(allowed, {spec, arguments, facets, labels}, Reading::relaxing);
  };
  CHECK_FALSE(by_link(rule({"/agent/**"})));
  CHECK(by_link(rule({"/agent/**", "/etc/**"})));
  CHECK(by_link(rule({"link/*", "/etc/*", "b"})));
}

TEST_CASE("hosts are those of the URL, in one spelling") {
  for (const char* spelling : {"http://evil.org/", "https://EVIL.org", "http://evil.org:8080/x?y", "http://evil.org./",
                               "http://good.org@evil.org/", "http://evil.org#@good.org", "http://ev%69l.org/",
                               "http://evil.org?@good.org/", "HTTP://evil.org/a b"}) {
    INFO(spelling);
    CHECK(denies("host", {"evil.org"}, url(spelling)));
    CHECK_FALSE(allows("host", {"good.org"}, url(spelling)));
  }
  CHECK(allows("host", {"*.good.org"}, url("https://api.good.org/v1")));
  CHECK(allows("host", {"*.GOOD.org"}, url("https://api.good.org/v1")));
  CHECK_FALSE(allows("host", {"*.good.org"}, url("https://good.org/")));
  CHECK_FALSE(allows("host", {"*.good.org"}, url("https://api.good.org.evil.org/")));
  for (const char* spelling :
       {"http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
        "http://0X7F.1/", "http://[::ffff:127.0.0.1]/", "http://[::7f00:1]/", "http://2130706433./", "http://0/"}) {
    INFO(spelling);
    CHECK(denies("host", {"127.0.0.1"}, url(spelling)));
  }
}

TEST_CASE("a URL that cannot be read is allowed by no host, and denied by any") {
  for (const char* spelling : {"", "nothing", "http://", "http://evil.org\\@good.org/", "http://[::1", "//good.org/",
                               "http://good.org\t.evil.org/"}) {
    INFO(spelling);
    CHECK_FALSE(allows("host", {"good.org"}, url(spelling)));
    CHECK_FALSE(allows("host", {"*"}, url(spelling)));
    CHECK_FALSE(allows("host", {"!evil.org"}, url(spelling)));
    CHECK(denies("host", {"evil.org"}, url(spelling)));
  }
}

TEST_CASE("amounts are compared as numbers") {
  CHECK(allows("amount", {"<= 50"}, amount(50)));
  CHECK(allows("amount", {"<=50"}, amount(49.99)));
  CHECK_FALSE(allows("amount", {"<= 50"}, amount(50.01)));
  CHECK_FALSE(allows("amount", {"<= 50"}, amount(1e9)));
  CHECK_FALSE(allows("amount", {"< 50"}, amount(50)));
  CHECK(allows("amount", {">= 1"}, amount(1)));
  CHECK(allows("amount", {"== 3"}, amount(3.0)));
  CHECK(allows("amount", {"= 3"}, amount("3")));
  CHECK_FALSE(allows("amount", {"<= 50", "!<= 0"}, amount(-3)));
  CHECK(allows("amount", {"<= 50", "!<= 0"}, amount(3)));
  CHECK(denies("amount", {"> 50"}, amount(51)));
  CHECK_FALSE(denies("amount", {"> 50"}, amount(50)));
}

TEST_CASE("an amount that is no number is not small") {
  for (const json::value& odd : {json::value("fifty"), json::value("1,000"), json::value("5 EUR"), json::value(""),
                                 json::value("nan"), json::value("-inf"), json::value("infinity"), json::value("1e999"),
                                 json::value(json::object{{"n", 1}}), json::value(true)}) {
    INFO(json::serialize(odd));
    CHECK_FALSE(allows("amount", {"<= 50"}, amount(odd)));
    CHECK(denies("amount", {"> 50"}, amount(odd)));
    CHECK_FALSE(allows("amount", {"!> 50"}, amount(odd)));
  }
}

TEST_CASE("what a call does not give is allowed by no condition, and denied by those that compare or exclude") {
  for (const json::object& arguments : {json::object{}, json::object{{"sum", nullptr}}}) {
    const PolicyCall call{.facets = {{"sum", "amount"}}, .arguments = arguments};
    CHECK_FALSE(allows("amount", {"<= 50"}, call));
    CHECK_FALSE(allows("amount", {"*"}, call));
    CHECK(denies("amount", {"> 50"}, call));
    CHECK(denies("amount", {"!5"}, call));
    CHECK_FALSE(denies("amount", {"7*"}, call));
  }
  CHECK_FALSE(allows("nonsense", {"*"}, path("a")));
}

TEST_CASE("of several values all must be allowed, and one that is denied is enough") {
  const PolicyCall some = with("to", "destination", json::array{"a@x.org", "b@y.org"});
  CHECK_FALSE(allows("destination", {"*@x.org"}, some));
  CHECK(allows("destination", {"*@x.org", "*@y.org"}, some));
  CHECK(denies("destination", {"*@y.org"}, some));
  CHECK(denies("destination", {"!*@x.org"}, some));
  CHECK_FALSE(denies("destination", {"!*.org"}, some));
  CHECK_FALSE(allows("destination", {"*"}, with("to", "destination", json::array{})));
  const PolicyCall two{.facets = {{"from", "path"}, {"to", "path"}},
                       .arguments = {{"from", "drafts/a"}, {"to", "/etc/cron.d/a"}}};
  CHECK_FALSE(allows("path", {"drafts/**"}, two));
  CHECK(denies("path", {"/etc/**"}, two));
}

TEST_CASE("an exclamation mark excludes") {
  CHECK(allows("path", {"src/**", "!*.key"}, path("src/a.c")));
  CHECK_FALSE(allows("path", {"src/**", "!*.key"}, path("src/a.key")));
  CHECK_FALSE(allows("path", {"src/**", "!*.key"}, path("doc/a.c")));
  CHECK(allows("path", {"!*.key"}, path("anything")));
  CHECK(denies("path", {"!src/**"}, path("doc/a.c")));
  CHECK_FALSE(denies("path", {"!src/**"}, path("src/a.c")));
}

TEST_CASE("arguments can be named as they are, also within others") {
  const PolicyCall call{
      .arguments = {{"options", {{"force", true}, {"depth", 3}}}, {"branch", "main"}, {"tags", {"a", "b"}}}};
  CHECK(denies("options.force", {"true"}, call));
  CHECK_FALSE(denies("options.force", {"false"}, call));
  CHECK(denies("options.depth", {"> 2"}, call));
  CHECK(denies("branch", {"main"}, call));
  CHECK(denies("tags", {"b"}, call));
  CHECK_FALSE(allows("tags", {"b"}, call));
  CHECK_FALSE(allows("branch.name", {"*"}, call));
  CHECK_FALSE(allows("options.nothing", {"*"}, call));
}

TEST_CASE("all conditions of a rule must hold") {
  const PolicySettings policy{.deny = {{"t", {{"path", {"*.sh"}}, {"force", {"true"}}}}}};
  PolicyCall call = path("a.sh");
  CHECK(judged(policy, call).verdict != Verdict::deny);
  call.arguments["force"] = true;
  const Decision decision = judged(policy, call);
  CHECK(decision.verdict == Verdict::deny);
  CHECK(decision.rule == "policy.deny: t {force: true, path: *.sh}");
}

TEST_CASE("a rule in words") {
  CHECK(describe(PolicyRule("files_*")) == "files_*");
  CHECK(describe(PolicyRule("pay", {{"amount", {"<= 50", "!0"}}})) == "pay {amount: <= 50 or !0}");
}
