// What the parts of Gemini's answers become: text, thoughts, signatures, calls, counts, ends.
#include "backends/gemini/gemini_bodies.hpp"

#include <catch2/catch_test_macros.hpp>

#include <variant>
#include <vector>

namespace sennit::testing::gemini {
namespace {

std::vector<Event> events_of(std::string_view body, std::size_t piece = std::string::npos,
                             Framing framing = Framing::detect) {
  DecoderOptions options;
  options.api = Api::generate_content;
  options.framing = framing;
  options.names.title = "the server";
  return decode(body, options, piece);
}

std::vector<Event> content_of(std::string_view body) {
  return testing::content_of(events_of(body));
}

Event signature(std::string_view words) {
  return event(ReasoningDelta{"", json::object{{"thoughtSignature", words}}});
}

TEST_CASE("a Gemini stream gives its text, its counts and its end") {
  // Google ends its lines with CR LF.
  const std::string body =
      "data: " + text("hel") + "\r\n\r\ndata: " + text("lo") + "\r\n\r\ndata: " + end("STOP") + "\r\n\r\n";
  const std::vector<Event> expected = {event(TextDelta{"hello"}), event(UsageUpdate{{3, 4, {}, {}}}),
                                       event(Finished{StopReason::stop, "STOP"})};
  CHECK(events_of(body) == expected);
  for (const std::size_t piece : {1UL, 7UL, 64UL}) CHECK(events_of(body, piece) == expected);
}

TEST_CASE("a Gemini stream is over when the server hangs up, for its reason may come early") {
  AnswerDecoder decoder({.api = Api::generate_content, .framing = Framing::sse, .names = {}, .advice = {}});
  std::vector<Event> events;
  decoder.push(sse({text("a", R"(,"finishReason":"STOP")"), text("")}), events);
  CHECK(decoder.pieces() == 1);
  CHECK(decoder.complete());
  CHECK_FALSE(decoder.done());
  decoder.push(sse({text("b", R"(,"finishReason":"MAX_TOKENS")")}), events);
  decoder.finish(events);
  CHECK(text_of(events) == "ab");
  CHECK(finished(events) == Finished{StopReason::length, "MAX_TOKENS"});
}

TEST_CASE("a Gemini answer without server-sent events is an array that is read as it comes") {
  const std::string body = "[" + thought("hm") + "\n,\r\n" + text("a[\"}]") + "\n,\n" + end("STOP") + "\n]\n";
  const std::vector<Event> expected = {event(ReasoningDelta{"hm", nullptr}), event(TextDelta{"a[\"}]"}),
                                       event(UsageUpdate{{3, 4, {}, {}}}), event(Finished{StopReason::stop, "STOP"})};
  CHECK(events_of(body) == expected);
  CHECK(events_of(" \n" + body, 1) == expected);
  CHECK(events_of(body, 5, Framing::document) == expected);
  AnswerDecoder decoder({.api = Api::generate_content, .names = {}, .advice = {}});
  std::vector<Event> events;
  decoder.push("[" + text("now"), events);
  CHECK(text_of(events) == "now");
  CHECK(decoder.streamed());
  decoder.push("\n]", events);
  CHECK(decoder.done());

  CHECK(failed(events_of("[" + text("a") + "\n,\n")).code() == errc::truncated);
  CHECK(failed(events_of("[" + text("a") + ",{\"candidates\":[{\"conte")).code() == errc::truncated);
  CHECK(failed(events_of("[]")).code() == errc::truncated);
  CHECK(failed(events_of("[\"hello\"]")).code() == errc::protocol);
  const std::string error = R"({"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}})";
  const std::vector<Event> broken = events_of("[" + text("a") + "," + error + "]");
  CHECK(text_of(broken) == "a");
  CHECK(failed(broken).status() == 503);
}

TEST_CASE("a signature stands right before the part that carried it") {
  CHECK(
      content_of(sse(
          {parts(
               R"({"functionCall":{"name":"f","args":{}},"thoughtSignature":"c2ln+/=="},{"functionCall":{"name":"g","args":{}}})"),
           end("STOP")})) == std::vector<Event>{signature("c2ln+/=="), event(ToolCallDelta{0, "", "f", "{}", true}),
                                                event(ToolCallDelta{1, "", "g", "{}", true})});
  CHECK(content_of(sse({text("a"), parts(R"({"text":"b","thoughtSignature":"s"})"), end("STOP")})) ==
        std::vector<Event>{event(TextDelta{"a"}), signature("s"), event(TextDelta{"b"})});
  // Answers without calls carry it on the last part, which may be empty.
  for (const std::string_view last : {R"({"text":"","thoughtSignature":"s"})", R"({"thoughtSignature":"s"})"}) {
    CHECK(content_of(sse({text("a"), parts(last, R"(,"finishReason":"STOP")")})) ==
          std::vector<Event>{event(TextDelta{"a"}), signature("s")});
  }
  CHECK(content_of(sse({parts(R"({"text":"a","thoughtSignature":""},{"text":"b","thoughtSignature":null})")})) ==
        std::vector<Event>{event(TextDelta{"ab"})});
}

