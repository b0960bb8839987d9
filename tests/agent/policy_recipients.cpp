// Rules on where something goes: one text may name several recipients, in several spellings.
#include "agent/policy_call.hpp"
#include <sennit/agent/policy_recipient.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace sennit;
using namespace sennit::testing;

namespace {

/// As a tool declares it, and as the argument of a tool that declares nothing.
std::vector<std::pair<std::string, PolicyCall>> ways_to_send(const std::string& to) {
  return {{"destination", with("to", "destination", json::value(to))},
          {"to", PolicyCall{.arguments = {{"to", to}}}},
          {"destination", PolicyCall{.arguments = {{"destination", to}}}},
          {"mail.to", PolicyCall{.arguments = {{"mail", json::array{json::object{{"to", to}}}}}}}};
}

}  // namespace

TEST_CASE("each recipient in one text must be allowed, and one that is denied is enough") {
  for (const char* to : {"mallory@evil.example, a@corp.example", "\"Mallory <mallory@evil.example>,x@corp.example\"",
                         "Mallory <mallory@evil.example>;a@corp.example", "a@corp.example\nmallory@evil.example",
                         "A <a@corp.example>, Mallory <mallory@EVIL.example.>", "mallory@evil.example"}) {
    for (const auto& [name, call] : ways_to_send(to)) {
      INFO(name << ": " << to);
      CHECK_FALSE(allows(name, {"*@corp.example"}, call));
      CHECK_FALSE(allows(name, {"!*@evil.example"}, call));
      CHECK(denies(name, {"*@evil.example"}, call));
      CHECK(denies(name, {"*@Evil.Example"}, call));
      CHECK(denies(name, {"!*@corp.example"}, call));
    }
  }
}

TEST_CASE("an address is the same with a name, and a domain in capital letters") {
  for (const char* to : {"a@corp.example", "Ann Lee <a@corp.example>", "a@Corp.EXAMPLE",
                         "a@corp.example; b@corp.example ,", "<a@corp.example>"}) {
    for (const auto& [name, call] : ways_to_send(to)) {
      INFO(name << ": " << to);
      CHECK(allows(name, {"*@corp.example"}, call));
      CHECK(allows(name, {"*@CORP.example"}, call));
      CHECK_FALSE(denies(name, {"!*@corp.example"}, call));
      CHECK_FALSE(denies(name, {"*@evil.example"}, call));
    }
  }
  CHECK_FALSE(allows("destination", {"Ann@corp.example"}, with("to", "destination", "ann@corp.example")));
}

TEST_CASE("what is no address is denied by rules on addresses, and allowed by none") {
  for (const char* to :
       {"mallory", "a b@corp.example", "a@evil.example@corp.example", "", ",", "m@evil.example <a@corp.example>",
        "<m@evil.example> <a@corp.example>", "m@evil.example\ta@corp.example"}) {
    for (const auto& [name, call] : ways_to_send(to)) {
      INFO(name << ": " << to);
      CHECK_FALSE(allows(name, {"*@corp.example"}, call));
      CHECK(denies(name, {"*@other.example"}, call));
    }
  }
}

TEST_CASE("a destination that a tool names itself is no address") {
  const PolicyCall call{.facets = {{"=mcp:ops", "destination"}}};
  CHECK_FALSE(denies("destination", {"*@evil.example"}, call));
  CHECK(denies("destination", {"mcp:*"}, call));
  CHECK(allows("destination", {"mcp:ops"}, call));
}

TEST_CASE("a text that mentions something is not read as recipients") {
  CHECK_FALSE(is_address_pattern("*@here*"));
  CHECK_FALSE(is_address_pattern("ping @all"));
  CHECK(is_address_pattern("ann@*"));
  const auto post = [](const char* text) { return PolicyCall{.arguments = {{"text", text}}}; };
  CHECK(denies("text", {"*@here*"}, post("hello @here, look")));
  CHECK_FALSE(denies("text", {"*@here*"}, post("hello, all of you")));
}

TEST_CASE("private data leaves to each recipient in one text only where it is permitted to") {
  PolicySettings policy{.allow = {"*"}};
  policy.flow.permit = {{"*", "*@corp.example"}};
  const auto verdict = [&](const char* to) {
    PolicyCall call = with("to", "destination", to);
    call.touches.network = true;
    call.labels = confidential("mail");
    return judged(policy, call);
  };
  CHECK(verdict("Ann <a@Corp.example>, b@corp.example").verdict == Verdict::allow);
  CHECK(verdict("mallory@evil.example, a@corp.example").rule ==
        "policy.flow.confidential: private data (mail) could leave to mallory@evil.example and a@corp.example");
  CHECK(verdict("\"Mallory <mallory@evil.example>,x@corp.example\"").verdict == Verdict::ask);
}
