// Labels on their way: through results, turns, sessions, notes, sub-agents, programs that end; and what the policy
// makes of them when a call is due.
#include "agent/policy_call.hpp"
#include "support/recorded_runs.hpp"
#include <sennit/agent/memory.hpp>
#include <sennit/agent/typed_tool.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <optional>
#include <set>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

asio::awaitable<std::string> words() {
  co_return "words";
}

/// `fetch` brings text from outside, `vault` private data; `post` leads out.
void add_tools(Registry& registry) {
  registry.add_tool("fetch", "Fetches", words,
                    ToolTraits{.touches = {.read = true}, .repeat = Repeat::idempotent, .gives = untrusted("web:x")});
  registry.add_tool(
      "vault", "Opens", words,
      ToolTraits{.touches = {.read = true}, .repeat = Repeat::idempotent, .gives = confidential("vault")});
  registry.add_tool("post", "Posts", words, ToolTraits{.touches = {.network = true}, .repeat = Repeat::idempotent});
}

Turn call(std::string id, std::string name, std::string arguments = "{}") {
  return calling({calls(0, std::move(id), std::move(name), std::move(arguments))});
}

Turn pay(std::string id) {
  return call(std::move(id), "pay", R"({"amount":5})");
}

Definition agent_with(std::vector<std::string> tools) {
  Definition definition = with_tools(std::move(tools));
  definition.model.name = "world/model";
  return definition;
}

std::vector<PolicyDecided> decisions_in(const std::vector<Event>& events) {
  std::vector<PolicyDecided> all;
  for (const Event& event : events) {
    if (const auto* decided = std::get_if<PolicyDecided>(&event.data)) all.push_back(*decided);
  }
  return all;
}

/// The last decision of a run in which nobody agrees to anything.
PolicyDecided last_decision(Session session, RunOptions options = {}) {
  options.approvals = Approvals::deny;
  Run run = session.start("go", std::move(options));
  const auto decisions = decisions_in(elsewhere(read_all(run)));
  REQUIRE_FALSE(decisions.empty());
  return decisions.back();
}

/// Of lanes of calls: without the event that told the decision, which came at the first turn of each.
json::array without_decisions(const json::array& order, std::set<std::string>& begun) {
  json::array left;
  for (std::size_t i = 0; i + 1 < order.size(); i += 2) {
    const std::string lane(order[i].as_string());
    const bool first = !lane.empty() && begun.insert(lane).second;
    left.emplace_back(lane);
    left.emplace_back(order[i + 1].to_number<std::int64_t>() - (first ? 1 : 0));
  }
  return left;
}

/// As a program that knew neither labels nor decisions would have kept it.
RecordedRun from_before(RecordedRun run) {
  std::set<std::string> begun;
  for (JournalEntry& entry : run.journal) {
    json::object data = json::parse(entry.data).as_object();
    if (json::value* order = data.if_contains("order"))
      *order = without_decisions(json::array(order->as_array()), begun);
    if (json::value* out = data.if_contains("out"); out != nullptr && out->is_object()) {
      for (const char* key : {"policy", "labels"}) out->as_object().erase(key);
    }
    entry.data = json::serialize(data);
  }
  return run;
}

asio::awaitable<bool> take_in(World& world, RecordedRun run) {
  co_await world.runtime.store()->import(std::move(run));
  co_return true;
}

constexpr const char* kSteered = "policy.flow.untrusted: text from web:x is in the conversation, and pay spends money";

}  // namespace

TEST_CASE("the labels of a result are those of all that is said after it") {
  World world(plays({call("a", "fetch"), pay("b"), text({"end"})}), {}, add_tools);
  Session session = world.agent(agent_with({"fetch", "pay"})).session();
  Run run = session.start("go", {.approvals = Approvals::deny});
  const auto events = elsewhere(read_all(run));
  const auto decisions = decisions_in(events);
  REQUIRE(decisions.size() == 2);
  CHECK(decisions[0] == PolicyDecided{"a", "fetch", Verdict::allow, "policy.allow: *"});
  CHECK(decisions[1] == PolicyDecided{"b", "pay", Verdict::ask, kSteered});
  CHECK(outcome_in(events).labels == untrusted("web:x"));
  const auto messages = elsewhere(session.messages());
  REQUIRE(messages.size() == 6);
  CHECK(messages[0].labels.empty());
  CHECK(messages[1].labels.empty());
  CHECK(messages[2].labels == untrusted("web:x"));
  CHECK(messages[3].labels == untrusted("web:x"));
  CHECK(messages[5].labels == untrusted("web:x"));
}

