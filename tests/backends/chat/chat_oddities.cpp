// What real servers do to the chat-completions protocol, one small body each: what must be read, however it is cut.
#include "backends/chat/chat_bodies.hpp"
#include <sennit/backends/wire/answer_reading.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <vector>

namespace sennit::testing {
namespace {

struct Oddity {
  std::string_view what;
  std::string body;
  std::string_view expected;  ///< JSON: the keys that differ from an empty reading
  Framing framing = Framing::sse;
  int status = 200;
};

void check(const std::vector<Oddity>& oddities) {
  for (const Oddity& oddity : oddities) {
    ReadingOptions options;
    options.framing = oddity.framing;
    options.status = oddity.status;
    check_reading(options, oddity.what, oddity.body, oddity.expected);
  }
}

TEST_CASE("the framing of a stream may be odd") {
  const std::string hello = text_chunk("hello");
  check({
      {"comments before and between events",
       ": waiting\n\n: waiting\n\n" + sse({hello}) + ": still here\n\n" + sse({kDone}), R"({"text":"hello"})"},
      {"CRLF line ends", "data: " + hello + "\r\n\r\ndata: [DONE]\r\n\r\n", R"({"text":"hello"})"},
      {"CR line ends", "data: " + hello + "\r\rdata: [DONE]\r\r", R"({"text":"hello"})"},
      {"no space after the colon", "data:" + hello + "\n\ndata:[DONE]\n\n", R"({"text":"hello"})"},
      {"no end mark", sse({hello}), R"({"text":"hello"})"},
      {"no blank line after the last event", "data: " + hello, R"({"text":"hello"})"},
      {"event lines", "event: message\ndata: " + hello + "\n\n", R"({"text":"hello"})"},
      {"an event in several data lines", "data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"hello\"}}]}\n\n",
       R"({"text":"hello"})"},
      {"a byte order mark", "\xEF\xBB\xBF" + sse({hello}), R"({"text":"hello"})"},
      {"nothing counts after the end mark", sse({hello, kDone, hello}), R"({"text":"hello"})"},
      {"lines that are not JSON", sse({"what?", hello, "{\"choices\":", "17", "[]", "null", "\"x\""}),
       R"({"text":"hello"})"},
      {"one object a line", hello + "\n\n" + hello + "\n", R"({"text":"hellohello"})", Framing::ndjson},
      {"text beyond the BMP, escaped and not", sse({R"({"choices":[{"delta":{"content":"\ud83e\udd9c 🦜"}}]})"}),
       R"({"text":"🦜 🦜"})"},
      {"half of a surrogate pair", sse({R"({"choices":[{"delta":{"content":"a\ud83e b"}}]})"}),
       "{\"text\":\"a\xEF\xBF\xBD b\"}"},
      {"broken UTF-8", sse({text_chunk("a\xE2\x82 b\xFF")}), "{\"text\":\"a\xEF\xBF\xBD b\xEF\xBF\xBD\"}"},
      {"numbers that JSON lacks",
       sse({R"({"choices":[{"delta":{"content":"NaN \"-Infinity"},"logprobs":[-Infinity,NaN]}]})"}),
       R"({"text":"NaN \"-Infinity"})"},
  });
}

