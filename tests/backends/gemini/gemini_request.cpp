#include "backends/wire/asked.hpp"

#include <fmt/format.h>

#include <memory>

namespace sennit::testing {
namespace {

/// Models of all forms, so that the tests do not depend on what the shipped catalogue says of anybody.
std::shared_ptr<const Catalogue> models() {
  static const std::shared_ptr<const Catalogue> kModels = known_from(R"(
version: 2026-11-26
providers:
  g: {title: Gemini, apis: {generate-content: "https://g/v1beta"}}
models:
  - {id: "g/levels", thinking: level, efforts: [minimal, low, medium, high]}
  - {id: "g/two-levels", thinking: level, efforts: [low, high]}
  - {id: "g/new", thinking: level}
  - {id: "g/budget", thinking: budget}
  - {id: "g/always", thinking: budget, efforts: [low, medium, high]}
  - {id: "g/plain", thinking: none, efforts: []}
  - {id: "g/json", thinking: level, abilities: [tools, json]}
  - {id: "g/images", thinking: level, abilities: [images]}
  - {id: "g/cold", thinking: level, sampling: false}
)");
  return kModels;
}

std::string bytes_of(const Asked& asked, const ModelSpec& spec) {
  return asked.body(spec, models());
}

json::object body_of(const Asked& asked, std::string model = "levels") {
  return parse_object(bytes_of(asked, named("g/" + std::move(model))));
}

/// The contents as one line each: "user: text | [functionResponse]".
std::string contents_of(const Asked& asked, std::string model = "levels") {
  const json::object body = body_of(asked, std::move(model));
  std::string all;
  for (const json::value& content : body.at("contents").as_array()) {
    if (!all.empty()) all += '\n';
    all += content.at("role").as_string();
    char separator = ':';
    for (const json::value& part : content.at("parts").as_array()) {
      all += fmt::format("{} {}", std::exchange(separator, ','), json::serialize(part));
    }
  }
  return all;
}

Reasoning thought(std::string text, json::value opaque, std::string model = "levels") {
  return {std::move(text), "generate-content/g/" + std::move(model), std::move(opaque)};
}

json::value sign(std::string_view signature) {
  return json::object{{"thoughtSignature", signature}};
}

Message answer(std::vector<Part> parts) {
  return {Role::assistant, std::move(parts)};
}

TEST_CASE("a Gemini request in full") {
  Asked asked;
  asked.instructions = "Be brief.";
  asked.messages = {
      user_message("2+3?"),
      answer({thought("Sum.", sign("")), thought("", sign("c2ln")), ToolCall{"8chars01", "add", R"({"a": 2.0})"}}),
      result("8chars01", "5")};
  asked.tools = {add_tool()};
  asked.options.temperature = 0.7;
  asked.options.top_p = 0.5;
  asked.options.max_tokens = 100;
  asked.options.seed = 1;
  asked.options.stop = {"END"};
  asked.options.reasoning_effort = "low";
  CHECK(
      bytes_of(asked, named("g/levels")) ==
      R"({"systemInstruction":{"parts":[{"text":"Be brief."}]},)"
      R"("tools":[{"functionDeclarations":[{"name":"add","description":"Adds.","parametersJsonSchema":{"type":"object",)"
      R"("properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a"]}}]}],)"
      R"("generationConfig":{"temperature":0.7,"topP":0.5,"maxOutputTokens":100,"stopSequences":["END"],"seed":1,)"
      R"("thinkingConfig":{"includeThoughts":true,"thinkingLevel":"LOW"}},)"
      R"("contents":[{"role":"user","parts":[{"text":"2+3?"}]},)"
      R"({"role":"model","parts":[{"functionCall":{"id":"8chars01","name":"add","args":{"a": 2.0}},"thoughtSignature":"c2ln"}]},)"
      R"({"role":"user","parts":[{"functionResponse":{"id":"8chars01","name":"add","response":{"result":"5"}}}]}]})");
}

TEST_CASE("thinking is asked for in the form that the model takes") {
  const auto thinking = [](std::string effort, std::string model) {
    Asked asked;
    asked.messages = {user_message("?")};
    asked.options.reasoning_effort = std::move(effort);
    const json::object body = body_of(asked, std::move(model));
    const json::value* config = body.if_contains("generationConfig");
    return config == nullptr ? std::string("-") : json::serialize(config->at("thinkingConfig"));
  };
  CHECK(thinking("", "levels") == R"({"includeThoughts":true})");
  CHECK(thinking("none", "levels") == R"({"includeThoughts":true,"thinkingLevel":"MINIMAL"})");
  CHECK(thinking("medium", "two-levels") == R"({"includeThoughts":true,"thinkingLevel":"LOW"})");
  CHECK(thinking("max", "levels") == R"({"includeThoughts":true,"thinkingLevel":"HIGH"})");
  CHECK(thinking("none", "new") == R"({"includeThoughts":true,"thinkingLevel":"LOW"})");
  CHECK(thinking("xhigh", "new") == R"({"includeThoughts":true,"thinkingLevel":"HIGH"})");
  CHECK(thinking("thorough", "new") == R"({"includeThoughts":true,"thinkingLevel":"THOROUGH"})");
  CHECK(thinking("", "budget") == "-");
  CHECK(thinking("none", "budget") == R"({"thinkingBudget":0})");
  CHECK(thinking("none", "always") == R"({"includeThoughts":true,"thinkingBudget":1024})");
  CHECK(thinking("medium", "budget") == R"({"includeThoughts":true,"thinkingBudget":8192})");
  CHECK(thinking("max", "budget") == R"({"includeThoughts":true,"thinkingBudget":24576})");
  CHECK(thinking("high", "plain") == "-");
  CHECK(thinking("high", "unheard-of") == "-");
}

TEST_CASE("a Gemini model that refuses sampling gets none") {
  Asked asked;
  asked.messages = {user_message("?")};
  asked.options.temperature = 1;
  asked.options.top_p = 1;
  asked.options.seed = 3;
  CHECK(json::serialize(body_of(asked, "cold").at("generationConfig")) ==
        R"({"seed":3,"thinkingConfig":{"includeThoughts":true}})");
}

TEST_CASE("an answer's schema goes to Gemini in a field, or in words where there is none") {
  Asked asked;
  asked.messages = {user_message("?")};
  asked.instructions = "Be brief.";
  asked.output = parse_object(R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]})");
  const auto form = [&asked](std::string model) {
    const json::object body = body_of(asked, std::move(model));
    const json::value* config = body.if_contains("generationConfig");
    const json::object fields = config == nullptr ? json::object() : config->as_object();
    const json::string& text = body.at("systemInstruction").at("parts").at(0).at("text").as_string();
    return fmt::format("{}{}{}", fields.contains("responseMimeType") ? "mime " : "",
                       fields.contains("responseJsonSchema") ? "schema " : "",
                       text.starts_with("Be brief.\n\nAnswer with one JSON object") ? "words" : "");
  };
  CHECK(form("levels") == "mime schema ");
  CHECK(form("budget") == "mime schema ");
  CHECK(form("unheard-of") == "mime schema ");
  CHECK(form("json") == "mime words");
  CHECK(form("images") == "words");
  CHECK(body_of(asked).at("generationConfig").at("responseJsonSchema") == json::value(*asked.output));
  asked.tools = {add_tool()};
  CHECK(form("levels") == "mime schema ");
  CHECK(form("budget") == "words");
  CHECK(form("plain") == "words");
}