TEST_CASE("calls of one step are judged by what the model had read when it made them") {
  World world(plays({calling({calls(0, "a", "fetch", "{}"), calls(1, "b", "pay", R"({"amount":5})")}), text({"end"})}),
              {}, add_tools);
  Run run = world.agent(agent_with({"fetch", "pay"})).session().start("go", {.approvals = Approvals::deny});
  for (const PolicyDecided& decided : decisions_in(elsewhere(read_all(run)))) CHECK(decided.verdict == Verdict::allow);
}

TEST_CASE("a call that failed or was declined brings its labels all the same, one that was not made brings none") {
  World world(plays({call("a", "fetch", R"({"wrong":1})"), pay("b"), text({"end"})}), {}, add_tools);
  CHECK(last_decision(world.agent(agent_with({"fetch", "pay"})).session()).verdict == Verdict::allow);
}

TEST_CASE("what the policy trusts has no label, what it calls private has one") {
  Definition definition = agent_with({"fetch", "echo", "post", "pay"});
  definition.policy.trust = {"fetch"};
  definition.policy.confidential = {{"echo", {{"text", {"*secret*"}}}}};
  World world(plays({call("a", "fetch"), pay("b"), call("c", "echo", R"({"text":"plain"})"), call("d", "post"),
                     call("e", "echo", R"({"text":"a secret"})"), call("f", "post"), text({"end"})}),
              {}, add_tools);
  Run run = world.agent(definition).session().start("go", {.approvals = Approvals::deny});
  const auto events = elsewhere(read_all(run));
  const auto decisions = decisions_in(events);
  REQUIRE(decisions.size() == 6);
  CHECK(decisions[1].verdict == Verdict::allow);
  CHECK(decisions[3].verdict == Verdict::allow);
  CHECK(decisions[5].rule == "policy.flow.confidential: private data (tool:echo) could leave to post");
  CHECK(outcome_in(events).labels == confidential("tool:echo"));
}

TEST_CASE("the caller says where an input comes from, and it stays so") {
  const TempDir folder;
  const Definition definition = agent_with({"pay"});
  {
    World world(plays({pay("a"), text({"no"})}), {.state = folder.path()}, add_tools);
    CHECK(last_decision(world.agent(definition).session("s"), {.labels = untrusted("mail")}).rule ==
          "policy.flow.untrusted: text from mail is in the conversation, and pay spends money");
  }
  World world(plays({pay("b"), text({"no"})}), {.state = folder.path()}, add_tools);
  CHECK(last_decision(world.agent(definition).session("s")).verdict == Verdict::ask);
  World other(plays({pay("c"), text({"yes"})}), {.state = folder.path()}, add_tools);
  CHECK(last_decision(other.agent(definition).session("another")).verdict == Verdict::allow);
}

TEST_CASE("what is attached was written by somebody") {
  World world(plays({pay("a"), text({"no"})}));
  const Blob picture{"image/png", "x", ""};
  CHECK(last_decision(world.agent(agent_with({"pay"})).session(), {.attachments = {picture}}).rule ==
        "policy.flow.untrusted: text from attachment is in the conversation, and pay spends money");
}

TEST_CASE("labels go down to a sub-agent with its task, and come up with its answer") {
  const TempDir folder;
  folder.write("helper.yaml",
               "sennit: 1\nname: helper\nmodel: world/helper\ntools: [fetch, pay]\npolicy: {allow: '*'}\n");
  Definition definition = agent_with({"fetch", "pay"});
  definition.agents = {{"helper", folder.path() / "helper.yaml", ""}};
  SECTION("down") {
    World world(plays({call("a", "fetch"), call("b", "helper", R"({"task":"pay"})"), text({"end"})}), {}, add_tools);
    world.plays.emplace("world/helper", plays({pay("c"), text({"no"})}));
    const PolicyDecided last = last_decision(world.agent(definition).session());
    CHECK(last == PolicyDecided{"c", "pay", Verdict::ask, kSteered});
  }
  SECTION("up") {
    World world(plays({call("b", "helper", R"({"task":"look"})"), pay("d"), text({"end"})}), {}, add_tools);
    world.plays.emplace("world/helper", plays({call("c", "fetch"), text({"words"})}));
    const PolicyDecided last = last_decision(world.agent(definition).session());
    CHECK(last == PolicyDecided{"d", "pay", Verdict::ask, kSteered});
  }
  SECTION("neither, where there is nothing to go") {
    World world(plays({call("b", "helper", R"({"task":"pay"})"), pay("d"), text({"end"})}), {}, add_tools);
    world.plays.emplace("world/helper", plays({pay("c"), text({"done"})}));
    CHECK(last_decision(world.agent(definition).session()).verdict == Verdict::allow);
  }
}

