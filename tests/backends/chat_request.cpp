#include "support/fixtures.hpp"
#include <sennit/backends/chat_request.hpp>

#include <catch2/catch_test_macros.hpp>

#include <optional>
#include <string>
#include <vector>

namespace sennit::testing {
namespace {

/// A request and what it points to.
struct Asked {
  std::string instructions;
  std::vector<Message> messages;
  std::vector<ToolDescription> tools;
  std::optional<json::object> output;
  ToolChoice choice = ToolChoice::automatic;
  CompletionOptions options;

  [[nodiscard]] std::string body(const ModelSpec& spec) const {
    CompletionRequest request;
    request.instructions = instructions;
    request.messages = messages;
    request.tools = tools;
    if (output) request.output_schema = &*output;
    request.tool_choice = choice;
    request.options = options;
    const Provider* provider = find_provider(spec.name.substr(0, spec.name.find('/')));
    REQUIRE(provider != nullptr);
    return chat_request_body(resolve_chat_model(*provider, spec), request);
  }
  [[nodiscard]] std::string body(std::string name) const {
    ModelSpec spec;
    spec.name = std::move(name);
    if (spec.name.starts_with("openai-compatible")) spec.base_url = "http://localhost:1/v1";
    return body(spec);
  }
  [[nodiscard]] json::object parsed(std::string name) const { return parse_json(body(std::move(name)))->as_object(); }
  [[nodiscard]] json::object parsed(const ModelSpec& spec) const { return parse_json(body(spec))->as_object(); }
};

json::object parse_object(std::string_view text) {
  return parse_json(text)->as_object();
}

ToolDescription add_tool() {
  return {
      "add", "Adds.",
      parse_object(R"({"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a"]})")};
}

Message assistant(std::string text, std::vector<ToolCall> calls, std::optional<Reasoning> reasoning = {}) {
  Message message{Role::assistant, {}};
  if (reasoning) message.parts.emplace_back(*std::move(reasoning));
  if (!text.empty()) message.parts.emplace_back(Text{std::move(text)});
  for (ToolCall& call : calls) message.parts.emplace_back(std::move(call));
  return message;
}

Message result(std::string id, std::string content, bool is_error = false) {
  return tool_message(ToolResult{std::move(id), "add", std::move(content), is_error});
}

json::array messages_of(const json::object& body) {
  return body.at("messages").as_array();
}

bool has(const json::object& body, std::string_view key) {
  return body.contains(key);
}

/// A conversation with a tool call in an earlier turn and one in the running turn.
Asked two_turns(std::string_view provider) {
  const auto thought = [provider](std::string text) {
    return Reasoning{std::move(text), std::string(provider), nullptr};
  };
  Asked asked;
  asked.messages = {user_message("one"), assistant("", {{"c1", "add", "{}"}}, thought("first")),
                    result("c1", "1"),   assistant("uno", {}, thought("second")),
                    user_message("two"), assistant("", {{"c2", "add", "{}"}}, thought("third")),
                    result("c2", "2")};
  return asked;
}

/// The replayed reasoning of the three assistant messages; "-" where the field is absent.
std::string replayed(const json::object& body, std::string_view field) {
  std::string all;
  for (const json::value& message : messages_of(body)) {
    if (message.at("role") != "assistant") continue;
    const json::value* reasoning = message.as_object().if_contains(field);
    all += (reasoning == nullptr ? std::string("-") : std::string(reasoning->as_string())) + ",";
  }
  all.pop_back();
  return all;
}

TEST_CASE("a conversation with tools, as DeepSeek gets it") {
  Asked asked;
  asked.instructions = "Be brief.";
  asked.messages = {
      user_message("2+3?"),
      assistant("Let me see.", {{"c1", "add", R"({"a": 2, "b": 3})"}}, Reasoning{"Sum.\n", "deepseek", nullptr}),
      result("c1", "5")};
  asked.tools = {add_tool()};
  asked.options.temperature = 0.7;
  asked.options.max_tokens = 100;
  asked.options.reasoning_effort = "medium";
  CHECK(
      asked.body("deepseek/deepseek-flash") ==
      R"({"model":"deepseek-flash","stream":true,"stream_options":{"include_usage":true},"temperature":0.7,"max_tokens":100,)"
      R"("thinking":{"type":"enabled"},"reasoning_effort":"high",)"
      R"("tools":[{"type":"function","function":{"name":"add","description":"Adds.","parameters":{"type":"object",)"
      R"("properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a"]}}}],)"
      R"("messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"2+3?"},)"
      R"({"role":"assistant","content":"Let me see.","reasoning_content":"Sum.\n","tool_calls":[{"id":"c1","type":"function",)"
      R"("function":{"name":"add","arguments":"{\"a\": 2, \"b\": 3}"}}]},{"role":"tool","tool_call_id":"c1","content":"5"}]})");
}