TEST_CASE("the choice of tools is a mode of Gemini's") {
  Asked asked;
  asked.messages = {user_message("?")};
  const auto mode = [&asked](bool strict) {
    ModelSpec spec = named("g/levels");
    spec.strict_tools = strict;
    const json::object body = parse_object(bytes_of(asked, spec));
    const json::value* config = body.if_contains("toolConfig");
    return config == nullptr ? std::string("-")
                             : std::string(config->at("functionCallingConfig").at("mode").as_string());
  };
  asked.choice = ToolChoice::required;
  CHECK(mode(true) == "-");
  asked.tools = {add_tool()};
  CHECK(mode(false) == "ANY");
  CHECK(mode(true) == "ANY");
  asked.choice = ToolChoice::none;
  CHECK(mode(true) == "NONE");
  asked.choice = ToolChoice::automatic;
  CHECK(mode(false) == "-");
  CHECK(mode(true) == "VALIDATED");
}

TEST_CASE("the caller's own fields are merged into those of a Gemini request") {
  Asked asked;
  asked.messages = {user_message("?")};
  asked.tools = {add_tool()};
  asked.choice = ToolChoice::required;
  asked.options.temperature = 1;
  asked.options.max_tokens = 9;
  asked.options.extra =
      parse_object(R"({"generationConfig":{"topK":3,"temperature":0.5,"maxOutputTokens":null},"safetySettings":[],)"
                   R"("toolConfig":{"includeServerSideToolInvocations":true},"systemInstruction":null})");
  asked.instructions = "Be brief.";
  const json::object body = body_of(asked);
  CHECK(json::serialize(body.at("generationConfig")) ==
        R"({"temperature":5E-1,"thinkingConfig":{"includeThoughts":true},"topK":3})");
  CHECK(body.at("toolConfig").as_object().size() == 2);
  CHECK(body.at("safetySettings").as_array().empty());
  CHECK_FALSE(body.contains("systemInstruction"));
  asked.options.extra = parse_object(R"({"generationConfig":null})");
  CHECK_FALSE(body_of(asked).contains("generationConfig"));
}

