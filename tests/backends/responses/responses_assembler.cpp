// What an agent sees of the content of an answer in the Responses protocol, in streams of our own writing. How answers
// end is in responses_ends.cpp, how they read verbatim in responses_oddities.cpp.
#include "backends/responses/responses_events.hpp"

#include <catch2/catch_test_macros.hpp>

namespace sennit::testing::responses {
namespace {

TEST_CASE("a Responses stream says each text once, though the wire says it four times") {
  const std::vector<Event> events = decode_responses(sse(
      {R"({"type":"response.created","response":{"status":"in_progress","output":[]}})",
       R"({"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"m","content":[]}})",
       R"({"type":"response.content_part.added","output_index":0,"content_index":0,"part":{"type":"output_text","text":""}})",
       delta("output_text", 0, "hel"), delta("output_text", 0, "lo"),
       R"({"type":"response.output_text.done","output_index":0,"content_index":0,"text":"hello"})",
       R"({"type":"response.content_part.done","output_index":0,"content_index":0,"part":{"type":"output_text","text":"hello"}})",
       item("done", 0, kHello), completed(kHello)}));
  CHECK(events == std::vector<Event>{Event{{}, TextDelta{"hello"}}, Event{{}, UsageUpdate{Usage{9, 4, 2, 1}}},
                                     Event{{}, Finished{StopReason::stop, "completed"}}});
}

TEST_CASE("a text that came without deltas is not lost, whatever event brings it") {
  for (
      const std::string& event :
      {std::string(R"({"type":"response.output_text.done","output_index":0,"content_index":0,"text":"hello"})"),
       std::string(
           R"({"type":"response.content_part.done","output_index":0,"content_index":0,"part":{"type":"output_text","text":"hello"}})"),
       item("done", 0, kHello)}) {
    INFO(event);
    CHECK(text_of(decode_responses(sse({event, completed("")}))) == "hello");
    CHECK(text_of(decode_responses(sse({event, item("done", 0, kHello), completed(kHello)}))) == "hello");
  }
  CHECK(text_of(decode_responses(sse({completed(kHello)}))) == "hello");
  CHECK(text_of(decode_responses(
            sse({R"({"type":"response.completed","response":{"output":[],"output_text":"hello"}})"}))) == "hello");
  CHECK(text_of(decode_responses(
            sse({R"({"object":"response","status":"completed","output":[)" + std::string(kHello) + "]}"}))) == "hello");
}

TEST_CASE("what the deltas left out is told when the whole text comes") {
  CHECK(text_of(decode_responses(sse({delta("output_text", 0, "he"), item("done", 0, kHello), completed("")}))) ==
        "hello");
  CHECK(text_of(decode_responses(sse({delta("output_text", 0, "he"), completed(kHello)}))) == "hello");
  const std::string another = sse({delta("output_text", 0, "Hi"), item("done", 0, kHello), completed(kHello)});
  CHECK(text_of(decode_responses(another)) == "Hi");
}

TEST_CASE("parts and items are told apart by their places, not by ids, which some servers change") {
  const std::string body = sse(
      {R"({"type":"response.output_text.delta","item_id":"a1","output_index":1,"content_index":0,"delta":"one "})",
       R"({"type":"response.output_text.delta","item_id":"a2","output_index":1,"content_index":1,"delta":"two "})",
       R"({"type":"response.output_text.done","item_id":"a3","output_index":1,"content_index":0,"text":"one "})",
       item(
           "done", 1,
           R"({"type":"message","id":"a4","content":[{"type":"output_text","text":"one "},{"type":"output_text","text":"two "},{"type":"output_text","text":"three"}]})"),
       completed(
           R"({"type":"message","id":"a5","content":[{"type":"output_text","text":"one two three"}]},{"type":"message","content":[{"type":"output_text","text":" four"}]})")});
  CHECK(text_of(decode_responses(body)) == "one two three four");
}

