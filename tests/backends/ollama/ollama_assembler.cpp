// What the lines of Ollama's own answers become, what a verbatim reading shows of them, and that no shape of their
// fields breaks one.
#include "backends/wire/answers.hpp"
#include <sennit/backends/wire/answer_reading.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <variant>
#include <vector>

namespace sennit::testing::ollama {
namespace {

std::string lines(std::initializer_list<std::string_view> objects) {
  std::string body;
  for (const std::string_view object : objects) body.append(object).append("\n");
  return body;
}

/// `message` and `rest` are JSON text, `rest` begins with a comma.
std::string message(std::string_view message, std::string_view rest = R"(,"done":false)") {
  return std::string(R"({"model":"m","message":)").append(message).append(rest).append("}");
}

std::string text(std::string_view words) {
  return message(json::serialize(json::object{{"role", "assistant"}, {"content", words}}));
}

std::string thought(std::string_view words) {
  return message(json::serialize(json::object{{"content", ""}, {"thinking", words}}));
}

std::string calls(std::string_view calls) {
  return message(std::string(R"({"content":"","tool_calls":[)").append(calls).append("]}"));
}

constexpr std::string_view kEnd =
    R"({"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":9,"prompt_eval_count":3,"eval_count":4})";

std::vector<Event> events_of(std::string_view body, ThinkStart think = ThinkStart::off,
                             Framing framing = Framing::ndjson_or_sse) {
  DecoderOptions options;
  options.api = Api::ollama_chat;
  options.framing = framing;
  options.think = think;
  options.names.title = "the server";
  return decode_in_pieces(body, options);
}

TEST_CASE("an Ollama stream gives its thoughts, its text, its counts and its end") {
  CHECK(events_of(lines({thought("h"), thought("m"), text("hel"), text("lo \xF0\x9F\x98\x8A"), kEnd, text("late")})) ==
        std::vector<Event>{event(ReasoningDelta{"hm", nullptr}), event(TextDelta{"hello \xF0\x9F\x98\x8A"}),
                           event(UsageUpdate{{3, 4, {}, {}}}), event(Finished{StopReason::stop, "stop"})});
  AnswerDecoder decoder({.api = Api::ollama_chat, .framing = Framing::ndjson, .names = {}, .advice = {}});
  std::vector<Event> events;
  decoder.push(lines({text("a"), text("")}), events);
  CHECK(decoder.pieces() == 1);
  CHECK_FALSE(decoder.complete());
  CHECK_FALSE(decoder.done());
  decoder.push(kEnd, events);
  CHECK_FALSE(decoder.done());
  decoder.push("\n", events);
  CHECK(decoder.done());
}

TEST_CASE("the last line of an Ollama stream needs no line end") {
  CHECK(finished(events_of(text("a") + "\r\n\r\n" + std::string(kEnd))).reason == StopReason::stop);
}

TEST_CASE("calls of Ollama come whole, and stop after them means that they wait") {
  const std::vector<Event> events = events_of(lines(
      {calls(R"({"id":"c1","function":{"index":0,"name":"f","arguments":{"city":"Lon\u003cdon","n":[1,2.5]}}})"),
       calls(R"({"function":{"name":"g","arguments":{}}},{"function":{"name":"h"}})"),
       calls(
           R"({"function":{"name":"i","arguments":"{\"x\":1}"}},{"function":{}},{},{"function":{"name":"","arguments":""}})"),
       kEnd}));
  REQUIRE(events.size() == 6);
  CHECK(events[0] == event(ToolCallDelta{0, "c1", "f", R"({"city":"Lon<don","n":[1,2.5]})", true}));
  CHECK(events[1] == event(ToolCallDelta{1, "", "g", "{}", true}));
  CHECK(events[2] == event(ToolCallDelta{2, "", "h", {}, false}));
  CHECK(events[3] == event(ToolCallDelta{3, "", "i", R"({"x":1})", false}));
  CHECK(finished(events) == Finished{StopReason::tool_calls, "stop"});
}

TEST_CASE("tags in Ollama's text open and close thoughts where the model is known to write them") {
  const std::string tagged = lines({text("<thi"), text("nk>hm"), text("</think>"), text("\n\na"), kEnd});
  CHECK(text_of(events_of(tagged)) == "<think>hm</think>\n\na");
  const std::vector<Event> split = events_of(tagged, ThinkStart::tagged);
  CHECK(reasoning_of(split) == "hm");
  CHECK(text_of(split) == "a");
  const std::string inside = lines({text("hm</think>a"), kEnd});
  CHECK(reasoning_of(events_of(inside, ThinkStart::inside)) == "hm");
  CHECK(text_of(events_of(inside, ThinkStart::inside)) == "a");
  // A model that ends by itself without a tag has not thought.
  CHECK(text_of(events_of(lines({text("a"), kEnd}), ThinkStart::inside)) == "a");
  CHECK(
      text_of(events_of(lines({text("a"), calls(R"({"function":{"name":"f"}})"), kEnd}), ThinkStart::inside)).empty());
  // A server that has the thoughts in a field of their own leaves no tags.
  const std::vector<Event> fields = events_of(lines({thought("hm"), text("a</think>"), kEnd}), ThinkStart::inside);
  CHECK(reasoning_of(fields) == "hm");
  CHECK(text_of(fields) == "a</think>");
}

TEST_CASE("the words for the end of an Ollama answer") {
  const auto end_of = [](std::string_view rest) {
    return finished(events_of(lines({text("a"), message("{}", std::string(R"(,"done":true)").append(rest))})));
  };
  CHECK(end_of(R"(,"done_reason":"stop")") == Finished{StopReason::stop, "stop"});
  CHECK(end_of(R"(,"done_reason":"length")") == Finished{StopReason::length, "length"});
  CHECK(end_of("") == Finished{StopReason::stop, ""});
  CHECK(end_of(R"(,"done_reason":"")") == Finished{StopReason::stop, ""});
  CHECK(end_of(R"(,"done_reason":7)") == Finished{StopReason::other, "7"});
}

TEST_CASE("an answer to no message is odd, but no failure") {
  for (const std::string_view word : {"load", "unload"}) {
    const std::string body = message(R"({"role":"assistant","content":""})",
                                     std::string(R"(,"done":true,"done_reason":")").append(word).append("\""));
    const std::vector<Event> expected = {event(Finished{StopReason::other, std::string(word)})};
    CHECK(events_of(body) == expected);
    CHECK(events_of(body, ThinkStart::off, Framing::document) == expected);
  }
}