TEST_CASE("each signature goes back to Gemini in the part that it came with") {
  Asked asked;
  asked.messages = {user_message("?"), answer({thought("Hm.", nullptr), Text{"One"}, thought("", sign("czE=")),
                                               Text{" two"}, thought("Signed.", sign("czI=")), Text{"."},
                                               thought("Unsigned.", sign("")), thought("", sign("czM="))})};
  CHECK(contents_of(asked) ==
        "user: {\"text\":\"?\"}\n"
        "model: {\"text\":\"One\"}, {\"text\":\" two\",\"thoughtSignature\":\"czE=\"}, "
        "{\"text\":\"Signed.\",\"thought\":true,\"thoughtSignature\":\"czI=\"}, {\"text\":\".\"}, "
        "{\"text\":\"\",\"thoughtSignature\":\"czM=\"}");
}

TEST_CASE("of calls side by side the first has the signature, and one is put there that has none") {
  Asked asked;
  const std::vector<Part> calls = {ToolCall{"a1", "add", "{}"}, ToolCall{"a2", "add", "{}"}};
  const auto first = [&asked](std::string model) {
    const json::object body = body_of(asked, std::move(model));
    const json::array& parts = body.at("contents").at(1).at("parts").as_array();
    CHECK_FALSE(parts[1].as_object().contains("thoughtSignature"));
    const json::value* signature = parts[0].as_object().if_contains("thoughtSignature");
    return signature == nullptr ? std::string("-") : std::string(signature->as_string());
  };
  asked.messages = {user_message("?"), answer(calls), result("a1", "1"), result("a2", "2")};
  CHECK(first("levels") == "skip_thought_signature_validator");
  CHECK(first("budget") == "-");
  CHECK(first("plain") == "-");
  asked.messages[1].parts.insert(asked.messages[1].parts.begin(), thought("", sign("c2ln")));
  CHECK(first("levels") == "c2ln");
  CHECK(first("new") == "skip_thought_signature_validator");  // it is of another model
  CHECK(first("budget") == "-");
  asked.messages.push_back(user_message("Next."));
  CHECK(first("new") == "skip_thought_signature_validator");
}

TEST_CASE("ids of calls go back to Gemini only if they are its own") {
  Asked asked;
  const auto ids = [&asked](const std::string& id, std::string maker) {
    Message made = answer({Reasoning{"", std::move(maker), sign("c2ln")}, ToolCall{id, "add", "{}"}});
    asked.messages = {user_message("?"), std::move(made), result(id, "1")};
    const json::object body = body_of(asked);
    const json::object call = body.at("contents").at(1).at("parts").at(0).at("functionCall").as_object();
    const json::object reply = body.at("contents").at(2).at("parts").at(0).at("functionResponse").as_object();
    CHECK(call.contains("id") == reply.contains("id"));
    return call.contains("id") ? std::string(call.at("id").as_string()) : std::string("-");
  };
  CHECK(ids("22iommr8", "generate-content/g/levels") == "22iommr8");
  CHECK(ids("call_8f3a", "generate-content/g/levels") == "call_8f3a");
  CHECK(ids("call_3_0", "generate-content/g/levels") == "-");
  CHECK(ids("call_3_0_2", "generate-content/g/levels") == "-");
  CHECK(ids("toolu_01", "messages/claude") == "-");
}

TEST_CASE("the results of a turn are one content, in the order of its calls") {
  Asked asked;
  asked.messages = {user_message("?"),
                    answer({ToolCall{"a1", "add", ""}, ToolCall{"a2", "multi_tool_use.parallel", "[1"},
                            ToolCall{"a3", "add", "{}"}, ToolCall{"a4", "add", "{}"}}),
                    result("a3", R"( {"sum": 1.50} )"), result("a2", "no such tool", true), result("a1", "[1]")};
  CHECK(contents_of(asked, "plain") ==
        "user: {\"text\":\"?\"}\n"
        "model: {\"functionCall\":{\"id\":\"a1\",\"name\":\"add\",\"args\":{}}}, "
        "{\"functionCall\":{\"id\":\"a2\",\"name\":\"multi_tool_use_parallel\",\"args\":{\"invalid_arguments\":\"[1\"}}"
        "}, "
        "{\"functionCall\":{\"id\":\"a3\",\"name\":\"add\",\"args\":{}}}, "
        "{\"functionCall\":{\"id\":\"a4\",\"name\":\"add\",\"args\":{}}}\n"
        "user: {\"functionResponse\":{\"id\":\"a1\",\"name\":\"add\",\"response\":{\"result\":\"[1]\"}}}, "
        "{\"functionResponse\":{\"id\":\"a2\",\"name\":\"multi_tool_use_parallel\",\"response\":{\"error\":\"no such "
        "tool\"}}}, "
        "{\"functionResponse\":{\"id\":\"a3\",\"name\":\"add\",\"response\":{\"sum\":1.5E0}}}, "
        "{\"functionResponse\":{\"id\":\"a4\",\"name\":\"add\",\"response\":{\"error\":\"the call was not carried "
        "out\"}}}");
  CHECK(bytes_of(asked, named("g/plain")).find(R"("response": {"sum": 1.50} })") != std::string::npos);
}