TEST_CASE("chunks may lack what they should have, and have what they should not") {
  check({
      {"no choices: usage at the end",
       sse({text_chunk("a"), R"({"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}})"}),
       R"({"text":"a","usage":{"input":3,"output":1,"cached_input":null,"reasoning":null}})"},
      {"no choices: filter results at the start",
       sse({R"({"id":"","model":"","object":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]})",
            text_chunk("a")}),
       R"({"text":"a"})"},
      {"no choices key", sse({R"({"id":"x"})", text_chunk("a")}), R"({"text":"a"})"},
      {"choices of wrong types",
       sse({R"({"choices":{"delta":{}}})", R"({"choices":[null,3,"x",[]]})", text_chunk("a")}), R"({"text":"a"})"},
      {"no delta, or null",
       sse({R"({"choices":[{"index":0}]})", R"({"choices":[{"index":0,"delta":null,"finish_reason":"stop"}]})"}),
       R"({"finish_reason":"stop"})"},
      {"no index",
       sse({R"({"choices":[{"delta":{"content":"a"}}]})", R"({"choices":[{"index":null,"delta":{"content":"b"}}]})"}),
       R"({"text":"ab"})"},
      {"several choices interleaved: the first counts",
       sse({R"({"choices":[{"index":1,"delta":{"content":"no"}},{"index":0,"delta":{"content":"yes"}}]})",
            R"({"choices":[{"index":2,"delta":{"content":"no"},"finish_reason":"length"}]})"}),
       R"({"text":"yes"})"},
      {"content of wrong types",
       sse({chunk(R"({"content":7})"), chunk(R"({"content":{"text":"no"}})"), chunk(R"({"content":"a","role":5})")}),
       R"({"text":"a"})"},
      {"a cumulative message beside the delta",
       sse({R"({"choices":[{"delta":{"content":"a"},"message":{"content":"a"}}]})",
            R"({"choices":[{"delta":{"content":"b"},"message":{"content":"ab"}}]})"}),
       R"({"text":"ab"})"},
      {"padding", sse({R"({"choices":[{"delta":{"content":"a"}}],"obfuscation":"kR2mv0"})"}), R"({"text":"a"})"},
      {"log probabilities",
       sse({R"({"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a"}],"reasoning_content":[{"token":"b"}]}}]})"}),
       R"({"text":"a"})"},
      {"a refusal in its own field",
       sse({chunk(R"({"refusal":"I can"})"), chunk(R"({"refusal":"not.","content":null})"), finish_chunk("stop")}),
       R"({"refusal":"I cannot.","finish_reason":"stop"})"},
      {"tool_calls: null", sse({chunk(R"({"content":"a","tool_calls":null})")}), R"({"text":"a"})"},
  });
}

TEST_CASE("an answer may end in many ways") {
  check({
      {"finish_reason absent in ordinary chunks", sse({text_chunk("a"), finish_chunk("stop"), kDone}),
       R"({"text":"a","finish_reason":"stop"})"},
      {"finish_reason twice: the last one counts", sse({finish_chunk("stop"), finish_chunk("length")}),
       R"({"finish_reason":"length"})"},
      {"an empty finish_reason is one", sse({finish_chunk("stop"), finish_chunk("")}), R"({"finish_reason":""})"},
      {"null does not undo it", sse({finish_chunk("stop"), chunk("{}", R"(,"finish_reason":null)")}),
       R"({"finish_reason":"stop"})"},
      {"never", sse({text_chunk("a"), kDone}), R"({"text":"a"})"},
      {"content after it", sse({text_chunk("a"), finish_chunk("stop"), text_chunk("b")}),
       R"({"text":"ab","finish_reason":"stop"})"},
      {"usage in the same chunk",
       sse({R"({"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":8,"completion_tokens":2,"prompt_cache_hit_tokens":5}})"}),
       R"({"finish_reason":"stop","usage":{"input":8,"output":2,"cached_input":5,"reasoning":null}})"},
      {"usage in every chunk, growing",
       sse({R"({"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":1}})",
            R"({"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":2}})", R"({"choices":[],"usage":null})"}),
       R"({"usage":{"input":8,"output":2,"cached_input":null,"reasoning":null}})"},
      {"usage under x_groq", sse({R"({"x_groq":{"usage":{"prompt_tokens":4,"completion_tokens":6}},"choices":[]})"}),
       R"({"usage":{"input":4,"output":6,"cached_input":null,"reasoning":null}})"},
      {"all the names of counts",
       sse({R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":3},"prompt_cache_hit_tokens":4,"completion_tokens_details":{"reasoning_tokens":2}}})"}),
       R"({"usage":{"input":9,"output":7,"cached_input":3,"reasoning":2}})"},
      {"more cached than sent stays as sent",
       sse({R"({"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":1,"cached_tokens":161,"reasoning_tokens":0}})"}),
       R"({"usage":{"input":7,"output":1,"cached_input":161,"reasoning":0}})"},
      {"counts that are no whole numbers are shown as they are",
       sse({R"({"choices":[],"usage":{"prompt_tokens":5.5,"completion_tokens":18446744073709551615}})"}),
       R"({"usage":{"input":5.5,"output":18446744073709551615,"cached_input":null,"reasoning":null}})"},
      {"a finish_reason that is no text", sse({chunk("{}", R"(,"finish_reason":{"type":"stop"})")}),
       R"({"finish_reason":{"type":"stop"}})"},
      {"counts of wrong types",
       sse({R"({"choices":[],"usage":{"prompt_tokens":true,"completion_tokens":"7","prompt_tokens_details":[]}})"}),
       "{}"},
  });
}