TEST_CASE("an error line breaks an Ollama stream, and what came before stays") {
  const std::vector<Event> events =
      events_of(lines({text("a"), R"({"error":"an error was encountered while running the model"})"}));
  CHECK(text_of(events) == "a");
  CHECK(failed(events).code() == errc::server);
  CHECK(failed(events).provider_message() == "an error was encountered while running the model");
  CHECK(failed(events_of(lines({R"({"error":{"message":"busy","code":503}})"}))).status() == 503);
  CHECK(failed(events_of(lines({text("a"), R"({"error":"late"})", std::string(kEnd)}))).provider_message() == "late");
  for (const std::string_view none : {"null", "false", "\"\"", "{}"}) {
    INFO(none);
    const std::string odd = std::string(R"({"error":)").append(none).append("}");
    CHECK(finished(events_of(lines({text("a"), odd, std::string(kEnd)}))).reason == StopReason::stop);
  }
}

TEST_CASE("an Ollama stream that stops before its end is truncated") {
  CHECK(failed(events_of(lines({text("a")}))).code() == errc::truncated);
  CHECK(failed(events_of(lines({text("a")}) + "{\"message\":{\"cont")).code() == errc::truncated);
  CHECK(failed(events_of(lines({R"({"status":"pulling manifest"})"}))).code() == errc::protocol);
  CHECK(failed(events_of("")).code() == errc::truncated);
}

TEST_CASE("counts of an Ollama answer come with its end, where it has them") {
  const auto usage_of = [](std::string_view rest) {
    Usage last;
    for (const Event& event : events_of(lines({text("a"), message("{}", rest)}))) {
      if (const auto* update = std::get_if<UsageUpdate>(&event.data)) last = update->usage;
    }
    return last;
  };
  CHECK(usage_of(R"(,"done":true,"prompt_eval_count":3,"eval_count":4)") == Usage{3, 4, {}, {}});
  CHECK(usage_of(R"(,"done":true,"eval_count":4)") == Usage{{}, 4, {}, {}});
  CHECK(usage_of(R"(,"done":true)") == Usage{});
  CHECK(usage_of(R"(,"done":true,"prompt_eval_count":"3","eval_count":[])") == Usage{});
  CHECK(usage_of(R"(,"done":false,"done_reason":"stop","eval_count":4)") == Usage{});
}