TEST_CASE("arguments that are nearly JSON reach Gemini as JSON") {
  Asked asked;
  asked.messages = {user_message("?"), answer({ToolCall{"a1", "add", "{\"a\":NaN,\"b\":\"\xff\"}"}}), result("a1", "")};
  CHECK(contents_of(asked, "plain").find("\"args\":{\"a\":null,\"b\":\"\xEF\xBF\xBD\"}") != std::string::npos);
}

TEST_CASE("user and model speak in turn, and the user begins") {
  Asked asked;
  CHECK(contents_of(asked) == R"(user: {"text":"Go on."})");
  asked.messages = {user_message("")};
  CHECK(contents_of(asked) == R"(user: {"text":"Go on."})");
  asked.messages = {Message{Role::system, {Text{"Rules."}}},
                    assistant_message("Hello."),
                    assistant_message("Well?"),
                    user_message("One."),
                    answer({thought("Hm.", nullptr)}),  // says nothing that goes back
                    user_message("Two."),
                    Message{Role::system, {Text{"Be quick."}}}};
  CHECK(contents_of(asked) ==
        "user: {\"text\":\"Go on.\"}\n"
        "model: {\"text\":\"Hello.\"}, {\"text\":\"Well?\"}\n"
        "user: {\"text\":\"One.\\n\\nTwo.\"}, {\"text\":\"Be quick.\"}");
  CHECK(body_of(asked).at("systemInstruction").at("parts").at(0).at("text") == "Rules.");
  asked.instructions = "Be brief.";
  CHECK(body_of(asked).at("systemInstruction").at("parts").at(0).at("text") == "Be brief.\n\nRules.");
}

TEST_CASE("what a person says after results is not taken for a part of them") {
  Asked asked;
  asked.messages = {user_message("?"), answer({ToolCall{"a1", "add", "{}"}}), result("a1", "1"), user_message("Stop.")};
  CHECK(contents_of(asked, "plain")
            .ends_with("\"response\":{\"result\":\"1\"}}}\n"
                       "model: {\"text\":\"[no answer yet]\"}\n"
                       "user: {\"text\":\"Stop.\"}"));
}

TEST_CASE("files go to Gemini where they stand in the text") {
  Asked asked;
  asked.messages = {Message{Role::user,
                            {Text{"Look: "}, Blob{"image/png", "iVBO", ""}, Text{"and hear: "},
                             Blob{"audio/wav", "", "https://h/a.wav"}, Blob{"", "", "https://youtu.be/x"}}}};
  CHECK(contents_of(asked) ==
        "user: {\"text\":\"Look: \"}, {\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"iVBO\"}}, "
        "{\"text\":\"and hear: \"}, {\"fileData\":{\"mimeType\":\"audio/wav\",\"fileUri\":\"https://h/a.wav\"}}, "
        "{\"fileData\":{\"fileUri\":\"https://youtu.be/x\"}}");
  for (const std::string_view kind : {"application/pdf", "text/csv", "video/mp4", "application/json"}) {
    asked.messages = {Message{Role::user, {Blob{std::string(kind), "AA==", ""}}}};
    CHECK(contents_of(asked).find(kind) != std::string::npos);
  }
  for (const std::string_view kind : {"application/zip", ""}) {
    asked.messages = {Message{Role::user, {Blob{std::string(kind), "AA==", ""}}}};
    CHECK_THROWS_AS(body_of(asked), Error);
  }
}

TEST_CASE("a conversation with Gemini keeps its beginning when it grows") {
  Asked asked;
  asked.instructions = "Be brief.";
  asked.tools = {add_tool()};
  const std::vector<Message> all = {
      user_message("one"), answer({ToolCall{"x", "add", "{}"}}),
      result("x", "1"),    answer({thought("", sign("c2ln")), ToolCall{"y", "add", "{}"}}),
      result("y", "2"),    answer({Text{"uno"}, thought("", sign("ZW5k"))}),
      user_message("two"), answer({ToolCall{"z", "add", "{}"}}),
      result("z", "3")};
  std::string before;
  for (const std::size_t length : {1U, 3U, 5U, 7U, 9U}) {
    asked.messages.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(length));
    std::string body = bytes_of(asked, named("g/levels"));
    body.resize(body.size() - 2);  // the ends of the array and of the body
    CHECK(body.starts_with(before));
    before = std::move(body);
  }
}

}  // namespace
}  // namespace sennit::testing
