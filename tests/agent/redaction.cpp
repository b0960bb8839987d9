// A model's deltas without secrets: in their order, complete, and no later than need be.
#include "support/forgetting.hpp"
#include "support/world.hpp"
#include <sennit/agent/completion.hpp>
#include <sennit/agent/io/base64.hpp>
#include <sennit/agent/redaction.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sennit;
using namespace sennit::testing;

/// All that a stream of these events tells, each event in a batch of its own.
std::vector<EventData> told(const std::vector<EventData>& events) {
  DeltaRedaction redaction;
  std::vector<EventData> all;
  for (const EventData& data : events) {
    std::vector<Event> batch{{{}, data}};
    for (Event& event : redaction.take(batch)) all.push_back(std::move(event.data));
  }
  return all;
}

ToolCallDelta arguments(std::uint32_t call, std::string text) {
  ToolCallDelta delta;
  delta.call = call;
  delta.arguments = std::move(text);
  return delta;
}

Completion completion(const std::vector<EventData>& events) {
  CompletionBuilder builder("test");
  for (const EventData& data : events) builder.take(Event{{}, data});
  return std::move(builder).finish();
}

using Events = std::vector<EventData>;

}  // namespace

TEST_CASE("without a beginning of a secret deltas pass as they come") {
  const Forgetting forgetting;
  secrets::add("#delta-secret-1");
  const Events events{ReasoningDelta{"hm", nullptr},
                      TextDelta{"one "},
                      TextDelta{"two"},
                      RefusalDelta{"no"},
                      UsageUpdate{},
                      Finished{}};
  CHECK(told(events) == events);
}

TEST_CASE("a secret over several deltas of a channel is blotted out, at every cut") {
  const Forgetting forgetting;
  secrets::add("#delta-secret-1");
  const std::string text = "it is #delta-secret-1, is it?";
  for (std::size_t first = 1; first + 1 < text.size(); ++first) {
    for (std::size_t second = first; second < text.size(); second += 3) {
      const std::vector<std::string> pieces{text.substr(0, first), text.substr(first, second - first),
                                            text.substr(second)};
      Events events;
      for (const std::string& piece : pieces) events.emplace_back(ReasoningDelta{piece, nullptr});
      for (const std::string& piece : pieces) events.emplace_back(TextDelta{piece});
      for (const std::string& piece : pieces) events.emplace_back(RefusalDelta{piece});
      ToolCallDelta open = arguments(0, "{\"x\":\"");
      open.id = "call_1";
      open.name = "look";
      events.emplace_back(open);
      for (const std::string& piece : pieces) events.emplace_back(arguments(0, piece));
      events.emplace_back(arguments(0, "\"}"));
      events.emplace_back(Finished{StopReason::stop, {}});
      const Completion made = completion(told(events));
      const std::string clean = "it is ***, is it?";
      REQUIRE(made.message.parts.size() == 3);
      CHECK(std::get<Reasoning>(made.message.parts[0]).text == clean);
      CHECK(made.message.text() == clean);
      CHECK(made.refusal == clean);
      CHECK(made.message.tool_calls().at(0)->arguments == "{\"x\":\"" + clean + "\"}");
    }
  }
}

TEST_CASE("what is held back is told before another part of the answer begins, and at the end") {
  const Forgetting forgetting;
  secrets::add("#delta-secret-1");
  CHECK(told({ReasoningDelta{"a #de", nullptr}, TextDelta{"b #de"}, arguments(0, "{}"), Finished{}}) ==
        Events{ReasoningDelta{"a ", nullptr}, ReasoningDelta{"#de", nullptr}, TextDelta{"b "}, TextDelta{"#de"},
               arguments(0, "{}"), Finished{}});
  CHECK(told({TextDelta{"#delta-secret-"}, RefusalDelta{"#d"}, Failed{Error(errc::truncated, "x")}}) ==
        Events{TextDelta{"#delta-secret-"}, RefusalDelta{"#d"}, Failed{Error(errc::truncated, "x")}});
}

TEST_CASE("what is held back when an answer is cut short is not lost") {
  const Forgetting forgetting;
  secrets::add("#delta-secret-1");
  DeltaRedaction redaction;
  std::vector<Event> batch{{{}, TextDelta{"a #delta"}}};
  CHECK(redaction.take(batch).size() == 1);
  const std::span<Event> rest = redaction.rest();
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].data == EventData{TextDelta{"#delta"}});
  CHECK(redaction.rest().empty());
}

TEST_CASE("calls whose deltas alternate are each a channel") {
  const Forgetting forgetting;
  secrets::add("#delta-secret-1");
  const Completion made = completion(told({arguments(0, "[\"#delta-"), arguments(1, "[\"#delta-"),
                                           arguments(0, "secret-1\"]"), arguments(1, "other\"]"), Finished{}}));
  CHECK(made.message.tool_calls().at(0)->arguments == "[\"***\"]");
  CHECK(made.message.tool_calls().at(1)->arguments == "[\"#delta-other\"]");
}