TEST_CASE("reasoning ends with the item as the next request must give it back") {
  const std::string body = sse(
      {item("added", 0, R"({"type":"reasoning","id":"r","summary":[],"encrypted_content":"half"})"),
       R"({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"Think."})",
       R"({"type":"response.reasoning_summary_text.done","output_index":0,"summary_index":0,"text":"Think."})",
       R"({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"Again."})",
       item("done", 0,
            R"({"id":"r","type":"reasoning","status":"completed","summary":[{"type":"summary_text","text":"Think."},)"
            R"({"type":"summary_text","text":"Again."}],"encrypted_content":"gAAA=="})"),
       delta("output_text", 1, "hello"), completed("")});
  const std::vector<Event> events = decode_responses(body);
  REQUIRE(events.size() == 5);
  CHECK(events[0] == Event{{}, ReasoningDelta{"Think.Again.", nullptr}});
  CHECK(std::get<ReasoningDelta>(events[1].data).text.empty());
  CHECK(std::get<ReasoningDelta>(events[1].data).opaque ==
        parsed(R"({"id":"r","summary":[{"type":"summary_text","text":"Think."},)"
               R"({"type":"summary_text","text":"Again."}],"encrypted_content":"gAAA=="})"));
  CHECK(events[2] == Event{{}, TextDelta{"hello"}});
}

TEST_CASE("reasoning that is encrypted only is an empty delta with its block") {
  const std::string body =
      sse({item("done", 0, R"({"type":"reasoning","id":"r","summary":[],"encrypted_content":"x"})"),
           item("done", 1, R"({"type":"reasoning","id":"s","summary":[],"content":null,"encrypted_content":null})"),
           delta("output_text", 2, "hello"), completed("")});
  const std::vector<Event> events = decode_responses(body);
  CHECK(reasoning_of(events).empty());
  CHECK(blocks_of(events) ==
        std::vector<json::value>{parsed(R"({"id":"r","summary":[],"encrypted_content":"x"})"),
                                 parsed(R"({"id":"s","summary":[],"content":null,"encrypted_content":null})")});
}

TEST_CASE("open models' thoughts are told once, also where the item repeats them as a summary") {
  const std::string thought =
      R"({"type":"response.reasoning_text.delta","output_index":0,"content_index":0,"delta":"hm"})";
  for (const char* const repeated :
       {R"({"type":"reasoning","id":"r","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]})",
        R"({"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"hm"}]})"}) {
    const std::vector<Event> events = decode_responses(sse({thought, item("done", 0, repeated), completed(repeated)}));
    CHECK(reasoning_of(events) == "hm");
    CHECK(blocks_of(events).size() == 1);
  }
  const std::string both =
      R"({"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"short "}],"content":[{"type":"reasoning_text","text":"long"}]})";
  CHECK(reasoning_of(decode_responses(sse({item("done", 0, both), completed(both)}))) == "short long");
}

TEST_CASE("reasoning that only the last event has comes with its blocks") {
  const std::string reasoning = R"({"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"hm"}]})";
  const std::vector<Event> alone = decode_responses(sse({completed(reasoning + "," + std::string(kHello))}));
  CHECK(reasoning_of(alone) == "hm");
  CHECK(blocks_of(alone).size() == 1);
  CHECK(text_of(alone) == "hello");
  const std::vector<Event> beside =
      decode_responses(sse({delta("output_text", 1, "hello"), completed(reasoning + "," + std::string(kHello))}));
  CHECK(reasoning_of(beside) == "hm");
  CHECK(blocks_of(beside).size() == 1);
  CHECK(text_of(beside) == "hello");
}

TEST_CASE("calls of a Responses stream interleave, and their arguments are told once") {
  const std::string body = sse(
      {item("added", 1, R"({"type":"function_call","id":"f1","call_id":"c1","name":"f","arguments":""})"),
       item("added", 2, R"({"type":"function_call","id":"f2","call_id":"c2","name":"g","arguments":""})"),
       arguments(1, "{\"x\""), arguments(2, "{\"y\""), arguments(1, ":1}"), arguments(2, ":2}"),
       R"({"type":"response.function_call_arguments.done","output_index":1,"item_id":"f1","arguments":"{\"x\":1}"})",
       item("done", 1, R"({"type":"function_call","id":"f1","call_id":"c1","name":"f","arguments":"{\"x\":1}"})"),
       item("done", 2, R"({"type":"function_call","id":"f2","call_id":"c2","name":"g","arguments":"{\"y\":2}"})"),
       completed(
           R"({"type":"reasoning"},{"type":"function_call","id":"z1","call_id":"c1","name":"f","arguments":"{\"x\":1}"},)"
           R"({"type":"function_call","id":"z2","call_id":"c2","name":"g","arguments":"{\"y\":2}"})")});
  const std::vector<Event> events = decode_responses(body);
  CHECK(calls_of(events) == std::vector<ToolCall>{{"c1", "f", R"({"x":1})"}, {"c2", "g", R"({"y":2})"}});
  CHECK(finished(events) == Finished{StopReason::tool_calls, "completed"});
}