TEST_CASE("the same conversation, as a reasoning model of OpenAI gets it") {
  Asked asked;
  asked.instructions = "Be brief.";
  asked.messages = {user_message("2+3?"), assistant("5", {}, Reasoning{"Sum.", "openai", nullptr}),
                    user_message("Sure?")};
  asked.options.temperature = 0.7;
  asked.options.top_p = 0.5;
  asked.options.max_tokens = 100;
  asked.options.reasoning_effort = "low";
  CHECK(
      asked.body("openai/gpt-5-mini") ==
      R"({"model":"gpt-5-mini","stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":100,"reasoning_effort":"low",)"
      R"("messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"2+3?"},{"role":"assistant","content":"5"},)"
      R"({"role":"user","content":"Sure?"}]})");
  const json::object classic = asked.parsed("openai/gpt-4o");
  CHECK(classic.at("temperature") == 0.7);
  CHECK(classic.at("top_p") == 0.5);
  CHECK(messages_of(classic)[0].at("role") == "system");
  CHECK(has(asked.parsed("openai/o3"), "temperature") == false);
  CHECK(has(asked.parsed("openai/some-model-of-next-year"), "temperature") == false);
  asked.options.reasoning_effort = "none";
  CHECK(has(asked.parsed("openai/gpt-5.6"), "temperature"));
}

TEST_CASE("reasoning is controlled in each provider's own way") {
  const auto asked = [](std::string effort) {
    Asked asked;
    asked.options.reasoning_effort = std::move(effort);
    return asked;
  };
  const json::object deepseek_off = asked("none").parsed("deepseek/deepseek-flash");
  CHECK(deepseek_off.at("thinking") == json::value(json::object{{"type", "disabled"}}));
  CHECK_FALSE(has(deepseek_off, "reasoning_effort"));
  CHECK(asked("minimal").parsed("deepseek/deepseek-flash").at("reasoning_effort") == "low");
  CHECK(asked("max").parsed("deepseek/deepseek-flash").at("reasoning_effort") == "max");
  CHECK_FALSE(has(asked("").parsed("deepseek/deepseek-flash"), "thinking"));
  CHECK(asked("none").parsed("llama-server/x").at("chat_template_kwargs") ==
        json::value(json::object{{"enable_thinking", false}}));
  CHECK(asked("high").parsed("vllm/x").at("chat_template_kwargs") ==
        json::value(json::object{{"enable_thinking", true}}));
  CHECK(asked("max").parsed("ollama/x").at("reasoning_effort") == "high");
  CHECK(asked("minimal").parsed("ollama/x").at("reasoning_effort") == "low");
  CHECK(asked("minimal").parsed("openai/gpt-5").at("reasoning_effort") == "minimal");
}

