// What a verbatim reading shows of Gemini's answers, and that no shape or size of their fields breaks one.
#include "backends/gemini/gemini_bodies.hpp"
#include <sennit/backends/wire/answer_reading.hpp>
#include <sennit/backends/wire/partial_arguments.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <vector>

namespace sennit::testing::gemini {
namespace {

void check_reading(std::string_view what, std::string_view body, std::string_view differences, int status = 200) {
  ReadingOptions options;
  options.api = Api::generate_content;
  options.status = status;
  testing::check_reading(options, what, body, differences);
}

TEST_CASE("a verbatim reading of a Gemini answer shows what the wire had") {
  check_reading(
      "everything",
      sse({thought("hm"), parts(R"({"functionCall":{"name":"f","args":{"x":2.5}},"thoughtSignature":"s"})"),
           call(R"({"id":"","name":"g"})"), call(R"({"args":{"lost":1}})"),
           R"({"candidates":[{"index":1,"content":{"parts":[{"text":"another"}]}},{"index":0,"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"thoughtsTokenCount":5,"cachedContentTokenCount":2}})",
           R"({"usageMetadata":{"candidatesTokenCount":6.5,"promptTokenCount":null,"thoughtsTokenCount":"9"}})"}),
      R"({"reasoning":"hm","tool_calls":[{"id":null,"name":"f","arguments":{"x":2.5},"arguments_raw":null},{"id":"","name":"g","arguments":{},"arguments_raw":null}],"finish_reason":"STOP","usage":{"input":3,"output":6.5,"cached_input":2,"reasoning":5}})");
  check_reading(
      "arguments in pieces, and cut off",
      sse({call(R"({"name":"f","willContinue":true})"),
           call(R"({"partialArgs":[{"jsonPath":"$.x","stringValue":"a","willContinue":true}],"willContinue":true})"),
           call("{}"), call(R"({"partialArgs":[{"jsonPath":"$.lost","numberValue":1}]})"),
           call(R"({"name":"g","partialArgs":[{"jsonPath":"$.y[1]","boolValue":true}],"willContinue":true})")}),
      R"({"tool_calls":[{"id":null,"name":"f","arguments":{"x":"a"},"arguments_raw":null},{"id":null,"name":"g","arguments":{"y":[null,true]},"arguments_raw":null}]})");
  check_reading(
      "arguments that are no object", sse({call(R"({"name":"f","args":"{}"})"), call(R"({"name":"g","args":[]})")}),
      R"({"tool_calls":[{"id":null,"name":"f","arguments":"{}","arguments_raw":null},{"id":null,"name":"g","arguments":[],"arguments_raw":null}]})");
  check_reading("an array of chunks", "[" + text("a") + ",\n" + text("b", R"(,"finishReason":2)") + "]",
                R"({"text":"ab","finish_reason":2})");
  check_reading("a refused prompt", R"({"promptFeedback":{"blockReason":"OTHER","blockReasonMessage":"Not this."}})",
                R"({"finish_detail":"OTHER"})");
  check_reading("tags are text", sse({text("<think>a</think>")}), R"({"text":"<think>a</think>"})");
  check_reading("an end mark of another protocol", sse({text("a"), "[DONE]", text("b")}), R"({"text":"a"})");
  check_reading("an error in an array",
                sse({text("a"), R"([{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}])"}),
                R"({"text":"a","error":{"status":503,"type":"UNAVAILABLE","message":"busy"}})");
  check_reading("an error that is none", sse({R"({"error":null})", R"({"error":{}})"}), "{}");
  check_reading("an HTTP error", R"([{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}}])",
                R"({"error":{"status":400,"type":"INVALID_ARGUMENT","message":"no"}})", 400);
}

TEST_CASE("a path takes what it can and keeps the arguments an object") {
  const auto assembled = [](std::initializer_list<std::string_view> paths) {
    PartialArguments arguments(nullptr);
    for (const std::string_view path : paths) arguments.take(json::object{{"jsonPath", path}, {"numberValue", 1}});
    std::string text;
    append_json(text, arguments.value());
    return text;
  };
  CHECK(assembled({"$.a.b", "$.a[0]"}) == R"({"a":[1]})");
  CHECK(assembled({"$[\"a.b\"].c", "$['d'][0]"}) == R"({"a.b":{"c":1},"d":[1]})");
  CHECK(assembled({"", "$", "$[0]", "a", "$.", "$..", "$[", "$['", "$['a", "$[1", "$[]", "$[x]", "$[-1]"}) == "{}");
  CHECK(assembled({"$.a[", "$.b[1", "$.c['"}) == R"({"a":1,"b":1,"c":1})");
  PartialArguments text(nullptr);
  for (const std::string_view piece :
       {R"({"jsonPath":"$.a","numberValue":1})", R"({"jsonPath":"$.a","stringValue":"b"})",
        R"({"jsonPath":"$.a","stringValue":""})", R"({"jsonPath":"$.a"})", R"({"jsonPath":"$.a","stringValue":"c"})",
        R"({"jsonPath":5,"stringValue":"d"})"}) {
    text.take(parse_json(piece)->as_object());
  }
  CHECK(text.value() == json::value(json::object{{"a", "bc"}}));
}

