#include "backends/messages/messages_bodies.hpp"

#include <catch2/catch_test_macros.hpp>

#include <variant>
#include <vector>

namespace sennit::testing::messages {
namespace {

std::vector<Event> events_of(std::string_view body, std::size_t piece = std::string::npos) {
  DecoderOptions options;
  options.api = Api::messages;
  options.names.title = "the server";
  return decode(body, options, piece);
}

std::vector<Event> content_of(std::string_view body) {
  return testing::content_of(events_of(body));
}

Usage last_usage(const std::vector<Event>& events) {
  Usage usage;
  for (const Event& event : events) {
    if (const auto* update = std::get_if<UsageUpdate>(&event.data)) usage = update->usage;
  }
  return usage;
}

json::value signed_by(std::string_view words) {
  return json::object{{"signature", words}};
}

TEST_CASE("a Messages stream gives its text, its counts and its end") {
  const std::string body = sse({kStart, open("0", kText), kPing, text("0", "hel"), text("0", "lo"), close("0"),
                                end("end_turn"), kStop, text("0", "after the end")});
  const std::vector<Event> whole = events_of(body);
  CHECK(whole == std::vector<Event>{event(UsageUpdate{{3, 1, {}, {}}}), event(TextDelta{"hello"}),
                                    event(UsageUpdate{{3, 7, {}, {}}}), event(Finished{StopReason::stop, "end_turn"})});
  CHECK(text_of(events_of(body, 1)) == "hello");
  AnswerDecoder decoder({.api = Api::messages, .names = {}, .advice = {}});
  std::vector<Event> events;
  decoder.push(sse({kStart, text("0", "a"), text("0", ""), end("end_turn")}), events);
  CHECK(decoder.pieces() == 1);
  CHECK(decoder.complete());
  CHECK_FALSE(decoder.done());
  decoder.push(sse({kStop}), events);
  CHECK(decoder.done());
}

TEST_CASE("a thinking block ends in its signature, exactly as it came") {
  CHECK(content_of(sse({kStart, open("0", kThinking), thought("0", "h"), thought("0", "m"), signature("0", "c2ln+/=="),
                        close("0"), open("1", kText), text("1", "a"), close("1"), end("end_turn"), kStop})) ==
        std::vector<Event>{event(ReasoningDelta{"hm", nullptr}), event(ReasoningDelta{"", signed_by("c2ln+/==")}),
                           event(TextDelta{"a"})});
}

TEST_CASE("thoughts that are not shown still have a signature") {
  CHECK(content_of(sse({kStart, open("0", kThinking), signature("0", "s"), close("0"), end("end_turn"), kStop})) ==
        std::vector<Event>{event(ReasoningDelta{"", signed_by("s")})});
}

TEST_CASE("redacted thinking comes whole and has no text") {
  CHECK(content_of(
            sse({kStart, open("0", R"({"type":"redacted_thinking","data":"ZW5j"})"), close("0"),
                 open("1", R"({"type":"redacted_thinking","data":"cnlw"})"), close("1"), end("end_turn"), kStop})) ==
        std::vector<Event>{event(ReasoningDelta{"", json::object{{"redacted_thinking", "ZW5j"}}}),
                           event(ReasoningDelta{"", json::object{{"redacted_thinking", "cnlw"}}})});
}

TEST_CASE("a signature covers the thoughts of its own block only") {
  const std::vector<Event> expected = {event(ReasoningDelta{"a", nullptr}), event(ReasoningDelta{"", signed_by("")}),
                                       event(ReasoningDelta{"b", nullptr}), event(ReasoningDelta{"", signed_by("s")}),
                                       event(ReasoningDelta{"c", nullptr})};
  CHECK(content_of(sse({kStart, open("0", kThinking), thought("0", "a"), close("0"), open("1", kThinking),
                        thought("1", "b"), signature("1", "s"), close("1"), open("2", kThinking), thought("2", "c"),
                        close("2"), end("end_turn"), kStop})) == expected);
  // The same without the ends of the blocks.
  CHECK(content_of(sse({kStart, open("0", kThinking), thought("0", "a"), open("1", kThinking), thought("1", "b"),
                        signature("1", "s"), open("2", kThinking), thought("2", "c"), end("end_turn"), kStop})) ==
        expected);
  const std::vector<Event> cut = events_of(sse({kStart, open("0", kThinking), thought("0", "a"), signature("0", "s")}));
  REQUIRE(cut.size() == 4);
  CHECK(cut[2] == event(ReasoningDelta{"", signed_by("s")}));
}

TEST_CASE("calls may interleave and are told apart by their blocks") {
  const std::string body = sse({kStart, open("0", kText), text("0", "a"), close("0"), tool("1", "c1", "f"),
                                input("1", ""), tool("2", "c2", "g"), input("2", "{\"y\""), input("1", "{\"x\":"),
                                input("1", "1}"), input("2", ":2}"), close("1"), close("2"), end("tool_use"), kStop});
  CHECK(content_of(body) == std::vector<Event>{event(TextDelta{"a"}), event(ToolCallDelta{0, "c1", "f", "", false}),
                                               event(ToolCallDelta{1, "c2", "g", "{\"y\"", false}),
                                               event(ToolCallDelta{0, "", "", "{\"x\":1}", false}),
                                               event(ToolCallDelta{1, "", "", ":2}", false})});
  CHECK(finished(events_of(body)) == Finished{StopReason::tool_calls, "tool_use"});
}

TEST_CASE("a call may open with its input, which counts if no pieces follow") {
  const auto call_of = [](std::initializer_list<std::string_view> events) {
    std::vector<Event> found = content_of(sse(events));
    std::vector<ToolCallDelta> calls;
    for (const Event& event : found) calls.push_back(std::get<ToolCallDelta>(event.data));
    return calls;
  };
  const std::string opened = tool("0", "c", "f", R"({"x":1})");
  const std::vector<ToolCallDelta> whole = {{0, "c", "f", {}, false}, {0, "", "", R"({"x":1})", true}};
  CHECK(call_of({kStart, opened, close("0"), end("tool_use"), kStop}) == whole);
  CHECK(call_of({kStart, opened, input("0", ""), close("0"), end("tool_use"), kStop}) == whole);
  CHECK(call_of({kStart, opened, end("tool_use"), kStop}) == whole);
  CHECK(call_of({kStart, opened, input("0", "{}"), close("0"), end("tool_use"), kStop}) ==
        std::vector<ToolCallDelta>{{0, "c", "f", "{}", false}});
  CHECK(call_of({kStart, tool("0", "c", "f", R"("{\"x\":1}")"), close("0"), end("tool_use"), kStop}) ==
        std::vector<ToolCallDelta>{{0, "c", "f", R"({"x":1})", false}});
}

TEST_CASE("a message that opens whole is read whole") {
  const std::vector<Event> events = events_of(sse(
      {R"({"type":"message_start","message":{"content":[{"type":"tool_use","id":"c","name":"f","input":{"x":1}}],"stop_reason":"tool_use","usage":{"input_tokens":0,"output_tokens":0}}})",
       kStop}));
  REQUIRE(events.size() == 3);
  CHECK(events[1] == event(ToolCallDelta{0, "c", "f", R"({"x":1})", true}));
  CHECK(finished(events) == Finished{StopReason::tool_calls, "tool_use"});
  // But a reason that comes before the answer is none.
  const std::string early = R"({"type":"message_start","message":{"content":[],"stop_reason":"end_turn"}})";
  CHECK(failed(events_of(sse({early, text("0", "a")}))).code() == errc::truncated);
}

TEST_CASE("what the server's own tools do is no call") {
  const std::vector<Event> events = events_of(sse(
      {kStart, open("0", R"({"type":"server_tool_use","id":"s1","name":"web_search","input":{}})"),
       input("0", "{\"query\":\"q\"}"), close("0"),
       open(
           "1",
           R"({"type":"web_search_tool_result","tool_use_id":"s1","content":[{"type":"web_search_result","title":"t"}]})"),
       close("1"), open("2", R"({"type":"mcp_tool_use","id":"s2","name":"m","input":{"x":1}})"), close("2"),
       open("3", kText), delta("3", R"({"type":"citations_delta","citation":{"cited_text":"c"}})"), text("3", "a"),
       close("3"), end("end_turn"), kStop}));
  CHECK(events.size() == 4);
  CHECK(text_of(events) == "a");
  CHECK(finished(events).reason == StopReason::stop);
}

TEST_CASE("the words for the end of a Messages answer") {
  const auto reason_of = [](std::string_view word) {
    return finished(events_of(sse({kStart, text("0", "a"), end(word), kStop})));
  };
  CHECK(reason_of("end_turn") == Finished{StopReason::stop, "end_turn"});
  CHECK(reason_of("stop_sequence") == Finished{StopReason::stop, "stop_sequence"});
  CHECK(reason_of("max_tokens") == Finished{StopReason::length, "max_tokens"});
  CHECK(reason_of("model_context_window_exceeded").reason == StopReason::length);
  CHECK(reason_of("pause_turn") == Finished{StopReason::other, "pause_turn"});
  CHECK(reason_of("refusal") == Finished{StopReason::refusal, "refusal"});
}

TEST_CASE("the provider's explanation of a refusal is its words") {
  const auto refusal = [](std::string_view details) {
    const std::string last = end("refusal", std::string(R"(,"stop_details":)").append(details));
    return content_of(sse({kStart, text("0", "a"), last, last, kStop}));
  };
  CHECK(refusal(R"({"type":"refusal","category":"bio","explanation":"Not this."})") ==
        std::vector<Event>{event(TextDelta{"a"}), event(RefusalDelta{"Not this."})});
  for (const std::string_view none : {"null", "{}", R"({"category":"bio","explanation":null})", "[]", "3"}) {
    CHECK(refusal(none).size() == 1);
  }
  CHECK(content_of(sse({kStart, end("end_turn", R"(,"stop_details":{"explanation":"x"})"), kStop})).empty());
}

TEST_CASE("an error breaks a Messages stream, and what came before stays") {
  const std::vector<Event> events =
      events_of(sse({kStart, text("0", "a")}) +
                "event: error\ndata: "
                "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n");
  CHECK(text_of(events) == "a");
  CHECK(failed(events).code() == errc::overloaded);
  CHECK(failed(events).retryable());
  CHECK(failed(events).provider_type() == "overloaded_error");
  CHECK(failed(events).provider_message() == "Overloaded");
  const auto error_of = [](std::string_view object) {
    return failed(events_of(sse({kStart, text("0", "a"), end("end_turn"), object, kStop})));
  };
  CHECK(error_of(R"({"type":"error","message":"lost","code":529})").code() == errc::overloaded);
  CHECK(error_of(R"({"type":"error"})").code() == errc::server);
  CHECK(error_of(R"({"type":"error","error":null})").code() == errc::server);
  CHECK(error_of(R"({"error":{"type":"rate_limit_error","message":"slow down"}})").code() == errc::rate_limited);
  CHECK(error_of(R"({"error":"lost"})").provider_message() == "lost");
}

TEST_CASE("a Messages stream that stops before its end is truncated") {
  CHECK(failed(events_of(sse({kStart, text("0", "a"), close("0")}))).code() == errc::truncated);
  CHECK(failed(events_of(sse({kPing, kStop}))).code() == errc::protocol);
  CHECK(finished(events_of(sse({kStart, kStop}))) == Finished{StopReason::stop, ""});
  CHECK(finished(events_of(sse({kStart, end("end_turn")}))).reason == StopReason::stop);
}

TEST_CASE("the input of a Messages answer counts what the cache read and wrote") {
  const auto usage_of = [](std::string_view started, std::string_view ended) {
    const std::string start =
        std::string(R"({"type":"message_start","message":{"usage":)").append(started).append("}}");
    const std::string last =
        std::string(R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":)").append(ended).append("}");
    return last_usage(events_of(sse({start, last, kStop})));
  };
  CHECK(usage_of(
            R"({"input_tokens":5,"cache_creation_input_tokens":100,"cache_read_input_tokens":2000,"output_tokens":1})",
            R"({"output_tokens":9,"output_tokens_details":{"thinking_tokens":4}})") == Usage{2105, 9, 2000, 4, 100});
  // The last number of each field counts; null is none.
  CHECK(usage_of(R"({"input_tokens":5,"cache_read_input_tokens":10,"output_tokens":1})",
                 R"({"input_tokens":6,"cache_read_input_tokens":null,"output_tokens":9})") == Usage{16, 9, 10, {}});
  CHECK(usage_of("{}", R"({"cache_read_input_tokens":8})") == Usage{8, {}, 8, {}});
  CHECK(usage_of(R"({"input_tokens":"5","output_tokens":true})", R"({"output_tokens":9.0})") == Usage{{}, 9, {}, {}});
  CHECK(usage_of(R"({"input_tokens":9223372036854775807,"cache_read_input_tokens":18446744073709551615})",
                 R"({"input_tokens":-1,"output_tokens":1e300})") == Usage{});
  CHECK(usage_of("[]", "null") == Usage{});
}

TEST_CASE("a whole Messages answer is read like a streamed one") {
  const std::vector<Event> events = events_of(
      R"({"type":"message","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"d"},
          {"type":"text","text":"a"},{"type":"tool_use","id":"c1","name":"f","input":{}},{"type":"tool_use","id":"c2","name":"g"}],
          "stop_reason":"tool_use","usage":{"input_tokens":3,"cache_read_input_tokens":2,"output_tokens":4}})");
  CHECK(events == std::vector<Event>{event(ReasoningDelta{"hm", nullptr}), event(ReasoningDelta{"", signed_by("s")}),
                                     event(ReasoningDelta{"", json::object{{"redacted_thinking", "d"}}}),
                                     event(TextDelta{"a"}), event(ToolCallDelta{0, "c1", "f", "{}", true}),
                                     event(ToolCallDelta{1, "c2", "g", {}, false}), event(UsageUpdate{{5, 4, 2, {}}}),
                                     event(Finished{StopReason::tool_calls, "tool_use"})});
  CHECK(failed(events_of(R"({"type":"error","error":{"type":"api_error","message":"lost"}})")).code() == errc::server);
  CHECK(failed(events_of(R"({"choices":[{"message":{"content":"a"}}]})")).code() == errc::protocol);
}

TEST_CASE("a Messages answer that opens calls without end is stopped") {
  std::string body = sse({kStart});
  for (std::size_t i = 0; i <= AnswerAssembler::kMaxCalls; ++i) body += sse({tool(std::to_string(i), "c", "f")});
  CHECK_THROWS_AS(events_of(body), Error);
}

}  // namespace
}  // namespace sennit::testing::messages