TEST_CASE("earlier reasoning goes back as each model wants it") {
  const auto deepseek = two_turns("deepseek");
  CHECK(replayed(deepseek.parsed("deepseek/deepseek-v4-pro"), "reasoning_content") == "first,second,third");
  CHECK(replayed(deepseek.parsed("deepseek/deepseek-v3.2"), "reasoning_content") == "-,-,third");
  CHECK(replayed(deepseek.parsed("deepseek/deepseek-r1"), "reasoning_content") == "-,-,-");
  CHECK(replayed(two_turns("openai").parsed("openai/gpt-5"), "reasoning_content") == "-,-,-");
  CHECK(replayed(two_turns("llama-server").parsed("llama-server/qwen3"), "reasoning_content") == "-,-,third");
  CHECK(replayed(two_turns("ollama").parsed("ollama/qwen3"), "reasoning") == "-,-,third");
  ModelSpec spec;
  spec.name = "deepseek/deepseek-flash";
  spec.reasoning_replay = "never";
  CHECK(replayed(deepseek.parsed(spec), "reasoning_content") == "-,-,-");
}

TEST_CASE("another provider's reasoning is not passed on, but DeepSeek gets the field that it insists on") {
  CHECK(replayed(two_turns("openai").parsed("deepseek/deepseek-flash"), "reasoning_content") == ",-,");
  CHECK(replayed(two_turns("deepseek").parsed("vllm/x"), "reasoning_content") == "-,-,-");
}

TEST_CASE("a conversation that grows keeps its beginning byte by byte") {
  Asked asked = two_turns("deepseek");
  asked.tools = {add_tool()};
  const std::string first = asked.body("deepseek/deepseek-flash");
  asked.messages.push_back(assistant("dos", {}));
  asked.messages.push_back(user_message("three"));
  const std::string second = asked.body("deepseek/deepseek-flash");
  CHECK(second.starts_with(first.substr(0, first.size() - 2)));
  CHECK(asked.body("deepseek/deepseek-flash") == second);
}

TEST_CASE("every tool call is answered, and every result has its call") {
  Asked asked;
  asked.messages = {user_message("go"),
                    assistant("", {{"c1", "add", "{}"}, {"c2", "add", "{}"}, {"c3", "add", "{}"}}),
                    result("c2", ""),
                    result("stray", "lost"),
                    result("c3", "no such file", true),
                    user_message("well?")};
  const json::array messages = messages_of(asked.parsed("openai/gpt-4o"));
  REQUIRE(messages.size() == 7);
  CHECK(messages[2] == json::value(json::object{{"role", "tool"}, {"tool_call_id", "c2"}, {"content", "(no output)"}}));
  CHECK(messages[3] ==
        json::value(json::object{{"role", "tool"}, {"tool_call_id", "c3"}, {"content", "Error: no such file"}}));
  CHECK(messages[4] ==
        json::value(json::object{
            {"role", "tool"}, {"tool_call_id", "c1"}, {"content", "Error: the call was not carried out"}}));
  CHECK(messages[5].at("role") == "user");
  CHECK(messages[5].at("content") == "Result of the tool add: lost");
  CHECK(messages[6].at("content") == "well?");
}

TEST_CASE("arguments that are no JSON are wrapped, so that servers can read the history") {
  Asked asked;
  asked.messages = {assistant("", {{"c1", "add", R"({"a": )"}, {"c2", "add", ""}, {"c3", "add", "[1]"}})};
  const json::value message = messages_of(asked.parsed("vllm/x"))[0];
  const auto arguments = [&](std::size_t call) {
    return message.at("tool_calls").at(call).at("function").at("arguments").as_string();
  };
  CHECK(arguments(0) == R"({"invalid_arguments":"{\"a\": "})");
  CHECK(arguments(1) == "{}");
  CHECK(arguments(2) == R"({"invalid_arguments":"[1]"})");
}

TEST_CASE("images travel as URLs, other files are refused with their type") {
  Message message = user_message("what is this?");
  message.parts.emplace_back(Blob{"image/png", "aGk=", ""});
  message.parts.emplace_back(Blob{"", "", "https://example.org/cat.jpg"});
  Asked asked;
  asked.messages = {message};
  CHECK(asked.body("openai/gpt-4o")
            .ends_with(R"("messages":[{"role":"user","content":[{"type":"text","text":"what is this?"},)"
                       R"({"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}},)"
                       R"({"type":"image_url","image_url":{"url":"https://example.org/cat.jpg"}}]}]})"));
  asked.messages[0].parts.emplace_back(Blob{"application/pdf", "aGk=", ""});
  const Error error = error_of([&] { (void)asked.body("openai/gpt-4o"); });
  CHECK(error.code() == errc::invalid_argument);
  CHECK(error.message().find("application/pdf") != std::string::npos);
}