TEST_CASE("arguments that come as a whole are clean as a whole") {
  const Forgetting forgetting;
  secrets::add("#delta-secret-1");
  ToolCallDelta whole = arguments(0, R"({"a":"#delta-secret-1"})");
  whole.id = "#delta-secret-1";
  whole.whole = true;
  const Events events = told({whole, Finished{}});
  CHECK(std::get<ToolCallDelta>(events.at(0)).arguments == R"({"a":"***"})");
  CHECK(std::get<ToolCallDelta>(events.at(0)).id == "***");
}

TEST_CASE("a provider's signature goes with the words that it signed") {
  const Forgetting forgetting;
  secrets::add("#delta-secret-1");
  CHECK(told({ReasoningDelta{"fine", nullptr}, ReasoningDelta{"", "signed"}}) ==
        Events{ReasoningDelta{"fine", nullptr}, ReasoningDelta{"", "signed"}});
  CHECK(told({ReasoningDelta{"#delta-secret", nullptr}, ReasoningDelta{"-1", "signed"},
              ReasoningDelta{"another", "signed too"}}) ==
        Events{ReasoningDelta{"***", nullptr}, ReasoningDelta{"another", "signed too"}});
}

TEST_CASE("what a provider says of its failure is blotted out in all its words") {
  const Forgetting forgetting;
  secrets::add("#delta-secret-1");
  const Error error = Error(errc::server, "m #delta-secret-1")
                          .at("w #delta-secret-1")
                          .provider(500, "t #delta-secret-1", "p #delta-secret-1")
                          .retry(std::chrono::milliseconds{7});
  const Error clean =
      Error(errc::server, "m ***").at("w ***").provider(500, "t ***", "p ***").retry(std::chrono::milliseconds{7});
  CHECK(redacted(error) == clean);
  CHECK(told({Failed{error}}) == Events{Failed{clean}});
}

TEST_CASE("each event but deltas is blotted out wherever it has words") {
  const Forgetting forgetting;
  secrets::add("#delta-secret-1");
  Outcome outcome;
  outcome.text = outcome.detail = "#delta-secret-1";
  outcome.output = json::array{"#delta-secret-1"};
  outcome.error = Error(errc::io, "#delta-secret-1");
  const ToolCall call{"c", "#delta-secret-1", "{\"x\":\"#delta-secret-1\"}"};
  for (EventData data : Events{
           ToolStarted{call}, ToolProgress{"c", "#delta-secret-1"},
           ToolFinished{{"c", "n", "#delta-secret-1", true}, {}}, ApprovalRequested{"i", call, "#delta-secret-1"},
           QuestionAsked{"i", "#delta-secret-1"}, InDoubt{"i", call}, MemoryRecalled{{"a", "#delta-secret-1"}},
           Delegated{"a", "#delta-secret-1"}, ModelChosen{"m", "#delta-secret-1"},
           Retried{2, {}, Error(errc::server, "#delta-secret-1")}, Notice{"#delta-secret-1"}, RunFinished{outcome}}) {
    const std::size_t kind = data.index();
    redact_in(data);
    CHECK(data.index() == kind);
    const std::string text = json::serialize(to_json(Event{{}, data}));
    CHECK(text.find("#delta") == std::string::npos);
    CHECK(text.find("***") != std::string::npos);
  }
}

TEST_CASE("files of a message lose their secrets and stay Base64; pictures are not looked at") {
  const Forgetting forgetting;
  secrets::add("#delta-secret-1");
  const std::string bytes = "a text with #delta-secret-1 in it";
  Message message = user_message("say #delta-secret-1",
                                 {{"text/plain", encode_base64(bytes), ""}, {"image/png", encode_base64(bytes), ""}});
  redact_in(message);
  CHECK(message.text() == "say ***");
  const auto data = [&](std::size_t part) {
    return decode_base64(std::get<Blob>(message.parts.at(part)).data).value_or("no Base64");
  };
  CHECK(data(1).size() == bytes.size());
  CHECK(data(1).find("delta-secret") == std::string::npos);
  CHECK(data(2) == bytes);
}

TEST_CASE("what tools give and ask is clean before the model or a person gets it, and a replay is the same") {
  const Forgetting forgetting;
  secrets::add("#run-secret-12345");
  World world(plays({{.events = {calls(0, "c1", "ask", R"({"question":"is it #run-secret-12345?"})")}},
                     {.events = {TextDelta{"done"}}}}),
              {.state = {}});
  Definition definition;
  definition.tools = {{"ask", {}}};
  Run run = world.agent(definition).session().start("hello #run-secret-12345");
  std::string events;
  while (const auto batch = elsewhere(run.next())) {
    for (const Event& event : *batch) {
      events += json::serialize(to_json(event)) + "\n";
      if (const auto* asked = std::get_if<QuestionAsked>(&event.data)) run.answer(asked->id, "it is #run-secret-12345");
    }
  }
  CHECK(run.outcome().text == "done");
  CHECK(events.find("run-secret") == std::string::npos);
  CHECK(events.find("it is ***") != std::string::npos);
}
