#include "backends/wire/asked.hpp"

#include <catch2/matchers/catch_matchers_string.hpp>
#include <fmt/format.h>

#include <limits>
#include <memory>

namespace sennit::testing {
namespace {

/// Models of all kinds, so that the tests do not depend on what the shipped catalogue says of anybody.
std::shared_ptr<const Catalogue> models() {
  static const std::shared_ptr<const Catalogue> kModels = known_from(R"(
version: 2026-11-26
providers:
  o: {title: Ollama, apis: {ollama-chat: "http://o"}, replay: within_turn, schema_beside_tools: false}
models:
  - {id: "o/levels", efforts: [low, medium, high]}
  - {id: "o/deep", efforts: [none, low, medium, high, max]}
  - {id: "o/mute", efforts: []}
  - {id: "o/forgets", replay: never}
  - {id: "o/remembers", replay: always}
  - {id: "o/tiny", context: 2048}
  - {id: "o/small", context: 40960}
  - {id: "o/large", context: 1048576}
  - {id: "o/cold", sampling: false}
)");
  return kModels;
}

std::string bytes_of(const Asked& asked, const ModelSpec& spec) {
  return asked.body(spec, models());
}

json::object body_of(const Asked& asked, std::string model = "any") {
  return parse_object(bytes_of(asked, named("o/" + std::move(model))));
}

TEST_CASE("a request to Ollama in full") {
  Asked asked;
  asked.instructions = "Be brief.";
  asked.messages = {user_message("2+3?"),
                    assistant("", {{"call_1_0", "add", R"({"a": 2, "b": 3.0})"}}, Reasoning{"Sum.", "o", nullptr}),
                    result("call_1_0", "no", true)};
  asked.tools = {add_tool()};
  asked.options.temperature = 0.7;
  asked.options.top_p = 0.5;
  asked.options.max_tokens = 100;
  asked.options.seed = 1;
  asked.options.stop = {"END"};
  asked.options.reasoning_effort = "low";
  CHECK(bytes_of(asked, named("o/any:8b")) ==
        R"({"model":"any:8b","stream":true,"truncate":false,"shift":false,"think":true,)"
        R"("options":{"num_ctx":8192,"temperature":0.7,"top_p":0.5,"num_predict":100,"seed":1,"stop":["END"]},)"
        R"("tools":[{"type":"function","function":{"name":"add","description":"Adds.","parameters":{"type":"object",)"
        R"("properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a"]}}}],)"
        R"("messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"2+3?"},)"
        R"({"role":"assistant","content":"","thinking":"Sum.","tool_calls":[{"id":"call_1_0",)"
        R"("function":{"name":"add","arguments":{"a": 2, "b": 3.0}}}]},)"
        R"({"role":"tool","tool_name":"add","tool_call_id":"call_1_0","content":"Error: no"}]})");
}

TEST_CASE("Ollama's models think or not, or as deep as they know") {
  const auto think = [](std::string effort, std::string model) {
    Asked asked;
    asked.options.reasoning_effort = std::move(effort);
    return text_of(body_of(asked, std::move(model)), "think");
  };
  CHECK(think("", "any") == "-");
  CHECK(think("none", "any") == "false");
  CHECK(think("minimal", "any") == "true");
  CHECK(think("high", "any") == "true");
  CHECK(think("high", "mute") == "-");
  CHECK(think("none", "levels") == "\"low\"");
  CHECK(think("max", "levels") == "\"high\"");
  CHECK(think("medium", "levels") == "\"medium\"");
  CHECK(think("none", "deep") == "false");
  CHECK(think("max", "deep") == "\"max\"");
}