TEST_CASE("an answer's schema is enforced where the server can, and said where it cannot") {
  Asked asked;
  asked.instructions = "Be brief.";
  asked.output = parse_object(
      R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false})");
  const json::object openai = asked.parsed("openai/gpt-4o");
  CHECK(openai.at("response_format").at("json_schema").at("strict") == true);
  CHECK(openai.at("response_format").at("json_schema").at("schema") == json::value(*asked.output));
  CHECK(messages_of(openai)[0].at("content") == "Be brief.");
  const json::object deepseek = asked.parsed("deepseek/deepseek-flash");
  CHECK(deepseek.at("response_format") == json::value(json::object{{"type", "json_object"}}));
  CHECK(messages_of(deepseek)[0].at("content").as_string().find("JSON Schema:\n{\"type\":\"object\"") !=
        std::string::npos);
  asked.tools = {add_tool()};
  CHECK(has(asked.parsed("openai/gpt-4o"), "response_format"));
  CHECK_FALSE(has(asked.parsed("llama-server/x"), "response_format"));
  CHECK(messages_of(asked.parsed("llama-server/x"))[0].at("content").as_string().find("JSON Schema") !=
        std::string::npos);
  asked.output = parse_object(R"({"type":"object","properties":{"n":{"type":"integer"}}})");
  CHECK(asked.parsed("openai/gpt-4o").at("response_format").at("json_schema").at("strict") == false);
}

TEST_CASE("choice and parallelism of tools are sent only beside tools") {
  Asked asked;
  asked.choice = ToolChoice::required;
  asked.options.parallel_tool_calls = false;
  CHECK_FALSE(has(asked.parsed("openai/gpt-4o"), "tool_choice"));
  CHECK_FALSE(has(asked.parsed("openai/gpt-4o"), "tools"));
  asked.tools = {add_tool()};
  CHECK(asked.parsed("openai/gpt-4o").at("tool_choice") == "required");
  CHECK(asked.parsed("openai/gpt-4o").at("parallel_tool_calls") == false);
  CHECK_FALSE(has(asked.parsed("deepseek/deepseek-flash"), "parallel_tool_calls"));
  asked.choice = ToolChoice::none;
  CHECK(asked.parsed("openai/gpt-4o").at("tool_choice") == "none");
  asked.choice = ToolChoice::automatic;
  CHECK_FALSE(has(asked.parsed("openai/gpt-4o"), "tool_choice"));
}

TEST_CASE("strict tools: each one for OpenAI, all or none for DeepSeek, below its beta address") {
  Asked asked;
  asked.tools = {add_tool(), {"free", "", parse_object(R"({"type":"object","additionalProperties":true})")}};
  ModelSpec spec;
  spec.strict_tools = true;
  spec.name = "openai/gpt-4o";
  const json::array tools = asked.parsed(spec).at("tools").as_array();
  CHECK(tools[0].at("function").at("strict") == true);
  CHECK(tools[0].at("function").at("parameters") ==
        *parse_json(
            R"({"type":"object","properties":{"a":{"type":"number"},"b":{"anyOf":[{"type":"number"},{"type":"null"}]}},
                        "required":["a","b"],"additionalProperties":false})"));
  CHECK_FALSE(tools[1].at("function").as_object().contains("strict"));
  spec.name = "deepseek/deepseek-flash";
  CHECK(error_of([&] { (void)asked.body(spec); }).message().find("“free”") != std::string::npos);
  asked.tools.pop_back();
  CHECK(asked.parsed(spec).at("tools").at(0).at("function").at("strict") == true);
  CHECK(resolve_chat_model(*find_provider("deepseek"), spec).url == "https://api.deepseek.com/beta/chat/completions");
  spec.base_url = "http://localhost:1/proxy";
  CHECK(resolve_chat_model(*find_provider("deepseek"), spec).url == "http://localhost:1/proxy/chat/completions");
}

