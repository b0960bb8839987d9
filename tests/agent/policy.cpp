// May a tool be called: the rules' order, the patterns, and what a tool's own words mean where no rule matches.
#include "support/fixtures.hpp"
#include <sennit/agent/policy.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace sennit;

namespace {

ToolSpec tool(std::string name, Touches touches = {}) {
  ToolSpec spec;
  spec.description.name = std::move(name);
  spec.touches = touches;
  return spec;
}

}  // namespace

TEST_CASE("deny beats ask, ask beats allow, and the decision names its rule") {
  const PolicySettings policy{.allow = {"*"}, .ask = {"files_*"}, .deny = {"files_write", "shell"}};
  const Decision denied = decide(policy, tool("files_write"));
  CHECK(denied.verdict == Verdict::deny);
  CHECK(denied.rule == "policy.deny: files_write");
  const Decision asked = decide(policy, tool("files_read", {.read = true}));
  CHECK(asked.verdict == Verdict::ask);
  CHECK(asked.rule == "policy.ask: files_*");
  const Decision allowed = decide(policy, tool("pay", {.money = true}));
  CHECK(allowed.verdict == Verdict::allow);
  CHECK(allowed.rule == "policy.allow: *");
}

TEST_CASE("a stricter pattern wins over a more exact name") {
  const PolicySettings policy{.allow = {"files_read"}, .ask = {}, .deny = {"*"}};
  CHECK(decide(policy, tool("files_read")).verdict == Verdict::deny);
}

TEST_CASE("the first pattern that matches is the one that is named") {
  const PolicySettings policy{.allow = {}, .ask = {"http", "h*", "*"}, .deny = {}};
  CHECK(decide(policy, tool("html")).rule == "policy.ask: h*");
}

TEST_CASE("where no rule matches, what at most reads is allowed") {
  CHECK(decide({}, tool("t")).verdict == Verdict::allow);
  CHECK(decide({}, tool("t", {.read = true})).verdict == Verdict::allow);
  CHECK(decide({}, tool("t", {.read = true})).rule == "it only reads");
}

TEST_CASE("where no rule matches, everything else is asked for, with the gravest reason") {
  const auto rule = [](Touches touches) {
    const Decision decision = decide({}, tool("t", touches));
    CHECK(decision.verdict == Verdict::ask);
    return decision.rule;
  };
  CHECK(rule({.write = true}) == "it changes data");
  CHECK(rule({.network = true}) == "it uses the network");
  CHECK(rule({.process = true}) == "it starts programs");
  CHECK(rule({.money = true}) == "it spends money");
  CHECK(rule({.read = true, .write = true, .network = true}) == "it changes data");
  CHECK(rule({.write = true, .process = true}) == "it starts programs");
  CHECK(rule({.read = true, .write = true, .network = true, .process = true, .money = true}) == "it spends money");
}

TEST_CASE("a star matches any run of characters, the empty one included; all else matches itself") {
  CHECK(matches_pattern("", ""));
  CHECK(matches_pattern("*", ""));
  CHECK(matches_pattern("**", "anything"));
  CHECK(matches_pattern("files_*", "files_"));
  CHECK(matches_pattern("files_*", "files_read"));
  CHECK(matches_pattern("*_read", "files_read"));
  CHECK(matches_pattern("f*_r*d", "files_read"));
  CHECK(matches_pattern("*ab*ab", "aababxab"));
  CHECK_FALSE(matches_pattern("", "x"));
  CHECK_FALSE(matches_pattern("files", "files_read"));
  CHECK_FALSE(matches_pattern("files_read", "files"));
  CHECK_FALSE(matches_pattern("*_read", "files_read_all"));
  CHECK_FALSE(matches_pattern("Files_*", "files_read"));
  CHECK_FALSE(matches_pattern("file?", "files"));
  CHECK_FALSE(matches_pattern("*ab*ab", "ab"));
}

TEST_CASE("a pattern made to be slow is not") {
  std::string pattern;
  for (int i = 0; i < 32; ++i) pattern += "a*";
  CHECK_FALSE(matches_pattern(pattern + "b", std::string(64, 'a')));
}
