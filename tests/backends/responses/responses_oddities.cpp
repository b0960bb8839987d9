// What a verbatim reading shows of answers in the Responses protocol, and of what real servers do to it.
#include "backends/responses/responses_bodies.hpp"
#include "backends/wire/answers.hpp"
#include <sennit/backends/wire/answer_reading.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <vector>

namespace sennit::testing::responses {
namespace {

constexpr std::string_view kEnd = R"({"type":"response.completed","response":{"status":"completed"}})";

void check_reading(std::string_view what, std::string_view body, std::string_view differences, int status = 200) {
  ReadingOptions options;
  options.api = Api::responses;
  options.status = status;
  testing::check_reading(options, what, body, differences);
}

TEST_CASE("a verbatim reading of a Responses stream has the words of its deltas") {
  check_reading(
      "everything",
      sse({R"({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"h"})",
           R"({"type":"response.reasoning_text.delta","output_index":0,"content_index":0,"delta":"m"})",
           delta("output_text", 1, "a"), delta("refusal", 1, "no"),
           item("added", 2, R"({"type":"function_call","id":"f","call_id":"c","name":"f","arguments":""})"),
           arguments(2, "{\"x\": 2.5}"), completed("")}),
      R"({"text":"a","reasoning":"hm","refusal":"no","tool_calls":[{"id":"c","name":"f","arguments":{"x":2.5},"arguments_raw":"{\"x\": 2.5}"}],
          "finish_reason":"completed","usage":{"input":9,"output":4,"cached_input":2,"reasoning":1}})");
  check_reading("what came in no delta",
                sse({R"({"type":"response.output_text.done","output_index":0,"content_index":0,"text":"a"})",
                     item("done", 0, R"({"type":"message","content":[{"type":"output_text","text":"a"}]})"),
                     R"({"type":"response.completed","response":{"status":"completed","output":[)"
                     R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}})"}),
                R"({"finish_reason":"completed"})");
  check_reading(
      "deltas of wrong types",
      sse({R"({"type":"response.output_text.delta","delta":7})",
           R"({"type":"response.output_text.delta","delta":null})", R"({"type":"response.output_text.delta"})",
           R"({"type":"response.reasoning_text.delta","delta":{"text":"no"}})",
           R"({"type":"response.output_text.delta","delta":"a"})"}),
      R"({"text":"a"})");
}

TEST_CASE("the framing of a Responses stream may be odd") {
  const std::string hello = delta("output_text", 0, "hello");
  const std::string_view expected = R"({"text":"hello","finish_reason":"completed"})";
  check_reading("event lines", "event: response.output_text.delta\ndata: " + hello + "\n\n" + sse({kEnd}), expected);
  check_reading("CRLF and comments", ": x\r\n\r\ndata: " + hello + "\r\n\r\ndata: " + std::string(kEnd) + "\r\n\r\n",
                expected);
  check_reading("an end mark, and lines that are not JSON", sse({"what?", hello, "17", "[]", kEnd, kDone}), expected);
  check_reading("nothing counts after the end mark", sse({kDone, hello}), "{}");
  check_reading("no blank line after the last event", "data: " + hello + "\n\ndata: " + std::string(kEnd), expected);
  check_reading("padding", sse({R"({"type":"response.output_text.delta","delta":"hello","obfuscation":"k2"})", kEnd}),
                expected);
  const std::string long_text(40'000, 'x');
  check_reading("a very long line", sse({delta("output_text", 0, long_text)}), R"({"text":")" + long_text + R"("})");
  check_reading("text beyond the BMP", sse({R"({"type":"response.output_text.delta","delta":"\ud83e\udd9c 🦜"})"}),
                R"({"text":"🦜 🦜"})");
}

TEST_CASE("calls in a verbatim reading of Responses") {
  const auto call = [](std::string_view rest) {
    return std::string(R"({"type":"function_call","id":"f","call_id":"c","name":"f")").append(rest).append("}");
  };
  const std::string opened = item("added", 0, call(R"(,"arguments":"")"));
  check_reading("arguments at the end only",
                sse({opened, R"({"type":"response.function_call_arguments.done","output_index":0,"arguments":"[]"})",
                     item("done", 0, call(R"(,"arguments":"{}")"))}),
                R"({"tool_calls":[{"id":"c","name":"f","arguments":{},"arguments_raw":"{}"}]})");
  check_reading("deltas before the end's",
                sse({opened, arguments(0, "[1]"), item("done", 0, call(R"(,"arguments":"{}")"))}),
                R"({"tool_calls":[{"id":"c","name":"f","arguments":[1],"arguments_raw":"[1]"}]})");
  check_reading("cut off", sse({opened, arguments(0, "{\"city\": \"Lon")}),
                R"({"tool_calls":[{"id":"c","name":"f","arguments":null,"arguments_raw":"{\"city\": \"Lon"}]})");
  check_reading("none", sse({item("added", 0, R"({"type":"function_call","call_id":"","name":null})")}),
                R"({"tool_calls":[{"id":null,"name":null,"arguments":{},"arguments_raw":""}]})");
  check_reading("an object", sse({opened, item("done", 0, call(R"(,"arguments":{"x":1})"))}),
                R"({"tool_calls":[{"id":"c","name":"f","arguments":{"x":1},"arguments_raw":null}]})");
  check_reading("deltas of a call that was never opened", sse({arguments(4, "{}"), arguments(3, "[]")}),
                R"({"tool_calls":[{"id":null,"name":null,"arguments":{},"arguments_raw":"{}"},
                                  {"id":null,"name":null,"arguments":[],"arguments_raw":"[]"}]})");
  check_reading("the last id and name count",
                sse({opened, item("done", 0, R"({"type":"function_call","call_id":"d","name":"g"})")}),
                R"({"tool_calls":[{"id":"d","name":"g","arguments":{},"arguments_raw":""}]})");
  check_reading(
      "by the place alone: none is a place as well",
      sse({R"({"type":"response.output_item.added","item":{"type":"function_call","call_id":"c","name":"f"}})",
           R"({"type":"response.function_call_arguments.delta","item_id":"x","delta":"{}"})",
           item("added", 1, call(""))}),
      R"({"tool_calls":[{"id":"c","name":"f","arguments":{},"arguments_raw":"{}"},
                                  {"id":"c","name":"f","arguments":{},"arguments_raw":""}]})");
  check_reading("a custom tool's input is text",
                sse({item("added", 0, R"({"type":"custom_tool_call","call_id":"c","name":"sql","input":""})"),
                     R"({"type":"response.custom_tool_call_input.delta","output_index":0,"delta":"{} "})",
                     item("added", 1, R"({"type":"custom_tool_call","call_id":"","name":"sql"})"),
                     item("done", 2, R"({"type":"custom_tool_call","call_id":"d","name":"sql","input":"1"})")}),
                R"({"tool_calls":[{"id":"c","name":"sql","arguments":"{} ","arguments_raw":"{} ","kind":"custom"},
                                  {"id":"","name":"sql","arguments":"","arguments_raw":"","kind":"custom"},
                                  {"id":"d","name":"sql","arguments":"1","arguments_raw":"1","kind":"custom"}]})");
  check_reading("tools of the server",
                sse({item("added", 0, R"({"type":"mcp_call","id":"m","name":"f","arguments":"{}"})"),
                     R"({"type":"response.mcp_call_arguments.delta","output_index":0,"delta":"{}"})",
                     item("done", 1, R"({"type":"shell_call","call_id":"s","action":{}})")}),
                "{}");
}