TEST_CASE("arguments without deltas come from whatever event ends them") {
  const std::string opened =
      item("added", 0, R"({"type":"function_call","id":"f1","call_id":"c1","name":"f","arguments":""})");
  const std::string whole = R"({"type":"function_call","id":"f1","call_id":"c1","name":"f","arguments":"{\"x\":1}"})";
  const std::vector<ToolCall> expected{{"c1", "f", R"({"x":1})"}};
  CHECK(
      calls_of(decode_responses(sse(
          {opened,
           R"({"type":"response.function_call_arguments.done","output_index":0,"item_id":"f1","arguments":"{\"x\":1}"})",
           item("done", 0, whole), completed(whole)}))) == expected);
  CHECK(calls_of(decode_responses(sse({opened, item("done", 0, whole), completed(whole)}))) == expected);
  CHECK(calls_of(decode_responses(sse({item("done", 0, whole), completed("")}))) == expected);
  CHECK(calls_of(decode_responses(sse({opened, completed(whole)}))) == expected);
  CHECK(calls_of(decode_responses(sse({completed(whole)}))) == expected);
  CHECK(calls_of(decode_responses(sse({opened, arguments(0, "{\"x\""), item("done", 0, whole), completed("")}))) ==
        expected);
  const std::string object = R"({"type":"function_call","call_id":"c1","name":"f","arguments":{"x":1}})";
  CHECK(calls_of(decode_responses(sse({opened, item("done", 0, object), completed(object)}))) == expected);
}

TEST_CASE("calls are matched by call_id where the places are missing or wrong") {
  const std::vector<ToolCall> expected{{"c1", "f", "{}"}, {"c2", "g", "[]"}};
  const std::string first = R"({"type":"function_call","id":"f1","call_id":"c1","name":"f","arguments":"{}"})";
  const std::string second = R"({"type":"function_call","id":"f2","call_id":"c2","name":"g","arguments":"[]"})";
  const std::string no_place =
      sse({R"({"type":"response.output_item.added","item":)" + first + "}",
           R"({"type":"response.output_item.added","item":)" + second + "}",
           R"({"type":"response.function_call_arguments.delta","item_id":"f1","delta":"{}"})",
           R"({"type":"response.function_call_arguments.delta","item_id":"f2","delta":"[]"})",
           R"({"type":"response.output_item.done","item":)" + second + "}",
           R"({"type":"response.output_item.done","item":)" + first + "}", completed(second + "," + first)});
  CHECK(calls_of(decode_responses(no_place)) == expected);
  const std::string all_at_0 =
      sse({item("added", 0, first), item("added", 0, second),
           R"({"type":"response.function_call_arguments.delta","output_index":0,"item_id":"f1","delta":"{}"})",
           R"({"type":"response.function_call_arguments.delta","output_index":0,"item_id":"f2","delta":"[]"})",
           item("done", 0, first), item("done", 0, second), completed("")});
  CHECK(calls_of(decode_responses(all_at_0)) == expected);
  const std::string moved =
      sse({item("added", 0, first), item("added", 1, second), item("done", 3, first), item("done", 4, second),
           completed(R"({"type":"reasoning"},)" + first + "," + second)});
  CHECK(calls_of(decode_responses(moved)) == expected);
}

TEST_CASE("a call_id that is used twice in one answer is two calls") {
  const std::string call = R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}"})";
  const std::string body = sse(
      {item("added", 0, call), item("added", 1, call), item("done", 0, call), item("done", 1, call), completed("")});
  CHECK(calls_of(decode_responses(body)) == std::vector<ToolCall>{{"c", "f", "{}"}, {"c", "f", "{}"}});
}

TEST_CASE("a custom tool gets the model's text as it is") {
  const std::string call = R"({"type":"custom_tool_call","id":"k","call_id":"c","name":"sql","input":"SELECT 1"})";
  const std::string body =
      sse({item("added", 0, R"({"type":"custom_tool_call","id":"k","call_id":"c","name":"sql","input":""})"),
           R"({"type":"response.custom_tool_call_input.delta","output_index":0,"item_id":"k","delta":"SELECT "})",
           R"({"type":"response.custom_tool_call_input.delta","output_index":0,"item_id":"k","delta":"1"})",
           R"({"type":"response.custom_tool_call_input.done","output_index":0,"item_id":"k","input":"SELECT 1"})",
           item("done", 0, call), completed(call)});
  CHECK(calls_of(decode_responses(body)) == std::vector<ToolCall>{{"c", "sql", "SELECT 1"}});
}

