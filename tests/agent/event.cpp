// Events as JSON and back, and the merging of deltas for a slow reader.
#include "support/fixtures.hpp"
#include <sennit/agent/event.hpp>
#include <sennit/agent/event_names.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <set>

using namespace sennit;
using namespace sennit::testing;

namespace {

Error whole_error() {
  return Error(errc::rate_limited, "slow down")
      .at("https://example.org/v1")
      .retry(std::chrono::milliseconds(1500))
      .provider(429, "rate_limit_error", "Too many requests \"today\"");
}

Outcome whole_outcome() {
  Outcome outcome;
  outcome.ending = Ending::truncated;
  outcome.text = "so far";
  outcome.output = {{"n", 1}, {"list", {1, nullptr, "x"}}};
  outcome.detail = "cut";
  outcome.error = whole_error();
  outcome.usage = {1, 2, 3, 4};
  outcome.cost = Cost{0.25, "EUR"};
  outcome.steps = 5;
  outcome.tool_calls = 6;
  outcome.duration = std::chrono::microseconds(1'234'567);
  outcome.labels.add_untrusted("web:example.com");
  outcome.labels.add_confidential("memory:assistant");
  return outcome;
}

/// One of each, every field set; the order is that of EventData.
std::vector<EventData> one_of_each() {
  return {
      TextDelta{"text \n \xE2\x82\xAC"},
      ReasoningDelta{"hm", {{"signature", "x"}}},
      RefusalDelta{"no"},
      ToolCallDelta{3, "id", "name", "{\"a\":", true},
      UsageUpdate{{1, std::nullopt, 0, 4}},
      Finished{StopReason::content_filter, "SAFETY"},
      Failed{whole_error()},
      RunStarted{"run", "session", "agent", "provider/model"},
      StepStarted{1},
      StepFinished{1, StopReason::length, {10, 20, std::nullopt, std::nullopt}},
      ToolStarted{{"id", "name", "not json"}},
      PolicyDecided{"id", "name", Verdict::ask, "policy.ask: name"},
      ToolProgress{"id", "half"},
      ToolFinished{{"id", "name", "content", true}, std::chrono::microseconds(1501)},
      ApprovalRequested{"ask_1", {"id", "name", "{}"}, "it spends money"},
      QuestionAsked{"ask_2", "really?"},
      InDoubt{"2.1.doubt", {"id", "name", "{}"}},
      MemoryRecalled{{"one", "two"}},
      Delegated{"helper", "do it"},
      ModelChosen{"a/b", "it is cheaper"},
      Retried{2, std::chrono::milliseconds(750), whole_error()},
      Notice{"look"},
      RunFinished{whole_outcome()},
  };
}

Event back(const Event& event) {
  return event_from_json(json::parse(json::serialize(to_json(event))));
}

std::vector<Event> merged(std::vector<Event> events) {
  std::vector<Event> out;
  for (Event& event : events) append_merged(out, std::move(event));
  return out;
}

}  // namespace

TEST_CASE("every event survives its way through JSON, with and without a path") {
  const std::vector<EventData> all = one_of_each();
  REQUIRE(all.size() == std::variant_size_v<EventData>);
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO(name_of(all[i]));
    REQUIRE(all[i].index() == i);
    CHECK(back({"", all[i]}) == Event{"", all[i]});
    CHECK(back({"call_1/call_2", all[i]}) == Event{"call_1/call_2", all[i]});
  }
}

TEST_CASE("every event survives with its fields left at their defaults") {
  const std::vector<EventData> bare{TextDelta{},
                                    ReasoningDelta{},
                                    RefusalDelta{},
                                    ToolCallDelta{},
                                    UsageUpdate{},
                                    Finished{},
                                    Failed{Error(errc::internal, "")},
                                    RunStarted{},
                                    StepStarted{},
                                    StepFinished{},
                                    ToolStarted{},
                                    PolicyDecided{},
                                    ToolProgress{},
                                    ToolFinished{},
                                    ApprovalRequested{},
                                    QuestionAsked{},
                                    InDoubt{},
                                    MemoryRecalled{},
                                    Delegated{},
                                    ModelChosen{},
                                    Retried{0, std::chrono::milliseconds(0), Error(errc::internal, "")},
                                    Notice{},
                                    RunFinished{}};
  REQUIRE(bare.size() == std::variant_size_v<EventData>);
  for (const EventData& data : bare) {
    INFO(name_of(data));
    CHECK(back({"", data}) == Event{"", data});
  }
}

TEST_CASE("empty arguments and absent ones are told apart") {
  CHECK(back({"", ToolCallDelta{0, "a", "f", "", false}}) == Event{"", ToolCallDelta{0, "a", "f", "", false}});
  const Event without{"", ToolCallDelta{0, "a", "f", std::nullopt, false}};
  CHECK(back(without) == without);
}

TEST_CASE("every reason and ending has a name of its own and comes back") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kStopReasons.size(); ++i) {
    const Event event{"", Finished{static_cast<StopReason>(i), ""}};
    CHECK(back(event) == event);
    names.insert(to_string(static_cast<StopReason>(i)));
  }
  CHECK(names.size() == kStopReasons.size());
  names.clear();
  for (std::size_t i = 0; i < kEndings.size(); ++i) {
    Outcome outcome;
    outcome.ending = static_cast<Ending>(i);
    const Event event{"", RunFinished{outcome}};
    CHECK(back(event) == event);
    names.insert(to_string(outcome.ending));
  }
  CHECK(names.size() == kEndings.size());
}

