// How answers in the Responses protocol end, fail and count, and that no shape of their fields breaks one.
#include "backends/responses/responses_events.hpp"

#include <catch2/catch_test_macros.hpp>

namespace sennit::testing::responses {
namespace {

TEST_CASE("an incomplete answer says why") {
  const auto reason_of = [](std::string_view details) {
    return finished(decode_responses(
        sse({delta("output_text", 0, "hel"),
             std::string(R"({"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":)")
                 .append(details)
                 .append("}}")})));
  };
  CHECK(reason_of(R"({"reason":"max_output_tokens"})") == Finished{StopReason::length, "max_output_tokens"});
  CHECK(reason_of(R"({"reason":"content_filter"})") == Finished{StopReason::content_filter, "content_filter"});
  CHECK(reason_of(R"({"reason":"steered"})") == Finished{StopReason::other, "steered"});
  CHECK(reason_of("null") == Finished{StopReason::length, "incomplete"});
  CHECK(finished(decode_responses(sse({delta("output_text", 0, "a"), R"({"type":"response.incomplete"})"}))) ==
        Finished{StopReason::length, "incomplete"});
}

TEST_CASE("a Responses stream ends with its last event, and is truncated without one") {
  CHECK(finished(decode_responses(sse({delta("output_text", 0, "a"), R"({"type":"response.completed"})"}))) ==
        Finished{StopReason::stop, "completed"});
  CHECK(finished(decode_responses(sse({delta("output_text", 0, "a"), completed(""), "[DONE]"}))).reason ==
        StopReason::stop);
  CHECK(text_of(decode_responses(sse({completed(kHello), delta("output_text", 1, "late")}))) == "hello");
  CHECK(finished(decode_responses(
            sse({R"({"type":"response.completed","response":{"status":"in_progress","output":[]}})"}))) ==
        Finished{StopReason::stop, "completed"});
  for (const std::string& body : {sse({delta("output_text", 0, "hel")}), sse({R"({"type":"response.created"})"})}) {
    const Error error = failed(decode_responses(body));
    CHECK(error.code() == errc::truncated);
    CHECK(error.retryable());
  }
}

TEST_CASE("errors in a Responses stream fail it, in all their shapes") {
  const auto error_of = [](std::initializer_list<std::string_view> events) {
    const std::vector<Event> decoded = decode_responses(sse({delta("output_text", 0, "hel")}) + sse(events));
    CHECK(text_of(decoded) == "hel");
    return failed(decoded);
  };
  const Error flat = error_of({R"({"type":"error","code":"rate_limit_exceeded","message":"slow down","param":null})"});
  CHECK(flat.code() == errc::rate_limited);
  CHECK(flat.provider_message() == "slow down");
  CHECK(flat.provider_type() == "rate_limit_exceeded");
  const Error nested = error_of(
      {R"({"type":"error","error":{"type":"insufficient_quota","code":"insufficient_quota","message":"pay"}})",
       R"({"type":"response.failed","response":{"status":"failed","error":{"code":"insufficient_quota","message":"pay"}}})"});
  CHECK(nested.code() == errc::quota);
  CHECK(nested.provider_message() == "pay");
  const Error in_response = error_of(
      {R"({"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"oops"}}})"});
  CHECK(in_response.code() == errc::server);
  CHECK(in_response.retryable());
  CHECK(error_of({R"({"type":"response.failed","response":{"status":"failed","error":null}})"}).code() == errc::server);
  CHECK(error_of({R"({"type":"response.failed"})"}).code() == errc::server);
  CHECK(error_of({R"({"type":"error","code":503,"message":["busy"]})"}).status() == 503);
  CHECK(error_of({R"({"error":{"message":"no","type":"invalid_request_error"}})"}).code() == errc::bad_request);
  CHECK(error_of({R"({"type":"server_error","error":{"message":"no"}})"}).provider_message() == "no");
  CHECK(error_of({R"({"type":"error","error":"no"})"}).provider_message() == "no");
  CHECK(error_of({R"({"type":"response.completed","response":{"error":"no"}})"}).provider_message() == "no");
}

TEST_CASE("an error that means none does not break a Responses answer") {
  for (const char* const none : {"null", "{}", "\"\"", "false", R"({"code":null,"message":null})"}) {
    INFO(none);
    const std::string end =
        std::string(R"({"type":"response.completed","response":{"status":"completed","error":)").append(none) + "}}";
    CHECK(finished(decode_responses(sse({delta("output_text", 0, "a"), end}))).reason == StopReason::stop);
  }
}

