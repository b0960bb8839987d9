// What a verbatim reading shows of answers in the Messages protocol, and that no shape of their fields breaks one.
#include "backends/messages/messages_bodies.hpp"
#include <sennit/backends/wire/answer_reading.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <vector>

namespace sennit::testing::messages {
namespace {

void check_reading(std::string_view what, std::string_view body, std::string_view differences, int status = 200) {
  ReadingOptions options;
  options.api = Api::messages;
  options.status = status;
  testing::check_reading(options, what, body, differences);
}

TEST_CASE("a verbatim reading of a Messages answer shows what the wire had") {
  check_reading(
      "everything",
      sse({R"({"type":"message_start","message":{"usage":{"input_tokens":3,"cache_creation_input_tokens":4,"cache_read_input_tokens":50,"output_tokens":1}}})",
           open("0", kThinking), thought("0", "hm"), signature("0", "s"), close("0"), tool("1", "c1", "f"),
           input("1", "{\"x\": 2.5}"), close("1"), R"({"type":"ping"}      )", end("tool_use"), kStop}),
      R"({"reasoning":"hm","tool_calls":[{"id":"c1","name":"f","arguments":{"x":2.5},"arguments_raw":"{\"x\": 2.5}"}],
                    "finish_reason":"tool_use","usage":{"input":3,"output":7,"cached_input":50,"reasoning":null}})");
  check_reading(
      "calls without input, with input at once, cut off, without a name",
      sse({tool("0", "c0", "f"), input("0", ""), close("0"), tool("1", "c1", "f", R"({"x":1})"), close("1"),
           tool("2", "c2", "f"), input("2", "{\"city\": \"Lon"),
           open("3", R"({"type":"tool_use","id":"","name":null})")}),
      R"({"tool_calls":[{"id":"c0","name":"f","arguments":{},"arguments_raw":""},{"id":"c1","name":"f","arguments":{"x":1},"arguments_raw":null},
                    {"id":"c2","name":"f","arguments":null,"arguments_raw":"{\"city\": \"Lon"},{"id":null,"name":null,"arguments":{},"arguments_raw":""}]})");
  check_reading("numbers as they are",
                sse({R"({"type":"message_delta","usage":{"input_tokens":-1,"output_tokens":2.5}})"}),
                R"({"usage":{"input":-1,"output":2.5,"cached_input":null,"reasoning":null}})");
  check_reading(
      "a refusal has no words of the model",
      sse({end("refusal", R"(,"stop_details":{"type":"refusal","explanation":"Not this."})")}),
      R"({"finish_reason":"refusal","usage":{"input":null,"output":7,"cached_input":null,"reasoning":null}})");
  check_reading(
      "several turns in one recording",
      sse({text("0", "a"), end("tool_use"), kStop, text("0", "b"), end("end_turn"), kStop}),
      R"({"text":"ab","finish_reason":"end_turn","usage":{"input":null,"output":7,"cached_input":null,"reasoning":null}})");
  check_reading("CRLF and CR, no space", "data:" + text("0", "a") + "\r\n\r\nevent:x\rdata:" + text("0", "b") + "\r\r",
                R"({"text":"ab"})");
  check_reading("an error after text",
                sse({text("0", "a"), R"({"type":"error","error":{"type":"api_error","message":"lost"}})"}),
                R"({"text":"a","error":{"status":null,"type":"api_error","message":"lost"}})");
  check_reading("a flat error", sse({R"({"type":"error","message":"lost"})"}),
                R"({"error":{"status":null,"type":"error","message":"lost"}})");
  check_reading("an HTTP error",
                R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"})",
                R"({"error":{"status":529,"type":"overloaded_error","message":"Overloaded"}})", 529);
  check_reading(
      "a whole answer",
      R"({"content":[{"type":"text","text":"a"},{"type":"tool_use","id":"c","name":"f","input":{}},{"type":"tool_use","id":"d","name":"g"}],"stop_reason":"end_turn"})",
      R"({"text":"a","finish_reason":"end_turn","tool_calls":[{"id":"c","name":"f","arguments":{},"arguments_raw":null},{"id":"d","name":"g","arguments":{},"arguments_raw":null}]})");
}

TEST_CASE("no shape of a field breaks a Messages answer") {
  constexpr std::array kOdd = {"null", "true", "-1", "1e400", "\"x\"", "[]", "[[]]", "{}", "{\"type\":5}"};
  constexpr std::array kForms = {
      R"({"type":@})",
      R"({"type":"message_start","message":@})",
      R"({"type":"message_start","message":{"content":[@],"usage":@,"stop_reason":@}})",
      R"({"type":"content_block_start","index":@,"content_block":@})",
      R"({"type":"content_block_start","index":@,"content_block":{"type":"text","text":@}})",
      R"({"type":"content_block_start","index":@,"content_block":{"type":"thinking","thinking":@,"signature":@}})",
      R"({"type":"content_block_start","index":@,"content_block":{"type":"redacted_thinking","data":@}})",
      R"({"type":"content_block_start","index":@,"content_block":{"type":"tool_use","id":@,"name":@,"input":@}})",
      R"({"type":"content_block_delta","index":@,"delta":@})",
      R"({"type":"content_block_delta","index":@,"delta":{"type":"input_json_delta","partial_json":@}})",
      R"({"type":"content_block_delta","index":@,"delta":{"type":"signature_delta","signature":@}})",
      R"({"type":"content_block_delta","index":@,"delta":{"type":"text_delta","text":@}})",
      R"({"type":"content_block_stop","index":@})",
      R"({"type":"message_delta","delta":@,"usage":@})",
      R"({"type":"something_new","data":@})",
  };
  DecoderOptions options;
  options.api = Api::messages;
  std::string all;
  for (const std::string_view form : kForms) {
    for (const std::string_view odd : kOdd) {
      const std::string object = filled(form, odd);
      INFO(object);
      const std::string body = sse({kStart, object, text("0", "a"), end("end_turn"), kStop});
      const std::vector<Event> events = decode(body, options);
      CHECK(text_of(events).ends_with("a"));
      CHECK(std::holds_alternative<Finished>(events.back().data));
      all += sse({object});
    }
  }
  ReadingOptions verbatim;
  verbatim.api = Api::messages;
  CHECK(read_answer(all, verbatim, std::array{std::size_t{1}}) == read_answer(all, verbatim, {}));
}

}  // namespace
}  // namespace sennit::testing::messages