TEST_CASE("reasoning has several names and places") {
  check({
      {"DeepSeek: content null first, then the other way round",
       sse({chunk(R"({"content":null,"reasoning_content":""})"), chunk(R"({"content":null,"reasoning_content":"hm"})"),
            chunk(R"({"content":"a","reasoning_content":null})")}),
       R"({"text":"a","reasoning":"hm"})"},
      {"`reasoning`, repeated in reasoning_details",
       sse({chunk(R"({"reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm"}]})")}),
       R"({"reasoning":"hm"})"},
      {"two names at once: the first that says something",
       sse({chunk(R"({"reasoning_content":"","reasoning":"hm","thinking":"hm"})")}), R"({"reasoning":"hm"})"},
      {"`thinking`", sse({chunk(R"({"thinking":"hm"})")}), R"({"reasoning":"hm"})"},
      {"Mistral: content in parts",
       sse({chunk(
                R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"h"},{"type":"text","text":"m"}]},{"type":"text","text":"a"},"b",{"type":"image"},null]})"),
            chunk(R"({"content":[{"type":"thinking","thinking":"!"}]})")}),
       R"({"text":"ab","reasoning":"hm!"})"},
      {"tags stay in the text", sse({text_chunk("<think>hm</think>a")}), R"({"text":"<think>hm</think>a"})"},
      {"reasoning, then tool calls in one turn",
       sse({chunk(R"({"reasoning_content":"hm"})"),
            chunk(R"({"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}]})"),
            finish_chunk("tool_calls")}),
       R"({"reasoning":"hm","finish_reason":"tool_calls","tool_calls":[{"id":"c1","name":"f","arguments":{},"arguments_raw":"{}"}]})"},
  });
}