TEST_CASE("a whole Ollama answer is read like a streamed one") {
  const std::string body = message(
      R"({"role":"assistant","content":"a","thinking":"hm","tool_calls":[{"function":{"name":"f","arguments":{"x":1}}}]})",
      R"(,"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":4)");
  const std::vector<Event> expected = {
      event(ReasoningDelta{"hm", nullptr}), event(TextDelta{"a"}), event(ToolCallDelta{0, "", "f", R"({"x":1})", true}),
      event(UsageUpdate{{3, 4, {}, {}}}), event(Finished{StopReason::tool_calls, "stop"})};
  CHECK(events_of(body) == expected);
  CHECK(events_of("\n" + body, ThinkStart::off, Framing::document) == expected);
  CHECK(
      failed(events_of(R"({"error":"model 'm' not found"})", ThinkStart::off, Framing::document)).provider_message() ==
      "model 'm' not found");
}

TEST_CASE("a verbatim reading of an Ollama answer shows what the wire had") {
  ReadingOptions options;
  options.api = Api::ollama_chat;
  options.framing = Framing::ndjson;
  const auto reading = [&options](std::string_view body) {
    const json::object whole = read_answer(body, options, {});
    for (const std::size_t piece : {1UL, 3UL, 64UL}) CHECK(read_answer(body, options, std::array{piece}) == whole);
    return whole;
  };
  const json::object none{{"input", nullptr}, {"output", nullptr}, {"cached_input", nullptr}, {"reasoning", nullptr}};
  const json::object all = reading(lines(
      {thought("hm"), text("<think>"),
       calls(
           R"({"id":"","function":{"name":"f","arguments":{"x":1}}},{"id":"c","function":{"arguments":"{bad"}},{"function":{"name":"","arguments":""}},{})"),
       kEnd, text("more"), R"({"done":true,"eval_count":2.5})"}));
  CHECK(all.at("text") == "<think>more");
  CHECK(all.at("reasoning") == "hm");
  CHECK(all.at("tool_calls") == json::parse(R"([{"id":null,"name":"f","arguments":{"x":1},"arguments_raw":null},
                                              {"id":"c","name":null,"arguments":null,"arguments_raw":"{bad"},
                                              {"id":null,"name":"","arguments":{},"arguments_raw":""},
                                              {"id":null,"name":null,"arguments":{},"arguments_raw":null}])"));
  CHECK(all.at("finish_reason") == "stop");
  CHECK(all.at("usage") == json::parse(R"({"input":null,"output":2.5,"cached_input":null,"reasoning":null})"));
  CHECK(all.at("error") == nullptr);
  const json::object broken = reading(lines({text("a"), R"({"error":"lost"})"}));
  CHECK(broken.at("text") == "a");
  CHECK(broken.at("usage") == none);
  CHECK(broken.at("error") == json::parse(R"({"status":null,"type":null,"message":"lost"})"));
  options.split_think = true;
  CHECK(reading(lines({text("<think>hm</think>a"), kEnd})).at("reasoning") == "hm");
}

TEST_CASE("no shape of a field breaks an Ollama answer") {
  constexpr std::array kOdd = {"null", "-1", "1e400", "\"\"", "[]", "[[]]", "[null,3,{}]", "{}", "{\"name\":5}"};
  constexpr std::array kForms = {
      R"({"message":@})",
      R"({"message":{"role":@,"content":@,"thinking":@}})",
      R"({"message":{"tool_calls":@}})",
      R"({"message":{"tool_calls":[@]}})",
      R"({"message":{"tool_calls":[{"id":@,"function":@}]}})",
      R"({"message":{"tool_calls":[{"function":{"name":@,"arguments":@}}]}})",
      R"({"done":false,"done_reason":@,"prompt_eval_count":@})",
      R"({"model":@,"created_at":@,"something_new":@})",
  };
  DecoderOptions options;
  options.api = Api::ollama_chat;
  options.framing = Framing::ndjson;
  std::string all;
  for (const std::string_view form : kForms) {
    for (const std::string_view odd : kOdd) {
      const std::string object = filled(form, odd);
      INFO(object);
      const std::vector<Event> events = decode(lines({object, text("a"), kEnd}), options);
      CHECK(text_of(events) == "a");
      CHECK(std::holds_alternative<Finished>(events.back().data));
      all += lines({object});
    }
  }
  ReadingOptions verbatim;
  verbatim.api = Api::ollama_chat;
  verbatim.framing = Framing::ndjson;
  CHECK(read_answer(all, verbatim, std::array{std::size_t{1}}) == read_answer(all, verbatim, {}));
}

TEST_CASE("an Ollama answer that opens calls without end is stopped") {
  DecoderOptions options;
  options.api = Api::ollama_chat;
  options.framing = Framing::ndjson;
  std::string body;
  for (std::size_t i = 0; i <= AnswerAssembler::kMaxCalls; ++i) body += lines({calls(R"({"function":{"name":"f"}})")});
  CHECK_THROWS_AS(decode(body, options), Error);
}

}  // namespace
}  // namespace sennit::testing::ollama