TEST_CASE("a note keeps the labels of the conversation that it was written in, in other programs too") {
  const TempDir folder;
  Definition definition = agent_with({"fetch", "pay", "remember", "recall"});
  definition.tools = {{"fetch", {}}, {"pay", {}}};
  definition.memory.enabled = true;
  definition.memory.recall = false;
  {
    World world(plays({call("a", "remember", R"({"text":"Tea is green."})"), call("b", "fetch"),
                       call("c", "remember", R"({"text":"Coffee is black."})"), text({"end"})}),
                {.state = folder.path()}, add_tools);
    CHECK(last_decision(world.agent(definition).session()).verdict == Verdict::allow);
  }
  const auto recall = [&](const std::string& query, bool by_itself) {
    definition.memory.recall = by_itself;
    Play play = by_itself ? plays({pay("d"), text({"end"})})
                          : plays({call("c", "recall", R"({"query":")" + query + R"("})"), pay("d"), text({"end"})});
    World world(std::move(play), {.state = folder.path()}, add_tools);
    Run run = world.agent(definition).session().start(query, {.approvals = Approvals::deny});
    return decisions_in(elsewhere(read_all(run))).back().verdict;
  };
  CHECK(recall("tea", false) == Verdict::allow);
  CHECK(recall("coffee", false) == Verdict::ask);
  CHECK(recall("tea", true) == Verdict::allow);
  CHECK(recall("coffee", true) == Verdict::ask);
}

TEST_CASE("a note that is said again by somebody else is his as well") {
  const TempDir folder;
  Definition definition = agent_with({"fetch", "pay"});
  definition.memory.enabled = true;
  const std::string note = R"({"text":"Tea is green."})";
  World world(plays({call("a", "remember", note), text({"end"}), call("b", "fetch"), call("c", "remember", note),
                     text({"end"}), pay("d"), text({"end"})}),
              {.state = folder.path()}, add_tools);
  const Agent agent = world.agent(definition);
  for (int i = 0; i < 2; ++i) {
    Run run = agent.session().start("hello");
    elsewhere(run.wait());
  }
  Run run = agent.session().start("tea", {.approvals = Approvals::deny});
  CHECK(decisions_in(elsewhere(read_all(run))).back().verdict == Verdict::ask);
}

TEST_CASE("a private memory gives private notes") {
  const TempDir folder;
  Definition definition = agent_with({"post"});
  definition.memory.enabled = true;
  definition.memory.confidential = true;
  World world(
      plays({call("a", "remember", R"({"text":"Tea is green."})"), text({"end"}), call("b", "post"), text({"end"})}),
      {.state = folder.path()}, add_tools);
  const Agent agent = world.agent(definition);
  Run first = agent.session().start("hello");
  elsewhere(first.wait());
  Run run = agent.session().start("tea", {.approvals = Approvals::deny});
  CHECK(decisions_in(elsewhere(read_all(run))).back().rule ==
        "policy.flow.confidential: private data (memory:main) could leave to post");
}

TEST_CASE("labels and decisions outlive the program: resumed, told again, forked") {
  const TempDir folder;
  const Definition definition = agent_with({"fetch", "vault", "pay", "post"});
  const std::string id =
      interrupted(folder, definition, {call("a", "fetch"), call("b", "vault"), stalling()}, "s", add_tools);
  World world(plays({pay("c"), call("d", "post"), text({"end"}), pay("e"), text({"end"})}), {.state = folder.path()},
              add_tools);
  const Agent agent = world.agent(definition);
  Run run = agent.resume(id, {.run = {.approvals = Approvals::deny}});
  const auto events = elsewhere(read_all(run));
  const auto decisions = decisions_in(events);
  REQUIRE(decisions.size() == 4);
  CHECK(decisions[2].verdict == Verdict::ask);
  CHECK_THAT(decisions[2].rule, ContainsSubstring(kSteered));
  CHECK_THAT(decisions[3].rule, ContainsSubstring("policy.flow.both: private data (vault) could leave to post"));
  CHECK(outcome_in(events).labels == both("web:x", "vault"));

  Run again = agent.replay(recorded(world, id));
  const auto told = elsewhere(read_all(again));
  CHECK(difference(events, told) == "");
  CHECK(decisions_in(told) == decisions);

  const auto entries = recorded(world, id).journal;
  std::uint32_t last = 0;
  for (const JournalEntry& entry : entries) {
    if (entry.kind == "complete") last = static_cast<std::uint32_t>(std::stoul(entry.effect));
  }
  Run forked = agent.fork(recorded(world, id), {.at = last}, {.approvals = Approvals::deny});
  CHECK(decisions_in(elsewhere(read_all(forked))).back().verdict == Verdict::ask);
}