TEST_CASE("tool calls are put together however they come") {
  const auto call = [](std::string_view fields) {
    return chunk(std::string(R"({"tool_calls":[{)").append(fields).append("}]}"));
  };
  check({
      {"pieces by index",
       sse({call(R"("index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""})"),
            call(R"("index":0,"function":{"arguments":"{\"a\":"})"),
            call(R"("index":0,"function":{"arguments":"1}"})")}),
       R"({"tool_calls":[{"id":"c1","name":"f","arguments":{"a":1},"arguments_raw":"{\"a\":1}"}]})"},
      {"parallel calls, interleaved",
       sse({call(R"("index":0,"id":"c1","function":{"name":"f","arguments":"{"})"),
            call(R"("index":1,"id":"c2","function":{"name":"g","arguments":"["})"),
            chunk(
                R"({"tool_calls":[{"index":1,"function":{"arguments":"]"}},{"index":0,"function":{"arguments":"}"}}]})")}),
       R"({"tool_calls":[{"id":"c1","name":"f","arguments":{},"arguments_raw":"{}"},{"id":"c2","name":"g","arguments":[],"arguments_raw":"[]"}]})"},
      {"the first index is 1",
       sse({call(R"("index":1,"id":"c1","function":{"name":"f","arguments":"{}"})"),
            call(R"("index":1,"function":{"arguments":" "})")}),
       R"({"tool_calls":[{"id":"c1","name":"f","arguments":{},"arguments_raw":"{} "}]})"},
      {"an empty id and an empty name do not overwrite",
       sse({call(R"("index":0,"id":"c1","function":{"name":"f","arguments":"{"})"),
            call(R"("index":0,"id":"","function":{"name":"","arguments":"}"})")}),
       R"({"tool_calls":[{"id":"c1","name":"f","arguments":{},"arguments_raw":"{}"}]})"},
      {"id and name in every delta are one call",
       sse({call(R"("index":0,"id":"c1","function":{"name":"f","arguments":"{"})"),
            call(R"("index":0,"id":"c1","function":{"name":"f","arguments":"}"})")}),
       R"({"tool_calls":[{"id":"c1","name":"f","arguments":{},"arguments_raw":"{}"}]})"},
      {"the same index with a new id and a name is another call",
       sse({call(R"("index":0,"id":"c1","function":{"name":"f","arguments":"{}"})"),
            call(R"("index":0,"id":"c2","function":{"name":"f","arguments":"{}"})"),
            call(R"("index":0,"function":{"arguments":" "})")}),
       R"({"tool_calls":[{"id":"c1","name":"f","arguments":{},"arguments_raw":"{}"},{"id":"c2","name":"f","arguments":{},"arguments_raw":"{} "}]})"},
      {"no index: by id, else the last one, else a new one",
       sse({call(R"("id":"c1","function":{"name":"f","arguments":"{"})"),
            call(R"("id":"c2","function":{"name":"g","arguments":"{"})"), call(R"("function":{"arguments":"}"})"),
            call(R"("id":"c1","function":{"arguments":"}"})"), call(R"("function":{"name":"h"})")}),
       R"({"tool_calls":[{"id":"c1","name":"f","arguments":{},"arguments_raw":"{}"},{"id":"c2","name":"g","arguments":{},"arguments_raw":"{}"},
                         {"id":null,"name":"h","arguments":{},"arguments_raw":null}]})"},
      {"whole calls in one chunk",
       sse({chunk(
           R"({"tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{\"x\": 2.5}"}},{"id":"c2","function":{"name":"g","arguments":{"y":[1]}}}]})")}),
       R"({"tool_calls":[{"id":"c1","name":"f","arguments":{"x":2.5},"arguments_raw":"{\"x\": 2.5}"},{"id":"c2","name":"g","arguments":{"y":[1]},"arguments_raw":null}]})"},
      {"cut off arguments",
       sse({call(R"("index":0,"id":"c1","function":{"name":"f","arguments":"{\"city\": \"Lon"})"),
            finish_chunk("length")}),
       R"({"finish_reason":"length","tool_calls":[{"id":"c1","name":"f","arguments":null,"arguments_raw":"{\"city\": \"Lon"}]})"},
      {"an id that is a number", sse({call(R"("index":0,"id":7,"function":{"name":"f","arguments":"{}"})")}),
       R"({"tool_calls":[{"id":7,"name":"f","arguments":{},"arguments_raw":"{}"}]})"},
      {"empty arguments", sse({call(R"("index":0,"id":"c1","function":{"name":"f","arguments":""})")}),
       R"({"tool_calls":[{"id":"c1","name":"f","arguments":{},"arguments_raw":""}]})"},
      {"null where there is nothing",
       sse({call(R"("index":0,"id":"c1","function":{"name":"f","arguments":null})"),
            call(R"("index":0,"id":null,"function":null)")}),
       R"({"tool_calls":[{"id":"c1","name":"f","arguments":{},"arguments_raw":null}]})"},
      {"after the finish_reason",
       sse({finish_chunk("tool_calls"), call(R"("index":0,"id":"c1","function":{"name":"f","arguments":"{}"})")}),
       R"({"finish_reason":"tool_calls","tool_calls":[{"id":"c1","name":"f","arguments":{},"arguments_raw":"{}"}]})"},
      {"function_call, from before tools",
       sse({chunk(R"({"function_call":{"name":"f","arguments":"{"}})"), chunk(R"({"function_call":{"arguments":"}"}})"),
            finish_chunk("function_call")}),
       R"({"finish_reason":"function_call","tool_calls":[{"id":null,"name":"f","arguments":{},"arguments_raw":"{}"}]})"},
      {"calls of wrong types",
       sse({chunk(R"({"tool_calls":{"index":0}})"), chunk(R"({"tool_calls":[null,3,[]]})"),
            chunk(R"({"function_call":"f"})")}),
       "{}"},
  });
}

