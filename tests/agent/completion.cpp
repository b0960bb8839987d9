// A completion put together from the events of a stream, in whatever order they come.
#include "support/fixtures.hpp"
#include <sennit/agent/completion.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace sennit;
using namespace sennit::testing;

namespace {

Completion built(std::vector<EventData> data) {
  CompletionBuilder builder("here");
  for (EventData& one : data) builder.take(Event{"", std::move(one)});
  return std::move(builder).finish();
}

ToolCallDelta opened(std::uint32_t call, std::string id, std::string name) {
  return {call, std::move(id), std::move(name), std::nullopt, false};
}

ToolCallDelta more(std::uint32_t call, std::string arguments) {
  return {call, "", "", std::move(arguments), false};
}

}  // namespace

TEST_CASE("an empty stream gives an assistant message without parts") {
  const Completion completion = built({});
  CHECK(completion.message.role == Role::assistant);
  CHECK(completion.message.parts.empty());
  CHECK(completion.reason == StopReason::stop);
  CHECK(built({TextDelta{""}, ReasoningDelta{"", nullptr}, Finished{}}).message.parts.empty());
}

TEST_CASE("parts stand in the order in which they began") {
  const Completion completion = built({opened(0, "a", "f"), TextDelta{"Hel"}, ReasoningDelta{"hm", nullptr},
                                       more(0, "{}"), TextDelta{"lo"}, Finished{StopReason::tool_calls, "x"}});
  CHECK(completion.message.parts ==
        std::vector<Part>{ToolCall{"a", "f", "{}"}, Text{"Hel"}, Reasoning{"hm", "here", nullptr}, Text{"lo"}});
  CHECK(completion.reason == StopReason::tool_calls);
}

TEST_CASE("deltas of several calls interleave, and calls are opened in any order") {
  const Completion completion = built({opened(1, "b", "g"), more(1, "{\"x\""), opened(0, "a", "f"), more(0, "{"),
                                       more(1, ":1}"), more(0, "}"), opened(2, "c", "h")});
  CHECK(completion.message.parts ==
        std::vector<Part>{ToolCall{"b", "g", "{\"x\":1}"}, ToolCall{"a", "f", "{}"}, ToolCall{"c", "h", ""}});
}

TEST_CASE("a call's arguments may come before its id and name") {
  const Completion completion = built({more(0, "{}"), opened(0, "", "f"), opened(0, "a", "")});
  CHECK(completion.message.parts == std::vector<Part>{ToolCall{"a", "f", "{}"}});
}

TEST_CASE("an id or name that is sent again is not appended") {
  const Completion completion = built({opened(0, "a", "f"), opened(0, "a", "f"), more(0, "{}")});
  CHECK(completion.message.parts == std::vector<Part>{ToolCall{"a", "f", "{}"}});
}

TEST_CASE("whole arguments replace what came before them") {
  const Completion completion = built({opened(0, "a", "f"), more(0, "{\"par"), ToolCallDelta{0, "", "", "{}", true}});
  CHECK(completion.message.parts == std::vector<Part>{ToolCall{"a", "f", "{}"}});
}

TEST_CASE("numbers that a stream leaves out are no calls") {
  const Completion completion = built({opened(1, "a", "f"), more(1, "{}"), opened(3, "b", "g")});
  CHECK(completion.message.parts == std::vector<Part>{ToolCall{"a", "f", "{}"}, ToolCall{"b", "g", ""}});
}

TEST_CASE("a call that was opened without a name is kept: the model hears of it") {
  const Completion completion = built({opened(0, "a", "")});
  CHECK(completion.message.parts == std::vector<Part>{ToolCall{"a", "", ""}});
}

TEST_CASE("more calls than one completion may hold are an error, and take no memory") {
  CompletionBuilder builder("here");
  builder.take(Event{"", opened(kMaxToolCalls - 1, "a", "f")});
  const Error error = error_of([&] { builder.take(Event{"", opened(kMaxToolCalls, "b", "g")}); });
  CHECK(error.code() == errc::too_large);
  CHECK(error.message() == "the model opened more than 128 tool calls at once");
  CHECK(error_of([&] { builder.take(Event{"", opened(0xFFFF'FFFF, "b", "g")}); }).code() == errc::too_large);
  CHECK(std::move(builder).finish().message.tool_calls().size() == 1);
}

TEST_CASE("each signature closes a block of reasoning, which keeps it exactly") {
  const json::value signature = {{"signature", "c2ln"}, {"n", 1}};
  const Completion completion =
      built({ReasoningDelta{"one ", nullptr}, ReasoningDelta{"two", signature}, ReasoningDelta{"three", nullptr},
             ReasoningDelta{"", json::value("encrypted")}, ReasoningDelta{"open", nullptr}});
  CHECK(completion.message.parts == std::vector<Part>{Reasoning{"one two", "here", signature},
                                                      Reasoning{"three", "here", json::value("encrypted")},
                                                      Reasoning{"open", "here", nullptr}});
}

TEST_CASE("a block of reasoning that is nothing but opaque is kept") {
  const Completion completion = built({ReasoningDelta{"", json::value("redacted")}, TextDelta{"answer"}});
  CHECK(completion.message.parts == std::vector<Part>{Reasoning{"", "here", json::value("redacted")}, Text{"answer"}});
}

TEST_CASE("the last usage counts") {
  const Completion completion = built({UsageUpdate{{10, 1, std::nullopt, std::nullopt}}, TextDelta{"x"},
                                       UsageUpdate{{10, 7, 4, std::nullopt}}, Finished{}});
  CHECK(completion.usage == Usage{10, 7, 4, std::nullopt});
}

TEST_CASE("a refusal is kept apart from the text") {
  const Completion completion =
      built({RefusalDelta{"I will "}, RefusalDelta{"not"}, Finished{StopReason::refusal, ""}});
  CHECK(completion.refusal == "I will not");
  CHECK(completion.message.parts.empty());
  CHECK(completion.reason == StopReason::refusal);
}

TEST_CASE("anything that a person could have seen makes a completion visible") {
  const auto visible = [](EventData data) {
    CompletionBuilder builder("here");
    builder.take(Event{"", std::move(data)});
    return builder.visible();
  };
  CHECK(visible(TextDelta{"x"}));
  CHECK(visible(ReasoningDelta{"x", nullptr}));
  CHECK(visible(RefusalDelta{"x"}));
  CHECK(visible(opened(0, "a", "f")));
  CHECK_FALSE(visible(UsageUpdate{{1, 1, std::nullopt, std::nullopt}}));
  CHECK_FALSE(visible(TextDelta{""}));
  CHECK_FALSE(visible(ReasoningDelta{"", json::value("an encrypted block")}));
  CHECK_FALSE(visible(Finished{}));
}

TEST_CASE("every byte that the model wrote is counted, of whatever kind") {
  CompletionBuilder builder("here");
  builder.take(Event{"", TextDelta{"12"}});
  builder.take(Event{"", ReasoningDelta{"345", json::value("not counted")}});
  builder.take(Event{"", RefusalDelta{"6"}});
  builder.take(Event{"", more(0, "7890")});
  CHECK(builder.written() == 10);
  CHECK(builder.text() == "12");
}