TEST_CASE("the context is as large as the prompt and the answer need, in few sizes") {
  const auto context = [](std::size_t bytes, std::string model, std::optional<std::int64_t> answer = {}) {
    Asked asked;
    asked.messages = {user_message(std::string(bytes, 'x'))};
    asked.options.max_tokens = answer;
    return body_of(asked, std::move(model)).at("options").at("num_ctx").as_int64();
  };
  CHECK(context(1, "any") == 8'192);
  CHECK(context(10'000, "any") == 8'192);
  CHECK(context(12'000, "any") == 16'384);
  CHECK(context(12'000, "any", 1'000) == 8'192);
  CHECK(context(1, "any", 8'000) == 16'384);
  CHECK(context(80'000, "any") == 32'768);
  CHECK(context(150'000, "any") == 65'536);
  CHECK(context(300'000, "any") == 131'072);
  CHECK(context(3'000'000, "any") == 131'072);
  CHECK(context(1'500'000, "large") == 524'288);
  CHECK(context(9'000'000, "large") == 1'048'576);
  CHECK(context(100'000, "small") == 40'960);
  CHECK(context(1, "tiny") == 2'048);
  CHECK(context(1, "small", std::numeric_limits<std::int64_t>::max()) == 40'960);
  CHECK(context(1, "any", -1) == 8'192);
}

TEST_CASE("the context counts instructions and tools, and images by their number") {
  Asked asked;
  const auto context = [&asked] { return body_of(asked).at("options").at("num_ctx").as_int64(); };
  asked.messages = {Message{Role::user, {Text{"?"}, Blob{"image/png", std::string(400'000, 'A'), ""}}}};
  CHECK(context() == 8'192);
  asked.messages[0].parts.emplace_back(Blob{"image/png", "AAAA", ""});
  CHECK(context() == 16'384);
  asked.messages = {user_message("?")};
  asked.instructions.assign(12'000, 'x');
  CHECK(context() == 16'384);
  asked.instructions.clear();
  asked.tools = {add_tool()};
  asked.tools[0].description.assign(12'000, 'x');
  CHECK(context() == 16'384);
  asked.choice = ToolChoice::none;
  CHECK(context() == 8'192);
}

TEST_CASE("the agent file's own options reach Ollama") {
  Asked asked;
  asked.options.temperature = 0.5;
  asked.options.seed = 1;
  asked.options.extra = parse_object(
      R"({"options":{"num_ctx":4096,"seed":null,"min_p":1},"keep_alive":"1h","truncate":true,"shift":null})");
  const json::object body = body_of(asked);
  CHECK(json::serialize(body.at("options")) == R"({"num_ctx":4096,"temperature":5E-1,"min_p":1})");
  CHECK(body.at("keep_alive") == "1h");
  CHECK(body.at("truncate") == true);
  CHECK_FALSE(body.contains("shift"));
  asked.options.extra = parse_object(R"({"options":null})");
  CHECK_FALSE(body_of(asked).contains("options"));
}

TEST_CASE("a model of Ollama's that refuses sampling gets none") {
  Asked asked;
  asked.options.temperature = 1;
  asked.options.top_p = 1;
  CHECK(json::serialize(body_of(asked, "cold").at("options")) == R"({"num_ctx":8192})");
}

TEST_CASE("an answer's schema becomes a grammar of Ollama's, and is said as well") {
  Asked asked;
  asked.instructions = "Be brief.";
  asked.messages = {user_message("?")};
  asked.output = parse_object(R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]})");
  const auto said = [&asked] { return std::string(messages_of(body_of(asked))[0].at("content").as_string()); };
  CHECK(text_of(body_of(asked), "format") == json::serialize(*asked.output));
  CHECK(said().starts_with("Be brief.\n\nAnswer with one JSON object"));
  asked.tools = {add_tool()};  // a grammar would keep it from calling them
  CHECK(text_of(body_of(asked), "format") == "-");
  CHECK(said().starts_with("Be brief.\n\nAnswer with one JSON object"));
  asked.choice = ToolChoice::none;
  CHECK(text_of(body_of(asked), "format") != "-");
  CHECK(text_of(body_of(asked), "tools") == "-");
}

TEST_CASE("thoughts go back to an Ollama model in the turn that is running") {
  const auto thoughts = [](std::string model) {
    return replayed(body_of(two_turns("o"), std::move(model)), "thinking");
  };
  CHECK(thoughts("any") == "-,-,third");
  CHECK(thoughts("forgets") == "-,-,-");
  CHECK(thoughts("remembers") == "first,second,third");
  CHECK(replayed(body_of(two_turns("deepseek")), "thinking") == "-,-,-");
}

TEST_CASE("what Ollama gets is what it can read") {
  Asked asked;
  asked.messages = {Message{Role::system, {Text{"Rules."}}},
                    user_message("?"),
                    assistant("", {{"a1", "multi_tool_use.parallel", "[1"}, {"a2", "add", "{\"a\":NaN}"}}),
                    result("a2", ""),
                    assistant("", {}, Reasoning{"Hm.", "someone", nullptr}),
                    user_message("One."),
                    user_message("Two.")};
  CHECK(json::serialize(messages_of(body_of(asked))) ==
        R"([{"role":"system","content":"Rules."},{"role":"user","content":"?"},)"
        R"({"role":"assistant","content":"","tool_calls":[)"
        R"({"id":"a1","function":{"name":"multi_tool_use_parallel","arguments":{"invalid_arguments":"[1"}}},)"
        R"({"id":"a2","function":{"name":"add","arguments":{"a":null}}}]},)"
        R"({"role":"tool","tool_name":"multi_tool_use_parallel","tool_call_id":"a1",)"
        R"("content":"Error: the call was not carried out"},)"
        R"~({"role":"tool","tool_name":"add","tool_call_id":"a2","content":"(no output)"},)~"
        R"({"role":"user","content":"One.\n\nTwo."}])");
}

TEST_CASE("images go to Ollama beside the text, as bytes only") {
  Asked asked;
  asked.messages = {Message{
      Role::user, {Blob{"image/png", "iVBO", ""}, Text{"Which is "}, Blob{"image/jpeg", "/9j/", ""}, Text{"larger?"}}}};
  CHECK(json::serialize(messages_of(body_of(asked))) ==
        R"([{"role":"user","content":"Which is larger?","images":["iVBO","/9j/"]}])");
  asked.messages = {Message{Role::user, {Blob{"image/png", "", "https://h/a.png"}}}};
  CHECK_THROWS_WITH(body_of(asked), Catch::Matchers::ContainsSubstring("takes images as bytes, not by their address") &&
                                        Catch::Matchers::ContainsSubstring("https://h/a.png"));
  asked.messages = {Message{Role::user, {Blob{"application/pdf", "AA==", ""}}}};
  CHECK_THROWS_WITH(body_of(asked), Catch::Matchers::ContainsSubstring("takes images only"));
}

TEST_CASE("a conversation with Ollama keeps its beginning when it grows") {
  Asked asked = two_turns("o");
  asked.instructions = "Be brief.";
  asked.tools = {add_tool()};
  const std::vector<Message> all = asked.messages;
  std::string before;
  for (const std::size_t length : {1U, 3U}) {  // the next turn leaves out the thoughts of this one, as templates do
    asked.messages.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(length));
    std::string body = bytes_of(asked, named("o/any"));
    body.resize(body.size() - 2);  // the ends of the array and of the body
    CHECK(body.starts_with(before));
    before = std::move(body);
  }
}

TEST_CASE("Ollama: a file of an earlier turn that has no place stays as words, one of this turn is refused") {
  const Blob pdf{"application/pdf", "AAAA", ""};
  Asked asked;
  asked.messages = {Message{Role::user, {Text{"read"}, pdf}}, assistant("Done."), user_message("and now?")};
  const json::array messages = messages_of(body_of(asked));
  CHECK(std::string_view(messages.at(0).at("content").as_string()).find("(a file of type application/pdf") !=
        std::string_view::npos);
  asked.messages = {Message{Role::user, {Text{"read"}, pdf}}};
  CHECK(error_of([&] { (void)body_of(asked); }).code() == errc::invalid_argument);
}

}  // namespace
}  // namespace sennit::testing