TEST_CASE("errors in a stream keep what came before them") {
  check({
      {"after text, under an event line",
       sse({text_chunk("a")}) +
           "event: error\ndata: {\"error\":{\"message\":\"broken\",\"type\":\"server_error\",\"code\":502}}\n\n",
       R"({"text":"a","error":{"status":502,"type":"server_error","message":"broken"}})"},
      {"with a textual code and no type", sse({R"({"error":{"message":"broken","code":"overloaded"}})"}),
       R"({"error":{"status":null,"type":"overloaded","message":"broken"}})"},
      {"as a string", sse({R"({"error":"broken","type":"oops"})"}),
       R"({"error":{"status":null,"type":"oops","message":"broken"}})"},
      {"beside a choice that finishes",
       sse({R"({"error":{"message":"broken","code":429},"choices":[{"delta":{"content":"a"},"finish_reason":"error"}]})"}),
       R"({"text":"a","finish_reason":"error","error":{"status":429,"type":null,"message":"broken"}})"},
      {"in a choice", sse({R"({"choices":[{"delta":{},"error":{"message":"broken","code":500}}]})"}),
       R"({"error":{"status":500,"type":null,"message":"broken"}})"},
      {"under x_groq", sse({R"({"x_groq":{"error":"tool_use_failed"}})"}),
       R"({"error":{"status":null,"type":null,"message":"tool_use_failed"}})"},
      {"null is none", sse({R"({"error":null,"choices":[{"delta":{"content":"a"}}]})"}), R"({"text":"a"})"},
  });
}

TEST_CASE("bodies of HTTP errors have many shapes") {
  const auto document = Framing::document;
  check({
      {"an object", R"({"error":{"message":"no","type":"t","param":null,"code":"c"}})",
       R"({"error":{"status":400,"type":"t","message":"no"}})", document, 400},
      {"no type: the code, if it is text", R"({"error":{"message":"no","type":null,"code":"c"}})",
       R"({"error":{"status":429,"type":"c","message":"no"}})", document, 429},
      {"a numeric code is no type", R"({"error":{"message":"no","code":404}})",
       R"({"error":{"status":400,"type":null,"message":"no"}})", document, 400},
      {"a textual status before the type", R"({"error":{"message":"no","status":"INVALID_ARGUMENT","type":"t"}})",
       R"({"error":{"status":400,"type":"INVALID_ARGUMENT","message":"no"}})", document, 400},
      {"an array around it", R"([{"error":{"message":"no","type":"t"}}])",
       R"({"error":{"status":400,"type":"t","message":"no"}})", document, 400},
      {"a string", R"({"error":"no"})", R"({"error":{"status":404,"type":null,"message":"no"}})", document, 404},
      {"a message at the top", R"({"object":"error","message":"no","type":"t","code":"c"})",
       R"({"error":{"status":401,"type":"t","message":"no"}})", document, 401},
      {"a detail at the top", R"({"detail":"no"})", R"({"error":{"status":401,"type":null,"message":"no"}})", document,
       401},
      {"a message that is no text", R"({"detail":[{"loc":["body",0],"input":0.5,"n":3.0}]})",
       R"({"error":{"status":422,"type":null,"message":"[{\"loc\":[\"body\",0],\"input\":0.5,\"n\":3.0}]"}})", document,
       422},
      {"an event stream", sse({"nothing", R"({"error":{"message":"no","type":"t"}})"}),
       R"({"error":{"status":400,"type":"t","message":"no"}})", Framing::sse, 400},
      {"a page of a gateway", "<html><title>502 Bad Gateway</title></html>",
       R"({"error":{"status":502,"type":null,"message":"<html><title>502 Bad Gateway</title></html>"}})", document,
       502},
      {"nothing", "", R"({"error":{"status":500,"type":null,"message":""}})", document, 500},
      {"a number", "17", R"({"error":{"status":500,"type":null,"message":"17"}})", document, 500},
      {"an object that says nothing", R"({"error":{}})", R"({"error":{"status":500,"type":null,"message":null}})",
       document, 500},
  });
}