TEST_CASE("a thought that is signed itself is told apart from one before a signed part") {
  CHECK(
      content_of(sse({thought("h"), parts(R"({"text":"m","thought":true,"thoughtSignature":"s"})"), text("a")})) ==
      std::vector<Event>{event(ReasoningDelta{"hm", json::object{{"thoughtSignature", "s"}}}), event(TextDelta{"a"})});
  CHECK(content_of(sse({thought("hm"), parts(R"({"text":"","thought":true,"thoughtSignature":"s"})"), text("a")})) ==
        std::vector<Event>{event(ReasoningDelta{"hm", nullptr}), signature("s"), event(TextDelta{"a"})});
  CHECK(content_of(sse({thought("hm"), parts(R"({"text":"a","thoughtSignature":"s"})"), thought("so")})) ==
        std::vector<Event>{event(ReasoningDelta{"hm", nullptr}), signature(""), signature("s"), event(TextDelta{"a"}),
                           event(ReasoningDelta{"so", nullptr})});
}

TEST_CASE("what Gemini's own tools do is no call, and its signatures are not ours to return") {
  const std::vector<Event> events = events_of(sse({parts(
      R"({"executableCode":{"language":"PYTHON","code":"1"},"thoughtSignature":"s"},{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1"}},{"toolCall":{"id":"t"},"thoughtSignature":"s"},{"inlineData":{"mimeType":"image/png","data":"AA=="}},{"text":"a"})",
      R"(,"groundingMetadata":{"webSearchQueries":["q"]},"finishReason":"STOP")")}));
  CHECK(events == std::vector<Event>{event(TextDelta{"a"}), event(Finished{StopReason::stop, "STOP"})});
}