TEST_CASE("tools of the server are none of ours") {
  const std::string search = R"({"type":"web_search_call","id":"w","status":"completed","action":{"query":"x"}})";
  const std::string body =
      sse({item("added", 0, search), R"({"type":"response.web_search_call.searching","output_index":0,"item_id":"w"})",
           R"({"type":"response.mcp_call_arguments.delta","output_index":1,"item_id":"p","delta":"{}"})",
           item("done", 1, R"({"type":"mcp_call","id":"p","name":"f","arguments":"{}","output":"1"})"),
           delta("output_text", 2, "hello"), completed(search)});
  const std::vector<Event> events = decode_responses(body);
  CHECK(calls_of(events).empty());
  CHECK(text_of(events) == "hello");
  CHECK(finished(events).reason == StopReason::stop);
}

TEST_CASE("a refusal in a Responses stream ends as one") {
  const std::string item_done =
      item("done", 0, R"({"type":"message","content":[{"type":"refusal","refusal":"No way."}]})");
  const std::vector<Event> events = decode_responses(
      sse({delta("refusal", 0, "No "), delta("refusal", 0, "way."),
           R"({"type":"response.refusal.done","output_index":0,"content_index":0,"refusal":"No way."})", item_done,
           completed(R"({"type":"message","content":[{"type":"refusal","refusal":"No way."}]})")}));
  CHECK(refusal_of(events) == "No way.");
  CHECK(finished(events) == Finished{StopReason::refusal, "completed"});
  CHECK(refusal_of(decode_responses(sse({item_done, completed("")}))) == "No way.");
}

TEST_CASE("think tags in a Responses text become reasoning where the model is known to send them") {
  const std::string item_done =
      item("done", 0, R"({"type":"message","content":[{"type":"output_text","text":"<think>hm</think>hello"}]})");
  const std::string body =
      sse({delta("output_text", 0, "<think>hm</thi"), delta("output_text", 0, "nk>hello"), item_done, completed("")});
  const std::vector<Event> events = decode_responses(body, ThinkStart::tagged);
  CHECK(reasoning_of(events) == "hm");
  CHECK(text_of(events) == "hello");
  const std::string thought = R"({"type":"response.reasoning_text.delta","output_index":0,"delta":"hm"})";
  const std::vector<Event> split =
      decode_responses(sse({thought, delta("output_text", 1, "the answer"), completed("")}), ThinkStart::inside);
  CHECK(reasoning_of(split) == "hm");
  CHECK(text_of(split) == "the answer");
}

TEST_CASE("a Responses answer that was not streamed is read whole") {
  const std::vector<Event> events = decode_responses(
      R"({"object":"response","status":"completed","error":null,"output":[)"
      R"({"type":"reasoning","id":"r","status":"completed","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"x"},)"
      R"({"type":"message","content":[{"type":"output_text","text":"hello"},{"type":"refusal","refusal":"but"}]},)"
      R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}"}],"usage":{"input_tokens":3,"output_tokens":2}})");
  CHECK(reasoning_of(events) == "hm");
  CHECK(blocks_of(events) ==
        std::vector<json::value>{
            parsed(R"({"id":"r","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"x"})")});
  CHECK(text_of(events) == "hello");
  CHECK(refusal_of(events) == "but");
  CHECK(calls_of(events) == std::vector<ToolCall>{{"c", "f", "{}"}});
  CHECK(finished(events) == Finished{StopReason::tool_calls, "completed"});
  CHECK(text_of(decode_responses(R"({"object":"response","output":[],"output_text":"hello"})")) == "hello");
  CHECK(failed(decode_responses(
                   R"({"object":"response","status":"failed","error":{"code":"server_error","message":"no"}})"))
            .provider_message() == "no");
  CHECK(failed(decode_responses(R"({"code":"invalid-argument","error":"no such model"})")).code() == errc::bad_request);
  CHECK(failed(decode_responses(R"({"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":1}})")).code() ==
        errc::protocol);
  CHECK(finished(decode_responses(R"({"object":"response","status":"in_progress","output":[]})")).reason ==
        StopReason::other);
}

}  // namespace
}  // namespace sennit::testing::responses
