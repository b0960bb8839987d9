#include "backends/messages/messages_asked.hpp"

namespace sennit::testing {
namespace {

TEST_CASE("the answer's bound is the caller's, else one that leaves room to think where the model thinks") {
  const auto limit = [](const std::string& name) { return body_of(saying("Go."), name).at("max_tokens").as_int64(); };
  CHECK(limit("anthropic/claude-new") == 32'000);
  CHECK(limit("anthropic/claude-old") == 16'000);
  CHECK(limit("anthropic/claude-plain") == 4'096);
  CHECK(limit("other/who-knows") == 8'192);
  Asked asked = saying("Go.");
  asked.options.max_tokens = 100;
  CHECK(body_of(asked).at("max_tokens") == 100);
  asked.options.extra["max_tokens"] = 7;
  CHECK(count_of(bytes_of(asked), "max_tokens") == 1);
  CHECK(body_of(asked).at("max_tokens") == 7);
}

TEST_CASE("a depth of reasoning is asked for in the model's own form") {
  const auto asked = [](const std::string& name, std::string effort) {
    const json::object body = body_of(with_effort(std::move(effort)), name);
    return text_of(body, "thinking") + " " + text_of(body, "output_config");
  };
  constexpr std::string_view kAdaptive = R"({"type":"adaptive","display":"summarized"})";
  CHECK(asked("anthropic/claude-new", "") == fmt::format("{} -", kAdaptive));
  CHECK(asked("anthropic/claude-mid", "") == "- -");
  CHECK(asked("anthropic/claude-old", "") == "- -");
  CHECK(asked("anthropic/claude-new", "xhigh") == fmt::format(R"({} {{"effort":"xhigh"}})", kAdaptive));
  CHECK(asked("anthropic/claude-new", "none") == fmt::format(R"({} {{"effort":"low"}})", kAdaptive));
  CHECK(asked("anthropic/claude-mid", "none") == R"({"type":"disabled"} -)");
  CHECK(asked("anthropic/claude-mid", "xhigh") == fmt::format(R"({} {{"effort":"high"}})", kAdaptive));
  CHECK(asked("anthropic/claude-old", "minimal") == R"({"type":"enabled","budget_tokens":1024} -)");
  CHECK(asked("anthropic/claude-old", "medium") == R"({"type":"enabled","budget_tokens":8192} -)");
  CHECK(asked("anthropic/claude-old", "max") == R"({"type":"enabled","budget_tokens":12000} -)");
  CHECK(asked("anthropic/claude-old", "none") == R"({"type":"disabled"} -)");
  CHECK(asked("anthropic/claude-plain", "high") == "- -");
  CHECK(asked("deepseek/x", "xhigh") == R"({"type":"enabled","budget_tokens":24000} {"effort":"high"})");
  CHECK(asked("deepseek/x", "none") == R"({"type":"disabled"} -)");
}

TEST_CASE("a model that nobody knows is asked as Claude of its name, else as servers do that imitate it") {
  const auto asked = [](const std::string& name) { return text_of(body_of(with_effort("high"), name), "thinking"); };
  CHECK(asked("other/anthropic.claude-new-v1") == R"({"type":"adaptive","display":"summarized"})");
  CHECK(asked("other/claude-old@20250101") == R"({"type":"enabled","budget_tokens":12000})");
  CHECK(asked("other/who-knows") == R"({"type":"enabled","budget_tokens":6144})");
  CHECK(text_of(body_of(saying("Go."), "other/who-knows"), "thinking") == "-");
}

TEST_CASE("there is no thinking where the bound leaves no room for it") {
  Asked asked = with_effort("high");
  asked.options.max_tokens = 1024;
  CHECK(text_of(body_of(asked, "anthropic/claude-old"), "thinking") == "-");
  asked.options.max_tokens = 1025;
  CHECK(text_of(body_of(asked, "anthropic/claude-old"), "thinking") == R"({"type":"enabled","budget_tokens":1024})");
}

TEST_CASE("a call that must be made leaves thinking out, which refuses to be forced") {
  Asked asked = with_effort("high");
  asked.tools = {add_tool()};
  asked.choice = ToolChoice::required;
  CHECK(text_of(body_of(asked, "anthropic/claude-old"), "thinking") == "-");
  CHECK(text_of(body_of(asked, "anthropic/claude-mid"), "thinking") == "-");
  CHECK(text_of(body_of(asked, "anthropic/claude-mid"), "output_config") == R"({"effort":"high"})");
  asked.options.reasoning_effort = "none";
  CHECK(text_of(body_of(asked, "anthropic/claude-mid"), "thinking") == R"({"type":"disabled"})");
}

TEST_CASE("a turn that another model began goes on without thinking where thoughts must come first") {
  Asked asked = with_effort("high");
  asked.messages = {user_message("2+3?"), assistant("", {{"c1", "add", "{}"}}, Reasoning{"Sum.", "deepseek", nullptr}),
                    result("c1", "5")};
  CHECK(text_of(body_of(asked, "anthropic/claude-old"), "thinking") == "-");
  CHECK(text_of(body_of(asked, "anthropic/claude-mid"), "thinking") != "-");
  CHECK(text_of(body_of(asked, "other/who-knows"), "thinking") != "-");
  asked.messages.push_back(user_message("Quick!"));
  CHECK(text_of(body_of(asked, "anthropic/claude-old"), "thinking") == "-");
  asked.messages.push_back(assistant("5"));
  asked.messages.push_back(user_message("Sure?"));
  CHECK(text_of(body_of(asked, "anthropic/claude-old"), "thinking") != "-");
  asked.messages = {user_message("2+3?"),
                    assistant("", {{"c1", "add", "{}"}}, thought("Sum.", "s", "anthropic/claude-old")),
                    result("c1", "5"), assistant("", {{"c2", "add", "{}"}}), result("c2", "5")};
  CHECK(text_of(body_of(asked, "anthropic/claude-old"), "thinking") != "-");
}

TEST_CASE("sampling is for models that take it and do not think meanwhile, and one kind at a time") {
  const auto sampling = [](const std::string& name, std::string effort, bool both) {
    Asked asked = with_effort(std::move(effort));
    if (both) asked.options.temperature = 0.5;
    asked.options.top_p = 0.25;
    asked.options.seed = 3;
    const json::object body = body_of(asked, name);
    CHECK_FALSE(has(body, "seed"));
    return text_of(body, "temperature") + " " + text_of(body, "top_p");
  };
  CHECK(sampling("anthropic/claude-new", "", true) == "- -");
  CHECK(sampling("anthropic/claude-mid", "", true) == "5E-1 -");
  CHECK(sampling("anthropic/claude-mid", "", false) == "- 2.5E-1");
  CHECK(sampling("anthropic/claude-mid", "low", true) == "- -");
  CHECK(sampling("anthropic/claude-mid", "none", true) == "5E-1 -");
  CHECK(sampling("anthropic/claude-old", "low", true) == "- -");
  CHECK(sampling("other/who-knows", "", true) == "5E-1 -");
}

TEST_CASE("tools may be called, must be, or must not be; one by one if that is asked for") {
  Asked asked = saying("Go.");
  asked.tools = {add_tool()};
  const auto choice = [&] { return text_of(body_of(asked), "tool_choice"); };
  CHECK(choice() == "-");
  asked.options.parallel_tool_calls = true;
  CHECK(choice() == "-");
  asked.options.parallel_tool_calls = false;
  CHECK(choice() == R"({"type":"auto","disable_parallel_tool_use":true})");
  asked.choice = ToolChoice::required;
  CHECK(choice() == R"({"type":"any","disable_parallel_tool_use":true})");
  asked.choice = ToolChoice::none;
  CHECK(choice() == R"({"type":"none"})");
  asked.tools.clear();
  CHECK(choice() == "-");
}

TEST_CASE("the schemas of tools are enforced as far as one request may ask for it") {
  Asked asked = saying("Go.");
  ModelSpec spec;
  spec.name = "anthropic/claude-new";
  spec.strict_tools = true;
  const auto strict = [&] { return count_of(bytes_of(asked, spec), R"("strict":true)"); };
  asked.tools.assign(30, ToolDescription{"t", "", parse_object(R"({"type":"object","properties":{}})")});
  CHECK(strict() == 20);
  asked.tools.assign(30, add_tool());  // one optional property each
  asked.output = add_tool().parameters;
  CHECK(strict() == 20);
  asked.tools.assign(4, {"t", "",
                         parse_object(R"({"type":"object","properties":{"a":{"type":"object","properties":)"
                                      R"({"b":{"type":"string"},"c":{"type":"string"},"d":{"type":"string"},)"
                                      R"("e":{"type":"string"},"f":{"type":"string"},"g":{"type":"string"}}}}})")});
  CHECK(strict() == 3);  // of seven each, and one of the answer: 22 of 24
  spec.name = "anthropic/claude-old";
  CHECK(strict() == 0);
  spec.name = "other/who-knows";
  CHECK(strict() == 3);
  spec.strict_tools = false;
  CHECK(strict() == 0);
}

TEST_CASE("an answer that cannot be held to its schema is told it") {
  Asked asked = saying("Go.");
  asked.tools = {add_tool()};
  asked.output =
      parse_object(R"({"type":"object","properties":{"a":{"type":"string"}},"patternProperties":{"^x":{}}})");
  const json::object told = body_of(asked);
  CHECK_FALSE(has(told, "output_config"));
  CHECK(text_of(told, "system").find("JSON Schema") != std::string::npos);
  CHECK_FALSE(has(told, "tool_choice"));
  asked.output = add_tool().parameters;
  CHECK(has(body_of(asked), "output_config"));
  CHECK_FALSE(has(body_of(asked), "system"));
  CHECK_FALSE(has(body_of(asked, "anthropic/claude-old"), "output_config"));
}

TEST_CASE("fields of the caller's stand in place of ours, their members in objects that we make") {
  Asked asked = with_effort("high");
  asked.output = add_tool().parameters;
  asked.options.extra =
      parse_object(R"({"thinking":{"type":"enabled","budget_tokens":2000},"output_config":{"effort":null},"top_k":5})");
  const json::object body = body_of(asked);
  CHECK(text_of(body, "thinking") == R"({"type":"enabled","budget_tokens":2000})");
  CHECK(text_of(body, "output_config").find("effort") == std::string::npos);
  CHECK(text_of(body, "output_config").find("format") != std::string::npos);
  CHECK(body.at("top_k") == 5);
  asked.options.extra = parse_object(R"({"thinking":null,"system":"Mine."})");
  asked.instructions = "Ours.";
  CHECK(text_of(body_of(asked), "thinking") == "-");
  CHECK(text_of(body_of(asked), "system") == R"("Mine.")");
}

}  // namespace
}  // namespace sennit::testing
