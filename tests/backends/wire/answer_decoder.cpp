#include "backends/chat/chat_bodies.hpp"
#include <sennit/backends/wire/answer_decoder.hpp>

#include <catch2/catch_test_macros.hpp>

#include <variant>

namespace sennit::testing {
namespace {

constexpr std::string_view kCall = R"({"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}]})";

std::size_t terminals(const std::vector<Event>& events) {
  std::size_t count = 0;
  for (const Event& event : events) {
    count += std::holds_alternative<Finished>(event.data) || std::holds_alternative<Failed>(event.data) ? 1 : 0;
  }
  return count;
}

TEST_CASE("a burst of tokens is one event, tokens that are fetched apart are events of their own") {
  const std::string body = sse({text_chunk("a"), text_chunk("b"), text_chunk("c"), finish_chunk("stop"), kDone});
  CHECK(decode(body).size() == 2);
  CHECK(text_of(decode(body)) == "abc");
  AnswerDecoder decoder({});
  for (const char* const token : {"a", "b", "c"}) {
    std::vector<Event> batch;
    decoder.push(sse({text_chunk(token)}), batch);
    CHECK(batch == std::vector<Event>{Event{{}, TextDelta{token}}});
  }
}

TEST_CASE("the terminal event is held until the end, so usage and late deltas come before it") {
  const std::string body = sse({finish_chunk("stop"), text_chunk("late"),
                                R"({"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}})", kDone});
  const std::vector<Event> events = decode(body, {}, 1);
  REQUIRE(events.size() == 3);
  CHECK(std::holds_alternative<TextDelta>(events[0].data));
  CHECK(std::holds_alternative<UsageUpdate>(events[1].data));
  CHECK(finished(events) == Finished{StopReason::stop, "stop"});
}

TEST_CASE("finish reasons become stop reasons and are kept verbatim") {
  const auto reason_of = [](std::string_view word) {
    return finished(decode(sse({text_chunk("a"), finish_chunk(word), kDone})));
  };
  CHECK(reason_of("stop") == Finished{StopReason::stop, "stop"});
  CHECK(reason_of("eos") == Finished{StopReason::stop, "eos"});
  CHECK(reason_of("length") == Finished{StopReason::length, "length"});
  CHECK(reason_of("model_length") == Finished{StopReason::length, "model_length"});
  CHECK(reason_of("content_filter") == Finished{StopReason::content_filter, "content_filter"});
  CHECK(reason_of("STOP") == Finished{StopReason::stop, "STOP"});
  CHECK(reason_of("banana") == Finished{StopReason::other, "banana"});
  for (const char* const filtered :
       {"SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "content_filter: RECITATION"}) {
    CHECK(reason_of(filtered) == Finished{StopReason::content_filter, filtered});
  }
  // Calls that were announced but never came.
  CHECK(reason_of("tool_calls") == Finished{StopReason::stop, "tool_calls"});
}

TEST_CASE("an answer with tool calls stops for them, whatever the server calls it") {
  CHECK(finished(decode(sse({chunk(kCall), finish_chunk("stop"), kDone}))) == Finished{StopReason::tool_calls, "stop"});
  CHECK(finished(decode(sse({chunk(kCall), finish_chunk("function_call"), kDone}))).reason == StopReason::tool_calls);
  CHECK(finished(decode(sse({chunk(kCall), kDone}))) == Finished{StopReason::tool_calls, ""});
  CHECK(finished(decode(sse({chunk(kCall), finish_chunk("length"), kDone}))).reason == StopReason::length);
}

TEST_CASE("a refusal in its own field ends as a refusal") {
  CHECK(finished(decode(sse({chunk(R"({"refusal":"No."})"), finish_chunk("stop"), kDone}))).reason ==
        StopReason::refusal);
}

TEST_CASE("a stream without end mark is whole if a finish_reason came, and truncated otherwise") {
  CHECK(finished(decode(sse({text_chunk("a"), finish_chunk("stop")}))).reason == StopReason::stop);
  CHECK(finished(decode(sse({text_chunk("a"), kDone}))) == Finished{StopReason::stop, ""});
  const std::vector<Event> events = decode(sse({text_chunk("a")}));
  CHECK(text_of(events) == "a");
  CHECK(failed(events).code() == errc::truncated);
  CHECK(failed(events).retryable());
}

TEST_CASE("DeepSeek's running out of resources is a retryable failure, not an end") {
  const std::vector<Event> events = decode(sse({text_chunk("a"), finish_chunk("insufficient_system_resource"), kDone}));
  CHECK(text_of(events) == "a");
  CHECK(failed(events).code() == errc::overloaded);
  CHECK(failed(events).retryable());
}

TEST_CASE("reasons that mean a failure are failures, and may be tried again") {
  const auto error_of = [](std::string_view word) {
    return failed(decode(sse({text_chunk("a"), finish_chunk(word), kDone})));
  };
  for (const char* const word : {"error", "network_error", "abort", "ABORT"}) {
    CHECK(error_of(word).code() == errc::server);
    CHECK(error_of(word).retryable());
    CHECK(error_of(word).provider_type() == word);
  }
  for (const char* const word : {"MALFORMED_FUNCTION_CALL", "function_call_filter: MALFORMED_FUNCTION_CALL"}) {
    CHECK(error_of(word).code() == errc::protocol);
    CHECK(error_of(word).retryable());
  }
}

TEST_CASE("an error in mid-stream is the end, with the provider's words") {
  const std::string body =
      sse({text_chunk("a"), R"({"error":{"message":"upstream lost","type":"server_error","code":502}})",
           finish_chunk("stop"), kDone});
  const std::vector<Event> events = decode(body);
  CHECK(terminals(events) == 1);
  CHECK(text_of(events) == "a");
  CHECK(failed(events).code() == errc::server);
  CHECK(failed(events).status() == 502);
  CHECK(failed(events).provider_type() == "server_error");
  CHECK(failed(events).provider_message() == "upstream lost");
  CHECK(failed(events).retryable());
}

TEST_CASE("an error field that means none does not break an answer") {
  for (const std::string_view none : {"false", "\"\"", "{}", "0", "[]", "null"}) {
    INFO(none);
    const std::string event = std::string(R"({"error":)")
                                  .append(none)
                                  .append(R"(,"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]})");
    CHECK(finished(decode(sse({event, kDone}))).reason == StopReason::stop);
  }
}

