// Who has a say: a deployment, the agents above, the agent itself; and what holds where nobody says anything.
#include "agent/policy_call.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace sennit;
using namespace sennit::testing;
using Kind = PolicyLayer::Kind;

namespace {

struct Layers {
  PolicySettings deployment{};
  PolicySettings above{};
  PolicySettings own{};

  [[nodiscard]] std::vector<PolicyLayer> list() const {
    return {{Kind::deployment, {}, &deployment}, {Kind::above, "chief", &above}, {Kind::own, "agent", &own}};
  }
};

const PolicyCall kPay{.tool = "pay", .touches = {.money = true}};

}  // namespace

TEST_CASE("what a deployment denies or asks for, no agent file relaxes") {
  Layers layers{.deployment = {.deny = {"pay"}}, .own = {.allow = {"*"}, .fallback = Verdict::allow}};
  CHECK(judged(layers.list(), kPay).verdict == Verdict::deny);
  CHECK(judged(layers.list(), kPay).rule == "deployment policy.deny: pay");
  layers.deployment = {.ask = {"pay"}};
  CHECK(judged(layers.list(), kPay).verdict == Verdict::ask);
  CHECK(judged(layers.list(), kPay).rule == "deployment policy.ask: pay");
  layers.deployment = {.fallback = Verdict::deny};
  CHECK(judged(layers.list(), kPay).rule == "deployment policy.default: deny");
}

TEST_CASE("what a deployment allows stands for the default of agents that say nothing, and relaxes no rule of theirs") {
  Layers layers{.deployment = {.allow = {"pay"}}};
  CHECK(judged(layers.list(), kPay).verdict == Verdict::allow);
  layers.own.ask = {"pay"};
  CHECK(judged(layers.list(), kPay).verdict == Verdict::ask);
  layers.own = {.deny = {"pay"}};
  CHECK(judged(layers.list(), kPay).verdict == Verdict::deny);
  layers.own = {.fallback = Verdict::ask};
  CHECK(judged(layers.list(), kPay).rule == "policy.default: ask");
}

TEST_CASE("what an agent denies, no sub-agent of its does; its other rules are for itself") {
  Layers layers{.above = {.deny = {"pay"}}, .own = {.allow = {"*"}}};
  CHECK(judged(layers.list(), kPay).verdict == Verdict::deny);
  CHECK(judged(layers.list(), kPay).rule == "policy of chief.deny: pay");
  layers.above = {.ask = {"pay"}, .fallback = Verdict::deny};
  CHECK(judged(layers.list(), kPay).verdict == Verdict::allow);
  layers.above = {.allow = {"pay"}};
  layers.own = {};
  CHECK(judged(layers.list(), kPay).verdict == Verdict::ask);
}

TEST_CASE("what an agent says of labels holds in its sub-agents as well") {
  Layers layers{.own = {.allow = {"*"}, .flow = {.untrusted = Verdict::allow}}};
  PolicyCall call = kPay;
  call.labels = untrusted("web:x");
  CHECK(judged(layers.list(), call).verdict == Verdict::allow);
  layers.above.flow.untrusted = Verdict::deny;
  CHECK(judged(layers.list(), call).verdict == Verdict::deny);
  CHECK(judged(layers.list(), call).rule.starts_with("policy of chief.flow.untrusted: text from web:x"));
  layers.above.flow.untrusted = {};
  layers.deployment.flow.untrusted = Verdict::ask;
  CHECK(judged(layers.list(), call).rule.starts_with("deployment policy.flow.untrusted"));
}

