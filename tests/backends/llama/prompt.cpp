#include "gbnf.hpp"
#include "support/fixtures.hpp"
#include <sennit/backends/llama/llama_backend.hpp>
#include <sennit/backends/llama/llama_prompt.hpp>

#include <catch2/catch_test_macros.hpp>

namespace sennit::testing {
namespace {

std::vector<ToolDescription> tools() {
  return {{"weather", "Tells it.",
           parse_json(R"({"type":"object","properties":{"city":{"type":"string"}},
                                                   "required":["city"]})")
               ->get_object()},
          {"now", "", {}}};
}

TEST_CASE("a conversation becomes messages that every template knows") {
  const std::vector<Message> messages = {
      user_message("hi"), user_message("there"),
      Message{Role::assistant,
              {Reasoning{"secret", "llama", {}}, Text{"I look."}, ToolCall{"1", "weather", R"({"city":"Oslo"})"},
               ToolCall{"2", "now", "oops"}}},
      tool_message({"1", "weather", "rain", false}), user_message("and?")};
  const std::vector<ToolDescription> described = tools();
  CompletionRequest request;
  request.instructions = "Be kind.";
  request.messages = messages;
  request.tools = described;
  const LlamaPrompt prompt = llama_prompt({}, request);
  REQUIRE(prompt.messages.size() == 4);
  CHECK(prompt.messages[0].role == std::string_view("system"));
  CHECK(prompt.messages[0].content.starts_with("Be kind.\n\n# Tools"));
  CHECK(prompt.messages[0].content.find(R"({"type":"function","function":{"name":"weather")") != std::string::npos);
  CHECK(prompt.messages[1].content == "hi\n\nthere");
  CHECK(prompt.messages[2].content == R"(I look.
<tool_call>
{"name":"weather","arguments":{"city":"Oslo"}}
</tool_call>
<tool_call>
{"name":"now","arguments":{"invalid_arguments":"oops"}}
</tool_call>)");
  CHECK(prompt.messages[3].content == R"(<tool_response>
rain
</tool_response>
<tool_response>
the call was not carried out
</tool_response>
and?)");
  CHECK(prompt.waits);
  CHECK(prompt.reading.tools);
}

TEST_CASE("the grammar of tools allows calls of those tools alone") {
  const std::vector<ToolDescription> described = tools();
  CompletionRequest request;
  request.tools = described;
  request.tool_choice = ToolChoice::required;
  std::string text = llama_prompt({}, request).grammar;
  const Gbnf grammar(text);
  constexpr std::string_view kCall =
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>";
  CHECK(grammar.accepts(kCall));
  CHECK(grammar.accepts(std::string(kCall) + "\n" + std::string(kCall)));
  CHECK(grammar.accepts("<think>\nhm < hm\n</think>\n\n" + std::string(kCall)));
  CHECK(grammar.accepts(R"(<tool_call>{"name":"now","arguments":{"any":1}}</tool_call>)"));
  CHECK_FALSE(grammar.accepts("hello"));
  CHECK_FALSE(grammar.accepts(R"(<tool_call>{"name":"weather","arguments":{}}</tool_call>)"));
  CHECK_FALSE(grammar.accepts(R"(<tool_call>{"name":"other","arguments":{}}</tool_call>)"));
  request.options.parallel_tool_calls = false;
  std::string one = llama_prompt({}, request).grammar;
  CHECK(Gbnf(one).accepts(kCall));
  CHECK_FALSE(Gbnf(one).accepts(std::string(kCall) + "\n" + std::string(kCall)));
}

TEST_CASE("an agent with tools and a declared answer may call or answer") {
  const std::vector<ToolDescription> described = tools();
  const json::object schema = parse_json(R"({"type":"object","properties":{"n":{"type":"integer"}}})")->get_object();
  CompletionRequest request;
  request.tools = described;
  request.output_schema = &schema;
  const LlamaPrompt prompt = llama_prompt({}, request);
  CHECK_FALSE(prompt.waits);
  const Gbnf grammar(prompt.grammar);
  CHECK(grammar.accepts(R"({"n":1})"));
  CHECK(grammar.accepts(R"(<tool_call>{"name":"now","arguments":{}}</tool_call>)"));
  CHECK_FALSE(grammar.accepts("hello"));
}

TEST_CASE("a request that a local model cannot be asked is refused") {
  const std::vector<Message> messages = {Message{Role::user, {Blob{"image/png", "aaaa", {}}}}};
  CompletionRequest request;
  request.messages = messages;
  CHECK_THROWS_AS(llama_prompt({}, request), Error);
  ModelSpec spec;
  spec.options.extra = {{"context", "much"}};
  CHECK_THROWS_AS(llama_settings(spec), Error);
}

TEST_CASE("a model is looked for beside the agent file, then among the person's models") {
  CHECK(llama_model_places("m.gguf", "/agents").front() == "/agents/m.gguf");
  CHECK(llama_model_places("m", "/agents").back().filename() == "m.gguf");
  CHECK(llama_model_places("/models/m.gguf", "/agents") == std::vector<std::filesystem::path>{"/models/m.gguf"});
}

TEST_CASE("a model file that is not there ends the stream, and says which file") {
  ModelSpec spec;
  spec.name = "llama/none.gguf";
  const auto backend = make_llama_backend(spec, "/nowhere");
  TestEnvironment environment;
  const auto stream = backend->stream(environment, CompletionRequest{});
  const std::span<Event> events = run(environment, stream->next());
  REQUIRE(events.size() == 1);
  const Error& error = std::get<Failed>(events[0].data).error;
  CHECK(error.code() == errc::not_found);
  CHECK(error.where() == "/nowhere/none.gguf");
  CHECK(run(environment, stream->next()).empty());
}

}  // namespace
}  // namespace sennit::testing
