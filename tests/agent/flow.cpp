// What labels mean for a call: text from outside must not cause what matters, private data must not leave, and both
// together must not meet a way out.
#include "agent/policy_call.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace sennit;
using namespace sennit::testing;

namespace {

const PolicySettings kAllowAll{.allow = {"*"}};

Decision with_labels(Touches touches, Labels labels, const PolicySettings& policy = kAllowAll, FacetMap facets = {},
                     json::object arguments = {}) {
  return judged(policy, {.touches = touches,
                         .facets = std::move(facets),
                         .arguments = std::move(arguments),
                         .labels = std::move(labels)});
}

}  // namespace

TEST_CASE("text from outside may make a model read, and nothing else") {
  CHECK(with_labels({.read = true}, untrusted("web:x")).verdict == Verdict::allow);
  CHECK(with_labels({.read = true, .network = true}, untrusted("web:x")).verdict == Verdict::allow);
  const auto reason = [](Touches touches) {
    const Decision decision = with_labels(touches, untrusted("web:x"));
    CHECK(decision.verdict == Verdict::ask);
    return decision.rule;
  };
  CHECK(reason({.write = true}) == "policy.flow.untrusted: text from web:x is in the conversation, and t changes data");
  CHECK(reason({.process = true}).ends_with("t starts programs"));
  CHECK(reason({.write = true, .money = true}).ends_with("t spends money"));
}

TEST_CASE("without labels nothing is added, whatever is touched") {
  const Touches all{.read = true, .write = true, .network = true, .process = true, .money = true};
  CHECK(with_labels(all, {}).verdict == Verdict::allow);
}

TEST_CASE("a store that keeps labels may be written by anybody") {
  PolicyCall call{.touches = {.write = true}, .labels = both("web:x", "files:y"), .keeps_labels = true};
  CHECK(judged(kAllowAll, call).verdict == Verdict::allow);
}

TEST_CASE("private data leaves to where it is permitted to") {
  const FacetMap host{{"link", "url"}};
  const json::object there{{"link", "https://api.corp.org/x"}};
  PolicySettings policy = kAllowAll;
  CHECK(with_labels({.network = true}, confidential("files:a"), policy, host, there).rule ==
        "policy.flow.confidential: private data (files:a) could leave to api.corp.org");
  policy.flow.permit = {{"files:*", "*.corp.org"}};
  CHECK(with_labels({.network = true}, confidential("files:a"), policy, host, there).verdict == Verdict::allow);
  CHECK(with_labels({.network = true}, confidential("memory:a"), policy, host, there).verdict == Verdict::ask);
  CHECK(with_labels({.network = true}, confidential("files:a"), policy, host,
                    {{"link", "https://api.corp.org.evil.org/"}})
            .verdict == Verdict::ask);
  Labels two = confidential("files:a");
  two.add_confidential("memory:b");
  CHECK(with_labels({.network = true}, two, policy, host, there).rule ==
        "policy.flow.confidential: private data (memory:b) could leave to api.corp.org");
}

TEST_CASE("of several destinations each must be permitted") {
  PolicySettings policy = kAllowAll;
  policy.flow.permit = {{"*", "*@corp.org"}};
  const FacetMap to{{"to", "destination"}, {"cc", "destination"}};
  CHECK(with_labels({.network = true}, confidential("mail"), policy, to, {{"to", "a@corp.org"}, {"cc", "b@corp.org"}})
            .verdict == Verdict::allow);
  CHECK(with_labels({.network = true}, confidential("mail"), policy, to, {{"to", "a@corp.org"}, {"cc", "b@evil.org"}})
            .verdict == Verdict::ask);
}

TEST_CASE("a tool that names no destination is one itself") {
  PolicySettings policy = kAllowAll;
  policy.flow.permit = {{"*", "tool:t"}};
  CHECK(with_labels({.network = true}, confidential("mail"), policy).verdict == Verdict::allow);
  policy.flow.permit = {{"*", "tool:u"}};
  CHECK(with_labels({.network = true}, confidential("mail"), policy).verdict == Verdict::ask);
}

TEST_CASE("private data, text from outside and a way out are the way data is stolen") {
  PolicySettings policy = kAllowAll;
  CHECK(with_labels({.network = true}, both("web:x", "files:y"), policy).rule ==
        "policy.flow.both: private data (files:y) could leave to t, and text from web:x is in the conversation");
  policy.flow.both = Verdict::deny;
  CHECK(with_labels({.network = true}, both("web:x", "files:y"), policy).verdict == Verdict::deny);
  CHECK(with_labels({.network = true}, confidential("files:y"), policy).verdict == Verdict::ask);
  policy.flow = {.confidential = Verdict::deny, .both = Verdict::allow};
  CHECK(with_labels({.network = true}, both("web:x", "files:y"), policy).verdict == Verdict::deny);
  policy.flow.permit = {{"files:y", "tool:t"}};
  CHECK(with_labels({.network = true}, both("web:x", "files:y"), policy).verdict == Verdict::allow);
}

TEST_CASE("private data is not put where it loses its mark, on the word of text from outside") {
  PolicySettings policy = kAllowAll;
  policy.flow.steerable = {"t"};
  CHECK(with_labels({.write = true}, untrusted("web:x"), policy).verdict == Verdict::allow);
  CHECK(with_labels({.write = true}, confidential("files:y"), policy).verdict == Verdict::allow);
  CHECK(
      with_labels({.write = true}, both("web:x", "files:y"), policy).rule ==
      "policy.flow.both: private data (files:y) could lose its mark in t, and text from web:x is in the conversation");
  policy.flow.permit = {{"files:*", "tool:t"}};
  CHECK(with_labels({.write = true}, both("web:x", "files:y"), policy).verdict == Verdict::allow);
}

TEST_CASE("what may be steered is said by arguments") {
  PolicySettings policy = kAllowAll;
  policy.flow.steerable = {{"t", {{"path", {"drafts/**"}}}}};
  const FacetMap facets{{"file", "path"}};
  const auto writes = [&](const char* file) {
    return with_labels({.write = true}, untrusted("web:x"), policy, facets, {{"file", file}}).verdict;
  };
  CHECK(writes("drafts/a") == Verdict::allow);
  CHECK(writes("drafts/../a") == Verdict::ask);
  CHECK(with_labels({.write = true}, untrusted("web:x"), policy, facets).verdict == Verdict::ask);
}

TEST_CASE("labels make a call stricter, never laxer") {
  const PolicySettings policy{.deny = {"t"}, .flow = {.untrusted = Verdict::allow, .both = Verdict::allow}};
  CHECK(with_labels({.write = true, .network = true}, both("web:x", "files:y"), policy).verdict == Verdict::deny);
}