TEST_CASE("calls of Gemini come whole, and STOP after them means that they wait") {
  const std::vector<Event> events = events_of(
      sse({call(R"({"name":"f","args":{"x":[1,{"y":2.5}],"z":"ü"}})"), call(R"({"id":"c2","name":"g","args":{}})"),
           call(R"({"name":"h"})"), call(R"({"name":"i","args":null})"), end("STOP")}));
  REQUIRE(events.size() == 6);
  CHECK(events[0] == event(ToolCallDelta{0, "", "f", R"({"x":[1,{"y":2.5}],"z":"ü"})", true}));
  CHECK(events[1] == event(ToolCallDelta{1, "c2", "g", "{}", true}));
  CHECK(events[2] == event(ToolCallDelta{2, "", "h", {}, false}));
  CHECK(events[3] == event(ToolCallDelta{3, "", "i", {}, false}));
  CHECK(finished(events) == Finished{StopReason::tool_calls, "STOP"});
  CHECK(content_of(sse({call(R"({"name":"f","args":"{\"x\":1}"})")})) ==
        std::vector<Event>{event(ToolCallDelta{0, "", "f", R"({"x":1})", false})});
  CHECK(content_of(sse({call(R"({"args":{"x":1}})"), call("{}"), call(R"({"name":""})"), call("[]")})) ==
        std::vector<Event>{event(ToolCallDelta{0, "", "", R"({"x":1})", true})});
}

TEST_CASE("arguments that come in pieces are put together by their paths") {
  const std::vector<Event> events = events_of(sse(
      {call(R"({"name":"f","willContinue":true})"),
       call(R"({"partialArgs":[{"jsonPath":"$.city","stringValue":"Lon","willContinue":true}],"willContinue":true})"),
       call(
           R"({"partialArgs":[{"jsonPath":"$.city","stringValue":"don"},{"jsonPath":"$.days","numberValue":2}],"willContinue":true})"),
       call(
           R"({"partialArgs":[{"jsonPath":"$.stops[0].name","stringValue":"a"},{"jsonPath":"$.stops[1].name","stringValue":"b"}],"willContinue":true})"),
       call(
           R"({"partialArgs":[{"jsonPath":"$['odd.name']","boolValue":false},{"jsonPath":"$.none","nullValue":"NULL_VALUE"},{"jsonPath":"$.list[1]","numberValue":0.5}],"willContinue":true})"),
       call("{}"), call(R"({"name":"g","id":"c","args":{"x":1},"partialArgs":[{"jsonPath":"$.y","stringValue":""}]})"),
       call(R"({"name":"h","willContinue":true})"), call(R"({"name":"i","args":{}})"), end("STOP")}));
  const std::string_view arguments =
      R"({"city":"London","days":2,"stops":[{"name":"a"},{"name":"b"}],"odd.name":false,"none":null,"list":[null,0.5]})";
  const std::vector<Event> expected = {
      event(ToolCallDelta{0, "", "f", {}, false}),    event(ToolCallDelta{0, "", "", std::string(arguments), true}),
      event(ToolCallDelta{1, "c", "g", {}, false}),   event(ToolCallDelta{1, "", "", R"({"x":1,"y":""})", true}),
      event(ToolCallDelta{2, "", "h", {}, false}),    event(ToolCallDelta{2, "", "", "{}", true}),
      event(ToolCallDelta{3, "", "i", "{}", true}),   event(UsageUpdate{{3, 4, {}, {}}}),
      event(Finished{StopReason::tool_calls, "STOP"})};
  CHECK(events == expected);
}

TEST_CASE("a call that repeats its name with its id goes on") {
  CHECK(content_of(sse({call(R"({"id":"c","name":"f","willContinue":true})"),
                        call(R"({"id":"c","name":"f","partialArgs":[{"jsonPath":"$.x","numberValue":1}]})")})) ==
        std::vector<Event>{event(ToolCallDelta{0, "c", "f", {}, false}),
                           event(ToolCallDelta{0, "", "", R"({"x":1})", true})});
}

TEST_CASE("arguments that were cut off do not look whole") {
  const std::string opened =
      call(R"({"name":"f","partialArgs":[{"jsonPath":"$.x","stringValue":"ab"}],"willContinue":true})");
  const auto check_arguments = [](const std::vector<Event>& events, std::string_view arguments, bool whole) {
    REQUIRE_FALSE(events.empty());
    const auto& last = std::get<ToolCallDelta>(events.back().data);
    CHECK(last.arguments == arguments);
    CHECK(last.whole == whole);
  };
  check_arguments(content_of(sse({opened})), R"({"x":"ab")", false);
  check_arguments(content_of(sse({opened, end("MAX_TOKENS")})), R"({"x":"ab")", false);
  check_arguments(content_of(sse({call(R"({"name":"f","willContinue":true})")})), "{", false);
  // A model that stopped by itself has said all of it.
  check_arguments(content_of(sse({opened, end("STOP")})), R"({"x":"ab"})", true);
  CHECK(failed(events_of(sse({opened}))).code() == errc::truncated);
  CHECK(finished(events_of(sse({opened, end("MAX_TOKENS")}))).reason == StopReason::length);
}

TEST_CASE("the output of a Gemini answer counts thoughts, and its input what tools found") {
  const auto usage_of = [](std::initializer_list<std::string_view> sent) {
    std::string body;
    for (const std::string_view usage : sent) {
      body += sse({std::string(R"({"candidates":[],"usageMetadata":)").append(usage).append("}")});
    }
    Usage last;
    for (const Event& event : events_of(body)) {
      if (const auto* update = std::get_if<UsageUpdate>(&event.data)) last = update->usage;
    }
    return last;
  };
  CHECK(
      usage_of(
          {R"({"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":20,"cachedContentTokenCount":4,"toolUsePromptTokenCount":100,"totalTokenCount":135})"}) ==
      Usage{110, 25, 4, 20});
  CHECK(usage_of({R"({"promptTokenCount":10,"thoughtsTokenCount":20})"}) == Usage{10, 20, {}, 20});
  // Counts grow, and may be left out again.
  CHECK(usage_of({R"({"promptTokenCount":10,"candidatesTokenCount":1})", R"({"candidatesTokenCount":8})",
                  R"({"trafficType":"ON_DEMAND","promptTokenCount":null})"}) == Usage{10, 8, {}, {}});
  CHECK(
      usage_of(
          {R"({"promptTokenCount":"10","candidatesTokenCount":-1,"thoughtsTokenCount":1e300,"cachedContentTokenCount":2.0})"}) ==
      Usage{{}, {}, 2, {}});
  CHECK(usage_of({"[]", "null", "{}"}) == Usage{});
}

TEST_CASE("the words for the end of a Gemini answer") {
  const auto reason_of = [](std::string_view word) { return finished(events_of(sse({text("a"), end(word)}))).reason; };
  CHECK(reason_of("STOP") == StopReason::stop);
  CHECK(reason_of("MAX_TOKENS") == StopReason::length);
  for (const std::string_view word : {"SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
                                      "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR"}) {
    INFO(word);
    CHECK(reason_of(word) == StopReason::content_filter);
  }
  for (const std::string_view word : {"OTHER", "NO_IMAGE", "IMAGE_OTHER", "CONTINUATION", "NEW"}) {
    INFO(word);
    CHECK(reason_of(word) == StopReason::other);
  }
  for (const std::string_view word :
       {"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"}) {
    INFO(word);
    const Error error = failed(events_of(sse({text("a"), end(word)})));
    CHECK(error.code() == errc::protocol);
    CHECK(error.retryable());
    CHECK(error.provider_type() == word);
  }
  const auto numbered = [](std::string_view number) {
    return events_of(sse({text("a", std::string(R"(,"finishReason":)").append(number))}));
  };
  CHECK(finished(numbered("1")) == Finished{StopReason::stop, "STOP"});
  CHECK(finished(numbered("2")) == Finished{StopReason::length, "MAX_TOKENS"});
  CHECK(finished(numbered("9")) == Finished{StopReason::other, "9"});
  CHECK(failed(numbered("0")).code() == errc::truncated);
  CHECK(failed(numbered("\"FINISH_REASON_UNSPECIFIED\"")).code() == errc::truncated);
}

TEST_CASE("a refused prompt is a refusal, whatever it was refused for") {
  for (const std::string_view word : {"SAFETY", "OTHER", "MODEL_ARMOR", "JAILBREAK"}) {
    const std::string body = std::string(R"({"promptFeedback":{"blockReason":")")
                                 .append(word)
                                 .append(R"("},"usageMetadata":{"promptTokenCount":3}})");
    for (const std::string& whole : {body, sse({body}), "[" + body + "]"}) {
      CHECK(finished(events_of(whole)) == Finished{StopReason::content_filter, "content_filter: " + std::string(word)});
    }
  }
  const std::string explained = R"({"promptFeedback":{"blockReason":"OTHER","blockReasonMessage":"Not this."}})";
  CHECK(content_of(sse({explained, explained, end("STOP")})) == std::vector<Event>{event(RefusalDelta{"Not this."})});
  CHECK(finished(events_of(sse({explained, end("STOP")}))).reason == StopReason::content_filter);
  CHECK(finished(events_of(sse({R"({"promptFeedback":{"safetyRatings":[]}})", text("a"), end("STOP")}))).reason ==
        StopReason::stop);
}

TEST_CASE("an error breaks a Gemini stream, and what came before stays") {
  const std::string error = R"({"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}})";
  for (const std::string& sent : {error, "[" + error + "]"}) {
    const std::vector<Event> events = events_of(sse({text("a"), sent}));
    CHECK(text_of(events) == "a");
    CHECK(failed(events).status() == 429);
    CHECK(failed(events).retryable());
    CHECK(failed(events).provider_message() == "slow down");
    CHECK(failed(events).provider_type() == "RESOURCE_EXHAUSTED");
  }
  CHECK(failed(events_of(sse({R"({"error":"lost"})"}))).provider_message() == "lost");
  for (const std::string_view none : {"null", "false", "{}", "\"\""}) {
    INFO(none);
    const std::string odd = std::string(R"({"error":)").append(none).append("}");
    CHECK(finished(events_of(sse({text("a"), odd, end("STOP")}))).reason == StopReason::stop);
  }
}