TEST_CASE("bodies that are no chat completion are named as such") {
  CHECK(failed(decode("")).code() == errc::truncated);
  CHECK(failed(decode("")).retryable());
  CHECK(failed(decode(": ping\n\n: ping\n\n")).code() == errc::truncated);
  const Error page = failed(decode("<html><head><title>Welcome to nginx!</title></head></html>"));
  CHECK(page.code() == errc::protocol);
  CHECK(page.message().find("Welcome to nginx!") != std::string::npos);
  const Error document = failed(decode(R"({"hello":"world"})"));
  CHECK(document.code() == errc::protocol);
  CHECK(document.message().find(R"({"hello":"world"})") != std::string::npos);
  CHECK_FALSE(document.retryable());
  CHECK(failed(decode(sse({"what?", kDone}))).code() == errc::protocol);
}

TEST_CASE("redirects are failures that say so") {
  DecoderOptions options;
  options.status = 307;
  CHECK(failed(decode("", options)).code() == errc::bad_request);
  CHECK(failed(decode("", options)).message().find("redirect") != std::string::npos);
}

TEST_CASE("the framing is found by looking at the body") {
  const std::string document = R"({"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]})";
  for (const std::size_t piece : {1UL, 5UL, std::string::npos}) {
    CHECK(text_of(decode(document, {}, piece)) == "a");
    CHECK(text_of(decode("\r\n\n  " + document, {}, piece)) == "a");
    CHECK(text_of(decode("\xEF\xBB\xBF" + sse({text_chunk("a"), kDone}), {}, piece)) == "a");
    CHECK(text_of(decode(": hello\n\n" + sse({text_chunk("a"), kDone}), {}, piece)) == "a");
  }
}

TEST_CASE("what is announced as lines may be server-sent events all the same") {
  DecoderOptions options;
  options.framing = Framing::ndjson_or_sse;
  for (const std::size_t piece : {1UL, 5UL, std::string::npos}) {
    CHECK(text_of(decode(text_chunk("a") + "\n" + text_chunk("b") + "\n" + finish_chunk("stop"), options, piece)) ==
          "ab");
    for (const char* const head : {"", "\n", ": hello\n\n", "event: message\n"}) {
      CHECK(text_of(decode(head + sse({text_chunk("a"), finish_chunk("stop"), kDone}), options, piece)) == "a");
    }
  }
}