TEST_CASE("ends and errors in a verbatim reading of Responses") {
  check_reading(
      "cut at a limit",
      sse({R"({"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}})"}),
      R"({"finish_reason":"incomplete","finish_detail":"max_output_tokens"})");
  check_reading("figures as they are",
                sse({R"({"type":"response.done","response":{"usage":{"input_tokens":-1,"output_tokens":2.5}}})"}),
                R"({"usage":{"input":-1,"output":2.5,"cached_input":null,"reasoning":null}})");
  check_reading("counts that are none",
                sse({R"({"type":"response.completed","response":{"usage":{"input_tokens":true,"output_tokens":"7",)"
                     R"("input_tokens_details":[],"output_tokens_details":{"reasoning_tokens":{}}}}})"}),
                "{}");
  check_reading(
      "only the end has counts",
      sse({R"({"type":"response.in_progress","response":{"status":"in_progress","usage":{"input_tokens":1}}})"}), "{}");
  check_reading(
      "an error, and then the failure",
      sse({delta("output_text", 0, "a"), R"({"type":"error","error":{"type":"t","code":"c","message":"no"}})",
           R"({"type":"response.failed","response":{"status":"failed","error":{"code":"c","message":"no!"}}})"}),
      R"({"text":"a","finish_reason":"failed","error":{"status":null,"type":"c","message":"no!"}})");
  check_reading("an error of its own", sse({R"({"type":"error","error":{"type":"t","code":502,"message":"no"}})"}),
                R"({"error":{"status":null,"type":"t","message":"no"}})");
  check_reading("a flat error", sse({R"({"type":"error","code":"c","message":"no","param":null})"}),
                R"({"error":{"status":null,"type":"c","message":"no"}})");
  check_reading("without a type", sse({R"({"error":{"message":"no","code":502}})"}),
                R"({"error":{"status":502,"type":null,"message":"no"}})");
  check_reading("of a request", R"({"code":"invalid-argument","error":"no such model"})",
                R"({"error":{"status":400,"type":"invalid-argument","message":"no such model"}})", 400);
  check_reading("of a request, as a detail", R"({"detail":"who are you?"})",
                R"({"error":{"status":401,"type":null,"message":"who are you?"}})", 401);
}

TEST_CASE("Responses answers that were not streamed, verbatim") {
  check_reading(
      "all of it",
      R"({"status":"completed","error":null,"incomplete_details":null,"output_text":"no","output":[
           {"type":"reasoning","summary":[{"type":"summary_text","text":"h"}],"content":[{"type":"reasoning_text","text":"m"}]},
           {"type":"message","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"b"},{"type":"odd","text":"no"}]},
           {"type":"function_call","call_id":"c","name":"f","arguments":"{\"x\":1}"},{"type":"function_call","call_id":"c","name":"f","arguments":""},
           {"type":"function_call","call_id":7},{"type":"custom_tool_call","call_id":"d","name":"g","input":"1"},{"type":"web_search_call"}],
           "usage":{"input_tokens":3,"output_tokens":2}})",
      R"({"text":"a","reasoning":"hm","refusal":"b","finish_reason":"completed","usage":{"input":3,"output":2,"cached_input":null,"reasoning":null},
          "tool_calls":[{"id":"c","name":"f","arguments":{"x":1},"arguments_raw":"{\"x\":1}"},{"id":"c","name":"f","arguments":{},"arguments_raw":""},
                        {"id":7,"name":null,"arguments":{},"arguments_raw":null},
                        {"id":"d","name":"g","arguments":"1","arguments_raw":"1","kind":"custom"}]})");
  check_reading("an error with status 200",
                R"({"status":"failed","error":{"code":"server_error","message":"no"},"output":[]})",
                R"({"finish_reason":"failed","error":{"status":null,"type":"server_error","message":"no"}})");
  check_reading("another protocol", R"({"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":1}})", "{}");
  check_reading("not JSON", "<html></html>", "{}");
}

}  // namespace
}  // namespace sennit::testing::responses