TEST_CASE("Responses usage is part of the end, and means what Usage means") {
  const auto usage_of = [](std::string_view usage) {
    const std::vector<Event> events = decode_responses(
        sse({delta("output_text", 0, "a"),
             std::string(R"({"type":"response.completed","response":{"usage":)").append(usage).append("}}")}));
    const auto* update = std::get_if<UsageUpdate>(&events.at(1).data);
    return update != nullptr ? update->usage : Usage{};
  };
  CHECK(
      usage_of(
          R"({"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":17})") ==
      Usage{10, 7, 4, 5});
  CHECK(usage_of(R"({"input_tokens":10,"output_tokens":7})") == Usage{10, 7, {}, {}});
  CHECK(
      usage_of(
          R"({"input_tokens":10,"output_tokens":7,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":22})") ==
      Usage{10, 12, {}, 5});
  CHECK(usage_of(R"({"input_tokens":3,"input_tokens_details":{"cached_tokens":8},"output_tokens":1})") ==
        Usage{11, 1, 8, {}});
  CHECK(usage_of("null") == Usage{});
  CHECK(usage_of(R"({"input_tokens":"ten","output_tokens":null,"input_tokens_details":7})") == Usage{});
}

TEST_CASE("events that a Responses decoder does not know are passed over") {
  const std::string body = sse(
      {R"({"type":"keepalive","sequence_number":1})", R"({"type":"response.queued"})",
       R"({"type":"response.audio.delta","delta":"AAAA"})", R"({"type":"acme:telemetry","message":"all is well"})",
       R"({"type":"thinking.hard","sequence_number":4,"message":"still here"})",
       R"({"type":"response.output_text.annotation.added","annotation":{"type":"url_citation"}})",
       R"({"type":"response."})", R"({"type":"response..delta"})", delta("output_text", 0, "hello"), completed("")});
  const std::vector<Event> events = decode_responses(body);
  CHECK(events.size() == 3);
  CHECK(text_of(events) == "hello");
}

TEST_CASE("Responses events of wrong types change nothing") {
  const std::vector<std::string> wrong = {
      "null",          "7",
      "-0.5",          "true",
      "\"x\"",         "[]",
      "[[],null,3]",   "{}",
      R"({"type":5})", R"([{"type":"message","content":7},{"type":"reasoning","summary":{}},{"type":7}])"};
  const std::vector<std::string> types = {
      "response.output_item.added",    "response.output_item.done", "response.content_part.done",
      "response.output_text.done",     "response.refusal.done",     "response.reasoning_summary_part.done",
      "response.reasoning_text.delta", "response.refusal.delta",    "response.function_call_arguments.done",
      "response.in_progress"};
  std::string body;
  for (const std::string& type : types) {
    for (const std::string& value : wrong) {
      if (value == "\"x\"") continue;
      std::string event = R"({"type":")";
      event.append(type).append("\"");
      for (const char* const key : {"item", "part", "output_index", "content_index", "summary_index", "item_id",
                                    "delta", "text", "refusal", "arguments", "response"}) {
        event.append(",\"").append(key).append("\":").append(value);
      }
      body += sse({event + "}"});
    }
  }
  for (const std::string& value : wrong) {
    body += sse(
        {R"({"type":)" + value + "}",
         R"({"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":)" + value + "}}"});
  }
  const std::vector<Event> events = decode_responses(body + sse({delta("output_text", 3, "hello"), completed("")}));
  CHECK(text_of(events) == "xhello");  // a content that is a string is the text
  CHECK(calls_of(events).empty());
  CHECK(finished(events).reason == StopReason::stop);
  for (const std::string& value : wrong) {
    INFO(value);
    std::string end = R"({"type":"response.completed","response":{"status":"completed")";
    for (const char* const key : {"output", "usage", "incomplete_details"}) {
      end.append(",\"").append(key).append("\":").append(value);
    }
    end += "}}";
    CHECK(finished(decode_responses(sse({delta("output_text", 0, "a"), end}))).reason == StopReason::stop);
    CHECK(finished(decode_responses(sse({R"({"type":"response.completed","response":)" + value + "}"}))).reason ==
          StopReason::stop);
  }
}

TEST_CASE("a Responses answer opens calls and parts up to a bound") {
  DecoderOptions options;
  options.api = Api::responses;
  const auto stops = [&options](const auto& event_of, int count) {
    AnswerDecoder decoder(options);
    std::vector<Event> events;
    for (int i = 0; i < count; ++i) decoder.push(sse({event_of(i)}), events);
  };
  const auto call = [](int i) {
    return item("added", i, R"({"type":"function_call","call_id":"c)" + std::to_string(i) + R"(","name":"f"})");
  };
  CHECK_THROWS_AS(stops(call, 2000), Error);
  const auto part = [](int i) { return delta("output_text", i, "x"); };
  CHECK_NOTHROW(stops(part, 60'000));
  CHECK_THROWS_AS(stops(part, 70'000), Error);
}

}  // namespace
}  // namespace sennit::testing::responses