TEST_CASE("a run that was recorded before there were labels is told, and gone on with, without any") {
  const TempDir folder;
  const Definition definition = agent_with({"fetch", "pay"});
  SECTION("told") {
    World world(plays({call("a", "fetch"), text({"end"})}), {.state = folder.path()}, add_tools);
    const Agent agent = world.agent(definition);
    Run run = agent.session().start("go");
    REQUIRE(elsewhere(run.wait()).ending == Ending::completed);
    Run again = agent.replay(from_before(recorded(world, run.id())));
    const auto events = elsewhere(read_all(again));
    CHECK(outcome_in(events).text == "end");
    CHECK(decisions_in(events).empty());
  }
  SECTION("gone on with") {
    const std::string id = interrupted(folder, definition, {call("a", "fetch"), stalling()}, "", add_tools);
    World world(says("unused"), {.state = folder.path()}, add_tools);
    const TempDir elsewhere_kept;
    World other(plays({pay("b"), text({"end"})}), {.state = elsewhere_kept.path()}, add_tools);
    REQUIRE(elsewhere(take_in(other, from_before(recorded(world, id)))));
    Run run = other.agent(definition).resume(id);
    const auto events = elsewhere(read_all(run));
    CHECK(outcome_in(events).text == "end");
    const auto decisions = decisions_in(events);
    REQUIRE(decisions.size() == 1);
    CHECK(decisions[0] == PolicyDecided{"b", "pay", Verdict::allow, "policy.allow: *"});
  }
}

TEST_CASE("a yes for good to one reason is none to another") {
  World world(plays({call("a", "save", R"({"text":"1"})"), call("b", "save", R"({"text":"2"})"), call("c", "fetch"),
                     call("d", "save", R"({"text":"3"})"), call("e", "save", R"({"text":"4"})"), text({"end"})}),
              {}, add_tools);
  Definition definition = agent_with({"fetch", "save"});
  definition.policy.ask = {"save"};
  Run run = world.agent(definition).session().start("go");
  std::vector<std::string> reasons;
  elsewhere(read_all(run, [&](const Event& event) {
    const auto* asked = std::get_if<ApprovalRequested>(&event.data);
    if (asked == nullptr) return;
    reasons.push_back(asked->reason);
    run.approve(asked->id, Approval::always);
  }));
  REQUIRE(reasons.size() == 2);
  CHECK(reasons[0] == "policy.ask: save");
  CHECK(reasons[1] ==
        "policy.ask: save; policy.flow.untrusted: text from web:x is in the conversation, and save changes data");
}

TEST_CASE("who agrees to everything agrees to what asks, and to nothing that is denied") {
  Definition definition = agent_with({"fetch", "pay", "save"});
  definition.policy.deny = {"save"};
  World world(plays({call("a", "fetch"), pay("b"), call("c", "save", R"({"text":"1"})"), text({"end"})}), {},
              add_tools);
  Run run = world.agent(definition).session().start("go", {.approvals = Approvals::allow});
  std::vector<std::string> results;
  for (const Event& event : elsewhere(read_all(run))) {
    if (const auto* finished = std::get_if<ToolFinished>(&event.data)) results.push_back(finished->result.content);
  }
  CHECK(results == std::vector<std::string>{"words", "paid 5", "not allowed (policy.deny: save)"});
}

TEST_CASE("the deployment's policy holds in every agent of a runtime") {
  const TempDir folder;
  folder.write("helper.yaml", "sennit: 1\nname: helper\nmodel: world/helper\ntools: [pay]\npolicy: {allow: '*'}\n");
  Definition definition = agent_with({"pay"});
  definition.agents = {{"helper", folder.path() / "helper.yaml", ""}};
  RuntimeOptions options;
  options.policy.ask = {{"pay", {{"amount", {"> 1"}}}}};
  options.policy.deny = {{"pay", {{"amount", {"> 9"}}}}};
  World world(
      plays({pay("a"), call("b", "pay", R"({"amount":10})"), call("c", "helper", R"({"task":"pay"})"), text({"end"})}),
      std::move(options), add_tools);
  world.plays.emplace("world/helper", plays({pay("d"), call("e", "pay", R"({"amount":1})"), text({"end"})}));
  Run run = world.agent(definition).session().start("go", {.approvals = Approvals::allow});
  const auto decisions = decisions_in(elsewhere(read_all(run)));
  REQUIRE(decisions.size() == 5);
  CHECK(decisions[0].rule == "deployment policy.ask: pay {amount: > 1}");
  CHECK(decisions[1].rule == "deployment policy.deny: pay {amount: > 9}");
  CHECK(decisions[3].rule == "deployment policy.ask: pay {amount: > 1}");
  CHECK(decisions[4].verdict == Verdict::allow);
}