TEST_CASE("what the request leaves open comes from the agent file; extra fields are sent as they are") {
  Asked asked;
  asked.options.temperature = 0.2;
  asked.options.extra = parse_object(R"({"user_id":"me"})");
  ModelSpec spec;
  spec.name = "deepseek/deepseek-flash";
  spec.options.temperature = 0.9;
  spec.options.max_tokens = 7;
  spec.options.stop = {"END"};
  spec.options.extra = parse_object(R"({"user_id":"you","top_logprobs":2})");
  const json::object body = asked.parsed(spec);
  CHECK(body.at("temperature") == 0.2);
  CHECK(body.at("max_tokens") == 7);
  CHECK(body.at("stop") == json::value(json::array{"END"}));
  CHECK(body.at("user_id") == "me");
  CHECK(body.at("top_logprobs") == 2);
}

TEST_CASE("text that is no UTF-8 is repaired before it is sent") {
  Asked asked;
  asked.messages = {user_message("a\xFF\"\n\x01")};
  CHECK(asked.body("ollama/x").ends_with("\"content\":\"a\xEF\xBF\xBD\\\"\\n\\u0001\"}]}"));
}

TEST_CASE("addresses and names are resolved, and what is missing is named") {
  const auto resolve = [](std::string name, std::string base_url) {
    ModelSpec spec;
    spec.name = std::move(name);
    spec.base_url = std::move(base_url);
    return resolve_chat_model(*find_provider(spec.name.substr(0, spec.name.find('/'))), spec);
  };
  CHECK(resolve("openai", "").name == "gpt-5-mini");
  CHECK(resolve("vllm/Qwen/Qwen3-8B", "").name == "Qwen/Qwen3-8B");
  CHECK(resolve("openai/x", "").url == "https://api.openai.com/v1/chat/completions");
  CHECK(resolve("openai/x", "http://h/v1/").url == "http://h/v1/chat/completions");
  CHECK(resolve("openai/x", "http://h/v1/chat/completions").url == "http://h/v1/chat/completions");
  CHECK(resolve("openai/x", "http://h/v1?api-version=2").url == "http://h/v1/chat/completions?api-version=2");
  CHECK(error_of([&] { (void)resolve("openai/x", "h/v1"); }).code() == errc::config);
  CHECK(error_of([&] { (void)resolve("openai-compatible/x", ""); }).message().find("base_url") != std::string::npos);
  CHECK(error_of([&] { (void)resolve("ollama", ""); }).message().find("ollama/MODEL") != std::string::npos);
}

TEST_CASE("splitting of think tags is decided by provider and model") {
  const auto start_of = [](std::string name, std::optional<bool> wanted) {
    ModelSpec spec;
    spec.name = std::move(name);
    spec.split_think = wanted;
    return resolve_chat_model(*find_provider(spec.name.substr(0, spec.name.find('/'))), spec).think;
  };
  CHECK(start_of("deepseek/deepseek-flash", {}) == ThinkStart::off);
  CHECK(start_of("deepseek/deepseek-flash", true) == ThinkStart::tagged);
  CHECK(start_of("vllm/Qwen/Qwen2.5-7B", {}) == ThinkStart::tagged);
  CHECK(start_of("vllm/deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", {}) == ThinkStart::inside);
  CHECK(start_of("vllm/deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", false) == ThinkStart::off);
  CHECK(start_of("ollama/deepseek-r1:8b", {}) == ThinkStart::tagged);
}

TEST_CASE("every provider's row is complete") {
  for (const Provider& provider : providers()) {
    INFO(provider.name);
    CHECK_FALSE(provider.title.empty());
    CHECK(find_provider(provider.name) == &provider);
    CHECK((!provider.key_required || !provider.key_variable.empty()));
  }
  CHECK(find_provider("nobody") == nullptr);
}

}  // namespace
}  // namespace sennit::testing