TEST_CASE("counts are translated to what Usage means by them") {
  const auto usage_of = [](std::string_view usage) {
    const std::vector<Event> events =
        decode(sse({std::string(R"({"choices":[],"usage":)").append(usage).append("}"), kDone}));
    return std::get<UsageUpdate>(events.front().data).usage;
  };
  const Usage plain = usage_of(
      R"({"prompt_tokens":9,"completion_tokens":7,"total_tokens":16,"completion_tokens_details":{"reasoning_tokens":5}})");
  CHECK(plain == Usage{9, 7, {}, 5});
  const Usage beside = usage_of(
      R"({"prompt_tokens":9,"completion_tokens":7,"total_tokens":21,"completion_tokens_details":{"reasoning_tokens":5}})");
  CHECK(beside == Usage{9, 12, {}, 5});
  const Usage cached_beside =
      usage_of(R"({"prompt_tokens":7,"completion_tokens":8,"prompt_tokens_details":{"cached_tokens":161}})");
  CHECK(cached_beside == Usage{168, 8, 161, {}});
}

TEST_CASE("an unchanged usage in every chunk is told once") {
  const std::string same =
      R"({"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":9,"completion_tokens":7}})";
  const std::vector<Event> events = decode(sse({same, same, same, finish_chunk("stop")}));
  CHECK(std::count_if(events.begin(), events.end(),
                      [](const Event& event) { return std::holds_alternative<UsageUpdate>(event.data); }) == 1);
}

TEST_CASE("a function_call of empty strings is no call for an agent") {
  const std::vector<Event> events = decode(
      R"({"choices":[{"message":{"content":"a","function_call":{"name":"","arguments":""}},"finish_reason":"stop"}]})");
  CHECK(events.size() == 2);
  CHECK(finished(events).reason == StopReason::stop);
}

TEST_CASE("tool call deltas carry id and name once and can be put together by appending") {
  const std::string more = chunk(R"({"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}]})");
  const std::vector<Event> events = decode(sse({more, more, finish_chunk("tool_calls"), kDone}));
  REQUIRE(events.size() == 2);
  CHECK(std::get<ToolCallDelta>(events[0].data) == ToolCallDelta{0, "c1", "f", "{}{}", false});
}

TEST_CASE("a completion that opens calls without end is stopped") {
  std::string body;
  for (int i = 0; i < 2000; ++i) {
    body += sse({chunk(std::string(R"({"tool_calls":[{"index":)") + std::to_string(i) +
                       R"(,"id":"x","function":{"name":"f"}}]})")});
  }
  AnswerDecoder decoder({});
  std::vector<Event> events;
  REQUIRE_THROWS_AS(decoder.push(body, events), Error);
  CHECK(events.size() <= AnswerAssembler::kMaxCalls);
}

TEST_CASE("an error body is looked at up to a bound") {
  DecoderOptions options;
  options.status = 500;
  const std::vector<Event> events = decode(std::string(3 * AnswerDecoder::kMaxErrorBody, 'x'), options, 100'000);
  CHECK(failed(events).code() == errc::server);
  CHECK(failed(events).message().size() < 1000);
  CHECK(failed(events).provider_message().size() <= kMaxProviderWords + 4);
}

TEST_CASE("think tags become reasoning where the model is known to send them") {
  DecoderOptions options;
  options.think = ThinkStart::tagged;
  const std::string body = sse({text_chunk("<thi"), text_chunk("nk>\nhm"), text_chunk("</think"), text_chunk(">\n\na"),
                                finish_chunk("stop"), kDone});
  for (const std::size_t piece : {1UL, 64UL, std::string::npos}) {
    CHECK(reasoning_of(decode(body, options, piece)) == "hm");
    CHECK(text_of(decode(body, options, piece)) == "a");
  }
}

TEST_CASE("a server that reasons in a field of its own is not split again") {
  DecoderOptions options;
  options.think = ThinkStart::inside;
  const std::vector<Event> events = decode(
      sse({chunk(R"({"reasoning_content":"hm"})"), text_chunk("the answer"), finish_chunk("stop"), kDone}), options);
  CHECK(reasoning_of(events) == "hm");
  CHECK(text_of(events) == "the answer");
}

TEST_CASE("text that was kept back as a possible tag is given out at the end, whatever the end is") {
  DecoderOptions options;
  options.think = ThinkStart::tagged;
  CHECK(text_of(decode(sse({text_chunk("<thi"), finish_chunk("stop"), kDone}), options)) == "<thi");
  CHECK(text_of(decode(sse({text_chunk("<thi")}), options)) == "<thi");
}

}  // namespace
}  // namespace sennit::testing
