// What an agent sees where `sennit decode` shows the bare wire: meanings instead of fields.
#include "backends/chat/chat_bodies.hpp"
#include <sennit/agent/completion.hpp>
#include <sennit/backends/chat/chat_usage.hpp>

#include <catch2/catch_test_macros.hpp>

namespace sennit::testing {
namespace {

Completion completed(std::string_view body, const DecoderOptions& options = {}) {
  CompletionBuilder builder("here");
  for (const Event& event : decode(body, options)) builder.take(event);
  return std::move(builder).finish();
}

std::string whole_answer(std::string_view content) {
  return std::string(R"({"choices":[{"index":0,"message":{"content":)")
      .append(content)
      .append(R"(},"finish_reason":"stop"}]})");
}

TEST_CASE("content that is an object is an answer all the same") {
  CHECK(completed(whole_answer(R"({"name":"Emily","age":32})")).message.text() == R"({"name":"Emily","age":32})");
  CHECK(completed(whole_answer(R"({"type":"text","text":"hello"})")).message.text() == "hello");
  CHECK(completed(sse({chunk(R"({"content":{"a":[0.5]}})"), finish_chunk("stop")})).message.text() == R"({"a":[0.5]})");
}

TEST_CASE("a stream of whole messages is read, unless deltas say the same") {
  const std::string message =
      R"({"choices":[{"message":{"content":"hello","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]}}]})";
  const Completion only = completed(sse({message, finish_chunk("tool_calls"), kDone}));
  CHECK(only.message.text() == "hello");
  REQUIRE(only.message.tool_calls().size() == 1);
  CHECK(only.message.tool_calls()[0]->name == "f");
  CHECK(only.reason == StopReason::tool_calls);
  const std::string first = R"({"choices":[{"delta":{"role":"assistant","content":""},"message":{"content":"hel"}}]})";
  const std::string second = R"({"choices":[{"delta":{"content":"hello"},"message":{"content":"hello"}}]})";
  CHECK(completed(sse({first, second, finish_chunk("stop")})).message.text() == "hello");
  CHECK(completed(sse({first, R"({"choices":[{"message":{"content":"hello"}}]})"})).message.text() == "hello");
  const Completion thought =
      completed(sse({chunk(R"({"reasoning":"hm"})"), R"({"choices":[{"message":{"content":"a","reasoning":"hm"}}]})"}));
  CHECK(thought.message.text() == "a");
  CHECK(std::get<Reasoning>(thought.message.parts.at(0)).text == "hm");
}

TEST_CASE("an object of arguments may be followed by the pieces of their text") {
  const auto arguments_of = [](std::initializer_list<std::string_view> pieces) {
    std::string body;
    for (const std::string_view piece : pieces) {
      body += sse({chunk(std::string(R"({"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":)")
                             .append(piece)
                             .append("}}]}"))});
    }
    return completed(body).message.tool_calls().at(0)->arguments;
  };
  CHECK(arguments_of({"{}", R"("{\"a\":")", R"("1}")"}) == R"({"a":1})");
  CHECK(arguments_of({R"({"a":1})", R"("")"}) == R"({"a":1})");
  CHECK(arguments_of({R"("")", R"({"a":1})"}) == R"({"a":1})");
}

TEST_CASE("thoughts that the model opened itself are no answer, even if they never close") {
  DecoderOptions options;
  options.think = ThinkStart::inside;
  const Completion completion = completed(sse({text_chunk("<think>hm"), finish_chunk("stop"), kDone}), options);
  CHECK(completion.message.text().empty());
  CHECK(std::get<Reasoning>(completion.message.parts.at(0)).text == "hm");
}

TEST_CASE("reasoning that exceeds the output stands beside it, unless it was only counted with another tokenizer") {
  const auto usage = [](std::int64_t output, std::int64_t reasoning) {
    return usage_of(json::object{{"prompt_tokens", 61},
                                 {"completion_tokens", output},
                                 {"total_tokens", 61 + output},
                                 {"completion_tokens_details", json::object{{"reasoning_tokens", reasoning}}}});
  };
  CHECK(usage(18, 137) == Usage{61, 155, {}, 137});
  CHECK(usage(5, 48) == Usage{61, 53, {}, 48});
  CHECK(usage(107, 118) == Usage{61, 107, {}, 107});
  CHECK(usage(10, 11) == Usage{61, 10, {}, 10});
  CHECK(usage(50, 50) == Usage{61, 50, {}, 50});
  CHECK(usage(0, 30) == Usage{61, 30, {}, 30});
}

}  // namespace
}  // namespace sennit::testing
