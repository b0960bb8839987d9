#include <sennit/backends/llama/llama_answer.hpp>

#include <catch2/catch_test_macros.hpp>

namespace sennit::testing {
namespace {

LlamaReading with_tools() {
  LlamaReading reading;
  reading.tools = true;
  reading.think = ThinkStart::tagged;
  return reading;
}

/// What a text gives, whole and byte by byte, which must be the same.
std::vector<Event> read(const LlamaReading& reading, std::string_view text, bool complete = true) {
  std::vector<Event> whole;
  LlamaAnswer at_once(reading);
  at_once.push(text, whole);
  at_once.finish(complete, whole);
  std::vector<Event> merged;
  LlamaAnswer slowly(reading);
  for (const char& c : text) {
    std::vector<Event> events;
    slowly.push({&c, 1}, events);
    for (Event& event : events) append_merged(merged, std::move(event));
  }
  std::vector<Event> events;
  slowly.finish(complete, events);
  for (Event& event : events) append_merged(merged, std::move(event));
  std::vector<Event> expected;
  for (const Event& event : whole) append_merged(expected, event);
  CHECK(merged == expected);
  CHECK(at_once.calls() == slowly.calls());
  return expected;
}

TEST_CASE("free text is text, whatever it looks like") {
  const std::vector<Event> events = read({}, "é <tool_call>{}</tool_call> \xF0\x9F\x98\x80");
  CHECK(events == std::vector<Event>{{{}, TextDelta{"é <tool_call>{}</tool_call> \xF0\x9F\x98\x80"}}});
}

TEST_CASE("a character that was cut in two is put together again, and one that stays broken is replaced") {
  CHECK(read({}, "a\xC3\xA9") == std::vector<Event>{{{}, TextDelta{"aé"}}});
  CHECK(read({}, "a\xC3") == std::vector<Event>{{{}, TextDelta{"a\xEF\xBF\xBD"}}});
}

TEST_CASE("thoughts, text and calls are told apart") {
  const std::vector<Event> events = read(with_tools(),
                                         "<think>\nhm <tool_call> hm\n</think>\n\nI look.\n<tool_call>\n"
                                         R"({"name": "find", "arguments": {"q": "a}\"{", "n": [1, {}]}})"
                                         "\n</tool_call>\n<tool_call>{\"name\":\"b\",\"arguments\":{}}</tool_call>\n");
  CHECK(events == std::vector<Event>{
                      {{}, ReasoningDelta{"hm <tool_call> hm\n", {}}},
                      {{}, TextDelta{"I look."}},
                      {{}, ToolCallDelta{0, {}, "find", R"({"q": "a}\"{", "n": [1, {}]})", false}},
                      {{}, ToolCallDelta{1, {}, "b", "{}", false}},
                  });
}

TEST_CASE("a call's arguments arrive while they are written") {
  LlamaAnswer answer(with_tools());
  std::vector<Event> events;
  answer.push(R"(<tool_call>{"name":"write","arguments":{"text":"one )", events);
  REQUIRE_FALSE(events.empty());
  CHECK(std::get<ToolCallDelta>(events.back().data).arguments == R"({"text":"one )");
  CHECK(std::get<ToolCallDelta>(events.front().data).name == "write");
}

TEST_CASE("a call in another order is read when it is whole, and what is no call stays text") {
  CHECK(read(with_tools(), R"(<tool_call>{"arguments":{"a":1},"name":"f"}</tool_call>)") ==
        std::vector<Event>{{{}, ToolCallDelta{0, {}, "f", R"({"a":1})", true}}});
  CHECK(read(with_tools(), "a <tool_call>nonsense</tool_call> b") ==
        std::vector<Event>{{{}, TextDelta{"a<tool_call>nonsense</tool_call> b"}}});
}

TEST_CASE("a call that was cut off keeps what there is") {
  const std::vector<Event> events = read(with_tools(), R"(<tool_call>{"name":"f","arguments":{"a":"b)", false);
  CHECK(events == std::vector<Event>{{{}, ToolCallDelta{0, {}, "f", R"({"a":"b)", false}}});
  CHECK(read(with_tools(), R"(<tool_call>{"na)", false) == std::vector<Event>{{{}, TextDelta{R"(<tool_call>{"na)"}}});
}

TEST_CASE("an answer ends before the first of its stop texts") {
  LlamaReading reading;
  reading.stop = {"END", "\n\n"};
  CHECK(read(reading, "one EN two\nEND three\n\n") == std::vector<Event>{{{}, TextDelta{"one EN two\n"}}});
  CHECK(read(reading, "one E") == std::vector<Event>{{{}, TextDelta{"one E"}}});
  LlamaAnswer answer(reading);
  std::vector<Event> events;
  answer.push("a\n\nb", events);
  CHECK(answer.stopped());
}

}  // namespace
}  // namespace sennit::testing