TEST_CASE("arguments may be nested deeply") {
  const std::string deep = std::string(300, '[') + std::string(300, ']');
  const json::object reading = read_answer(
      sse({chunk(R"({"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":")" + deep + R"("}}]})")}),
      {}, {});
  CHECK(reading.at("tool_calls").at(0).at("arguments").is_array());
  const std::string endless(100'000, '[');
  CHECK(read_answer(sse({endless, text_chunk("a")}), {}, {}).at("text") == "a");
}

TEST_CASE("answers that were not streamed") {
  const auto document = Framing::document;
  check({
      {"all of it",
       R"({"choices":[{"index":0,"message":{"role":"assistant","content":"a","reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},
          {"id":"c2","function":{"name":"f","arguments":""}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":2}})",
       R"({"text":"a","reasoning":"hm","finish_reason":"tool_calls","usage":{"input":3,"output":2,"cached_input":null,"reasoning":null},
           "tool_calls":[{"id":"c1","name":"f","arguments":{"x":1},"arguments_raw":"{\"x\":1}"},{"id":"c2","name":"f","arguments":{},"arguments_raw":""}]})",
       document},
      {"blank lines that kept the connection alive",
       "\n\n \n"
       R"({"choices":[{"message":{"content":"a"}}]})"
       "\n",
       R"({"text":"a"})", document},
      {"the first choice of several",
       R"({"choices":[{"index":1,"message":{"content":"no"}},{"index":0,"message":{"content":"yes"}},{"index":0,"message":{"content":"no"}}]})",
       R"({"text":"yes"})", document},
      {"a refusal", R"({"choices":[{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}]})",
       R"({"refusal":"No.","finish_reason":"stop"})", document},
      {"an empty function_call",
       R"({"choices":[{"message":{"content":"a","function_call":{"name":"","arguments":""}}}]})",
       R"({"text":"a","tool_calls":[{"id":null,"name":"","arguments":{},"arguments_raw":""}]})", document},
      {"a call without a function",
       R"({"choices":[{"message":{"tool_calls":[{"id":"c1","type":"custom","custom":{"name":"f","input":"x"}}]}}]})",
       R"({"tool_calls":[{"id":"c1","name":null,"arguments":{},"arguments_raw":null}]})", document},
      {"names as they are: null, empty, none",
       R"({"choices":[{"message":{"tool_calls":[{"id":"c1","function":{"name":null,"arguments":"{}"}},{"id":"c2","function":{"name":""}},{"id":"","function":{}}]}}]})",
       R"({"tool_calls":[{"id":"c1","name":null,"arguments":{},"arguments_raw":"{}"},{"id":"c2","name":"","arguments":{},"arguments_raw":null},{"id":null,"name":null,"arguments":{},"arguments_raw":null}]})",
       document},
      {"an error with status 200", R"({"error":{"message":"no","code":502}})",
       R"({"error":{"status":502,"type":null,"message":"no"}})", document},
      {"an array around it", R"([{"choices":[{"message":{"content":"a"}}]}])", R"({"text":"a"})", document},
      {"no message", R"({"choices":[{"finish_reason":"stop"}]})", R"({"finish_reason":"stop"})", document},
      {"not JSON", "well", "{}", document},
  });
}

}  // namespace
}  // namespace sennit::testing