TEST_CASE("arguments in pieces have bounds") {
  const auto take = [](std::string_view path, int times = 1) {
    PartialArguments arguments(nullptr);
    for (int i = 0; i < times; ++i) {
      const std::string numbered = std::string(path).replace(2, 1, std::to_string(i));
      arguments.take(json::object{{"jsonPath", numbered}, {"numberValue", 1}});
    }
  };
  CHECK_NOTHROW(take("$.a[4096]"));
  CHECK_THROWS_AS(take("$.a[4097]"), Error);
  CHECK_THROWS_AS(take("$.a[18446744073709551615]"), Error);
  CHECK_THROWS_AS(take("$.a[99999999999999999999999]"), Error);
  CHECK_NOTHROW(take("$.a[1000]", 4));
  CHECK_THROWS_AS(take("$.a[1000]", 5), Error);
  std::string deep = "$";
  for (std::size_t i = 0; i < PartialArguments::kMaxDepth; ++i) deep += ".a";
  PartialArguments arguments(nullptr);
  CHECK_NOTHROW(arguments.take(json::object{{"jsonPath", deep}, {"stringValue", "x"}}));
  CHECK_THROWS_AS(arguments.take(json::object{{"jsonPath", deep + "[0]"}, {"stringValue", "x"}}), Error);
}

TEST_CASE("no shape of a field breaks a Gemini answer") {
  constexpr std::array kOdd = {"null", "true", "-1", "1e400",        "\"\"",
                               "[]",   "[[]]", "{}", "{\"name\":5}", "[null,3,{}]"};
  constexpr std::array kForms = {
      R"({"candidates":@})",
      R"({"candidates":[@]})",
      R"({"candidates":[{"index":@,"content":@,"finishReason":null}]})",
      R"({"candidates":[{"content":{"role":@,"parts":@}}]})",
      R"({"candidates":[{"content":{"parts":[@]}}]})",
      R"({"candidates":[{"content":{"parts":[{"text":@,"thought":@,"thoughtSignature":@}]}}]})",
      R"({"candidates":[{"content":{"parts":[{"functionCall":@,"thoughtSignature":@}]}}]})",
      R"({"candidates":[{"content":{"parts":[{"functionCall":{"id":@,"name":@,"args":@,"partialArgs":@,"willContinue":@}}]}}]})",
      R"({"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","partialArgs":[{"jsonPath":@,"stringValue":@}]}}]}}]})",
      R"({"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":@,"partialArgs":[{"jsonPath":"$.a","stringValue":@,"numberValue":@}]}}]}}]})",
      R"({"usageMetadata":@})",
      R"({"usageMetadata":{"promptTokenCount":@,"candidatesTokenCount":@}})",
      R"({"promptFeedback":@})",
      R"({"promptFeedback":{"blockReasonMessage":@}})",
      R"({"modelVersion":@,"responseId":@,"somethingNew":@})",
  };
  DecoderOptions options;
  options.api = Api::generate_content;
  std::string all;
  for (const std::string_view form : kForms) {
    for (const std::string_view odd : kOdd) {
      const std::string object = filled(form, odd);
      INFO(object);
      const std::vector<Event> events = decode(sse({object, text("a"), end("STOP")}), options);
      CHECK(text_of(events) == "a");
      CHECK(std::holds_alternative<Finished>(events.back().data));
      all += sse({object});
    }
  }
  ReadingOptions verbatim;
  verbatim.api = Api::generate_content;
  CHECK(read_answer(all, verbatim, std::array{std::size_t{1}}) == read_answer(all, verbatim, {}));
}

TEST_CASE("a Gemini answer that opens calls without end is stopped") {
  DecoderOptions options;
  options.api = Api::generate_content;
  std::string body;
  for (std::size_t i = 0; i <= AnswerAssembler::kMaxCalls; ++i) body += sse({call(R"({"name":"f"})")});
  CHECK_THROWS_AS(decode(body, options), Error);
}

}  // namespace
}  // namespace sennit::testing::gemini