TEST_CASE("the names of events are what documents and clients rely on") {
  std::vector<std::string> names;
  for (const EventData& data : one_of_each()) names.emplace_back(name_of(data));
  CHECK(names == std::vector<std::string>{
                     "text",           "reasoning",      "refusal",         "tool_call",     "usage",
                     "finished",       "failed",         "run_started",     "step_started",  "step_finished",
                     "tool_started",   "policy_decided", "tool_progress",   "tool_finished", "approval_requested",
                     "question_asked", "in_doubt",       "memory_recalled", "delegated",     "model_chosen",
                     "retried",        "notice",         "run_finished"});
}

TEST_CASE("an event is one flat object, without what is not there") {
  CHECK(json::serialize(to_json(Event{"", TextDelta{"x"}})) == R"({"event":"text","text":"x"})");
  CHECK(json::serialize(to_json(Event{"c", StepStarted{2}})) == R"({"event":"step_started","path":"c","step":2})");
}

TEST_CASE("what is no event is refused, by name where it has one") {
  const auto refused = [](std::string_view text) {
    const Error error = error_of([&] { (void)event_from_json(json::parse(text)); });
    CHECK(error.code() == errc::invalid_argument);
    return error.message();
  };
  CHECK(refused(R"({"event":"txt","text":"x"})") == "unknown event 'txt'");
  CHECK(refused(R"({"text":"x"})") == "unknown event ''");
  CHECK(refused(R"([])") == "unknown event ''");
  CHECK(refused(R"({"event":7})") == "unknown event ''");
  CHECK(refused(R"({"event":"finished","reason":"bored"})") == "unknown value 'bored'");
  for (const char* wrong :
       {R"({"event":"text","text":7})", R"({"event":"step_started","step":-1})",
        R"({"event":"step_started","step":"1"})", R"({"event":"step_started","step":5000000000})",
        R"({"event":"memory_recalled","notes":[1]})", R"({"event":"finished","reason":1})",
        R"({"event":"tool_call","call":0,"whole":"yes"})", R"({"event":"tool_finished","result":{"is_error":1}})",
        R"({"event":"run_finished","outcome":{"cost":{"amount":"x"}}})",
        R"({"event":"run_finished","outcome":{"cost":{}}})"}) {
    INFO(wrong);
    CHECK(refused(wrong).find("a field of the wrong type") != std::string::npos);
  }
}

TEST_CASE("adjacent deltas of one kind become one") {
  CHECK(merged({{"", TextDelta{"a"}}, {"", TextDelta{"b"}}, {"", TextDelta{""}}, {"", TextDelta{"c"}}}) ==
        std::vector<Event>{{"", TextDelta{"abc"}}});
  CHECK(merged({{"", RefusalDelta{"a"}}, {"", RefusalDelta{"b"}}}) == std::vector<Event>{{"", RefusalDelta{"ab"}}});
  CHECK(merged({{"", ToolProgress{"1", "a"}}, {"", ToolProgress{"1", "b"}}, {"", ToolProgress{"2", "c"}}}) ==
        std::vector<Event>{{"", ToolProgress{"1", "ab"}}, {"", ToolProgress{"2", "c"}}});
  CHECK(merged({{"", UsageUpdate{{1, 1, std::nullopt, std::nullopt}}},
                {"", UsageUpdate{{1, 9, std::nullopt, std::nullopt}}}}) ==
        std::vector<Event>{{"", UsageUpdate{{1, 9, std::nullopt, std::nullopt}}}});
}

TEST_CASE("deltas of different kinds, agents or calls stay apart") {
  const std::vector<Event> apart{
      {"", TextDelta{"a"}}, {"x", TextDelta{"b"}}, {"", TextDelta{"c"}}, {"", ReasoningDelta{"d", nullptr}},
      {"", TextDelta{"e"}}, {"", StepStarted{1}},  {"", StepStarted{1}}, {"", Notice{"f"}},
      {"", Notice{"f"}}};
  CHECK(merged(apart) == apart);
}

TEST_CASE("a signature ends a block of reasoning: what follows is not merged into it") {
  CHECK(
      merged({{"", ReasoningDelta{"a", nullptr}},
              {"", ReasoningDelta{"b", json::value("s1")}},
              {"", ReasoningDelta{"c", nullptr}},
              {"", ReasoningDelta{"", json::value("s2")}}}) ==
      std::vector<Event>{{"", ReasoningDelta{"ab", json::value("s1")}}, {"", ReasoningDelta{"c", json::value("s2")}}});
}

TEST_CASE("pieces of a call are merged, its openings and whole arguments are not") {
  CHECK(merged({{"", ToolCallDelta{0, "a", "f", std::nullopt, false}},
                {"", ToolCallDelta{0, "", "", "{", false}},
                {"", ToolCallDelta{0, "", "", "}", false}},
                {"", ToolCallDelta{1, "", "", "x", false}},
                {"", ToolCallDelta{1, "b", "g", std::nullopt, false}},
                {"", ToolCallDelta{1, "", "", "{}", true}},
                {"", ToolCallDelta{1, "", "", "y", false}}}) ==
        std::vector<Event>{{"", ToolCallDelta{0, "a", "f", "{}", false}},
                           {"", ToolCallDelta{1, "", "", "x", false}},
                           {"", ToolCallDelta{1, "b", "g", std::nullopt, false}},
                           {"", ToolCallDelta{1, "", "", "{}", true}},
                           {"", ToolCallDelta{1, "", "", "y", false}}});
}

TEST_CASE("an error's JSON says no more than there is") {
  CHECK(json::serialize(to_json(Error(errc::limit, "enough"))) == R"({"code":"limit","message":"enough"})");
}
