#include "backends/wire/asked.hpp"

namespace sennit::testing {
namespace {

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

TEST_CASE("models of OpenAI get the efforts that they take, and no stop where they reason") {
  const auto asked = [](std::string effort) {
    Asked asked;
    asked.options.reasoning_effort = std::move(effort);
    asked.options.temperature = 0.5;
    asked.options.stop = {"END"};
    return asked;
  };
  const auto effort = [&asked](std::string wanted, std::string model) {
    const json::object body = asked(std::move(wanted)).parsed("openai/" + std::move(model));
    const json::value* sent = body.if_contains("reasoning_effort");
    return sent == nullptr ? std::string("-") : std::string(sent->as_string());
  };
  for (const char* const model :
       {"gpt-4o", "gpt-4.1-mini", "gpt-3.5-turbo", "gpt-5-chat-latest", "gpt-5.1-chat-latest"}) {
    CHECK(effort("high", model) == "-");
  }
  CHECK(effort("minimal", "o3") == "low");
  CHECK(effort("none", "o4-mini") == "low");
  CHECK(effort("max", "o3-mini") == "high");
  CHECK(effort("minimal", "gpt-5-mini") == "minimal");
  CHECK(effort("none", "gpt-5") == "minimal");
  CHECK(effort("xhigh", "gpt-5") == "high");
  CHECK(effort("low", "gpt-5-pro") == "high");
  CHECK(effort("minimal", "gpt-5.1") == "none");
  CHECK(effort("max", "gpt-5.2") == "xhigh");
  CHECK(effort("max", "gpt-6-sol") == "max");
  CHECK(effort("thorough", "gpt-5") == "thorough");
  CHECK(has(asked("").parsed("openai/gpt-4o"), "stop"));
  CHECK_FALSE(has(asked("").parsed("openai/gpt-5"), "stop"));
  CHECK_FALSE(has(asked("none").parsed("openai/gpt-5"), "temperature"));
  CHECK(has(asked("none").parsed("openai/gpt-5.1"), "temperature"));
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
  CHECK(resolve_model(catalogue(), *catalogue()->provider("deepseek"), spec).url ==
        "https://api.deepseek.com/beta/chat/completions");
  spec.base_url = "http://localhost:1/proxy";
  CHECK(resolve_model(catalogue(), *catalogue()->provider("deepseek"), spec).url ==
        "http://localhost:1/proxy/chat/completions");
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

TEST_CASE("extra fields replace our own, and null does without them") {
  Asked asked;
  asked.options.temperature = 0.2;
  asked.options.max_tokens = 9;
  asked.options.extra = parse_object(R"({"temperature":1.5,"stream_options":null,"x":null})");
  const std::string body = asked.body("deepseek/deepseek-flash");
  CHECK(body == R"({"model":"deepseek-flash","stream":true,"max_tokens":9,"temperature":1.5,"messages":[]})");
}

TEST_CASE("what the agent itself decides cannot be replaced by an extra field") {
  for (const char* const field : {"model", "messages", "tools"}) {
    ModelSpec spec;
    spec.name = "deepseek/deepseek-flash";
    spec.options.extra[field] = nullptr;
    const Error error = error_of([&] { (void)resolve_model(catalogue(), *catalogue()->provider("deepseek"), spec); });
    CHECK(error.code() == errc::config);
    CHECK(error.message().find(field) != std::string::npos);
    Asked asked;
    asked.options.extra[field] = "x";
    CHECK(error_of([&] { (void)asked.body("deepseek/deepseek-flash"); }).code() == errc::invalid_argument);
  }
}

TEST_CASE("addresses and names are resolved, and what is missing is named") {
  const auto resolve = [](std::string name, std::string base_url) {
    ModelSpec spec;
    spec.name = std::move(name);
    spec.base_url = std::move(base_url);
    return resolve_model(catalogue(), *catalogue()->provider(spec.name.substr(0, spec.name.find('/'))), spec);
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
    return resolve_model(catalogue(), *catalogue()->provider(spec.name.substr(0, spec.name.find('/'))), spec).think;
  };
  CHECK(start_of("deepseek/deepseek-flash", {}) == ThinkStart::off);
  CHECK(start_of("deepseek/deepseek-flash", true) == ThinkStart::tagged);
  CHECK(start_of("vllm/Qwen/Qwen2.5-7B", {}) == ThinkStart::tagged);
  CHECK(start_of("vllm/deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", {}) == ThinkStart::inside);
  CHECK(start_of("vllm/deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", false) == ThinkStart::off);
  CHECK(start_of("ollama/deepseek-r1:8b", {}) == ThinkStart::tagged);
}

TEST_CASE("every provider's row is complete") {
  for (const Provider& provider : catalogue()->providers()) {
    INFO(provider.name);
    CHECK_FALSE(provider.title.empty());
    CHECK(catalogue()->provider(provider.name) == &provider);
    CHECK((!provider.key_required || !provider.key_variable.empty()));
  }
  CHECK(catalogue()->provider("nobody") == nullptr);
}

}  // namespace
}  // namespace sennit::testing