TEST_CASE("a Gemini stream that stops before its end is truncated") {
  CHECK(failed(events_of(sse({text("a")}))).code() == errc::truncated);
  CHECK(failed(events_of(sse({text("a")}) + "data: {\"candidates\":[{\"cont")).code() == errc::truncated);
  CHECK(failed(events_of(sse({R"({"choices":[]})"}))).code() == errc::protocol);
  CHECK(failed(events_of(sse({R"({"modelVersion":"m"})"}))).code() == errc::protocol);
  CHECK(finished(events_of(sse({R"({"candidates":[{"finishReason":"STOP"}]})"}))).reason == StopReason::stop);
}

TEST_CASE("a whole Gemini answer is read like a streamed one") {
  CHECK(
      events_of(
          R"({"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"a","thoughtSignature":"s"},{"functionCall":{"name":"f","args":{"x":1}}}]},"finishReason":"STOP","index":0},{"content":{"parts":[{"text":"another"}]},"finishReason":"SAFETY","index":1}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"thoughtsTokenCount":5}})") ==
      std::vector<Event>{event(UsageUpdate{{3, 9, {}, 5}}), event(ReasoningDelta{"hm", nullptr}), signature(""),
                         signature("s"), event(TextDelta{"a"}), event(ToolCallDelta{0, "", "f", R"({"x":1})", true}),
                         event(Finished{StopReason::tool_calls, "STOP"})});
}

}  // namespace
}  // namespace sennit::testing::gemini