TEST_CASE(
    "what can be steered, and where data may go, is said by whoever makes the rule, and for data by a deployment") {
  Layers layers{.deployment = {.flow = {.untrusted = Verdict::deny}},
                .own = {.allow = {"*"}, .flow = {.steerable = {"*"}, .permit = {{"*", "*"}}}}};
  PolicyCall call = kPay;
  call.labels = untrusted("web:x");
  CHECK(judged(layers.list(), call).verdict == Verdict::deny);
  layers.deployment.flow.steerable = {"pay"};
  CHECK(judged(layers.list(), call).verdict == Verdict::allow);

  PolicyCall send{.tool = "send", .touches = {.network = true}, .labels = confidential("files:x")};
  CHECK(judged(layers.list(), send).verdict == Verdict::allow);
  layers.deployment.flow.confidential = Verdict::deny;
  CHECK(judged(layers.list(), send).rule.starts_with("deployment policy.flow.confidential"));
  layers.own.flow.permit.clear();
  layers.deployment.flow.permit = {{"files:*", "tool:send"}};
  CHECK(judged(layers.list(), send).verdict == Verdict::allow);
}

TEST_CASE("an agent's own trust does not outwit a deployment that has a rule for text from outside") {
  Layers layers{.own = {.trust = {"*"}}};
  const auto given = [&] {
    return ask_about({.tool = "get"}, [&](const PolicyQuestion& question) {
      return labels_of_result(layers.list(), question, untrusted("web:x"));
    });
  };
  CHECK(given().untrusted.empty());
  layers.deployment.flow.untrusted = Verdict::ask;
  CHECK(given().untrusted.size() == 1);
  layers.deployment.trust = {"get"};
  CHECK(given().untrusted.empty());
  layers.deployment = {};
  layers.above.flow.both = Verdict::deny;
  CHECK(given().untrusted.size() == 1);
  layers.above = {.trust = {"get"}};
  layers.own = {};
  CHECK(given().untrusted.size() == 1);
}

TEST_CASE("whoever calls results private is believed") {
  for (const int who : {0, 1, 2}) {
    Layers layers;
    (who == 0 ? layers.deployment : who == 1 ? layers.above : layers.own).confidential = {"crm*"};
    const Labels labels = ask_about({.tool = "crm_find"}, [&](const PolicyQuestion& question) {
      return labels_of_result(layers.list(), question, {});
    });
    CHECK(labels == confidential("tool:crm_find"));
  }
}

TEST_CASE("where several rules ask, all reasons are said: who agrees to one has not agreed to the others") {
  const PolicySettings policy{.ask = {"send"}};
  PolicyCall call{.tool = "send", .touches = {.write = true, .network = true}};
  CHECK(judged(policy, call).rule == "policy.ask: send");
  call.labels = both("web:x", "files:y");
  const std::string rule = judged(policy, call).rule;
  CHECK(rule.starts_with("policy.ask: send; policy.flow.both: "));
  CHECK(rule.find("policy.flow.untrusted: ") != std::string::npos);
}

TEST_CASE("everything that was looked at is told, in its order") {
  Layers layers{.deployment = {.ask = {"pay"}}, .above = {.deny = {"pay"}}, .own = {.allow = {"pay"}}};
  PolicyCall call = kPay;
  call.labels = untrusted("mail");
  const std::vector<Decision> all = considered(layers.list(), call);
  REQUIRE(all.size() == 4);
  CHECK(all[0].rule == "deployment policy.ask: pay");
  CHECK(all[1].rule == "policy of chief.deny: pay");
  CHECK(all[2].rule == "policy.allow: pay");
  CHECK(all[3].rule.starts_with("policy.flow.untrusted: "));
}

TEST_CASE("a tool of which no call can be made is hidden, one of which some can is not") {
  const ToolSpec pay = kPay.spec();
  CHECK(is_hidden({.deny = {"p*"}}, pay));
  CHECK_FALSE(is_hidden({.deny = {{"pay", {{"amount", {"> 5"}}}}}}, pay));
  CHECK(is_hidden({.fallback = Verdict::deny}, pay));
  CHECK_FALSE(is_hidden({.allow = {{"pay", {{"amount", {"<= 5"}}}}}, .fallback = Verdict::deny}, pay));
  CHECK_FALSE(is_hidden({}, pay));
}
