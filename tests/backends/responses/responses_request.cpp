#include "backends/wire/asked.hpp"

#include <catch2/generators/catch_generators.hpp>
#include <fmt/format.h>

#include <memory>

namespace sennit::testing {
namespace {

/// Servers of several kinds, so that the tests do not depend on what the shipped catalogue says of anybody.
std::shared_ptr<const Catalogue> servers() {
  static const std::shared_ptr<const Catalogue> kServers = known_from(R"(
version: 2026-11-26
providers:
  strict: {title: Strict, apis: {responses: "https://s/v1"}, schema: json_schema, strict: per_tool}
  words: {title: Words, apis: {responses: "https://w/v1"}}
  json: {title: Json, apis: {responses: "https://j"}, schema: json_object, strict: all_with_beta}
  grammar: {title: Grammar, apis: {responses: "http://g/v1"}, schema: json_schema, schema_beside_tools: false}
models:
  - {id: "strict/thinks", reasons: true, efforts: [none, low, high]}
  - {id: "strict/thinks-alone", reasons: true, efforts: []}
  - {id: "strict/plain", efforts: []}
  - {id: "strict/open", abilities: [reasoning]}
  - {id: "strict/cold", sampling: false}
)");
  return kServers;
}

std::string bytes_of(const Asked& asked, const ModelSpec& spec) {
  return asked.body(spec, servers());
}

json::object body_of(const Asked& asked, const ModelSpec& spec) {
  return parse_object(bytes_of(asked, spec));
}

json::object body_of(const Asked& asked, std::string name) {
  return body_of(asked, named(std::move(name)));
}

std::string input_of(const std::vector<Message>& messages, std::string name = "strict/plain") {
  Asked asked;
  asked.messages = messages;
  return json::serialize(body_of(asked, std::move(name)).at("input"));
}

Reasoning thought(std::string_view opaque, std::string maker = "responses/strict/thinks") {
  return {"hm", std::move(maker), *parse_json(opaque)};
}

constexpr std::string_view kThought = R"({"id":"rs_1","summary":[],"encrypted_content":"gA=="})";
constexpr std::string_view kThoughtItem = R"({"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gA=="})";

TEST_CASE("a plain question to Responses, byte by byte") {
  Asked asked;
  asked.instructions = "Be brief.";
  asked.messages = {user_message("Hi")};
  asked.options.max_tokens = 100;
  asked.options.temperature = 0.7;
  asked.options.top_p = 0.5;
  asked.options.stop = {"END"};
  asked.options.seed = 4;
  CHECK(bytes_of(asked, named("strict/plain")) ==
        R"({"model":"plain","stream":true,"store":false,"instructions":"Be brief.","temperature":0.7,"top_p":0.5,)"
        R"("max_output_tokens":100,)"
        R"("input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}]})");
}

TEST_CASE("Responses: the depth of reasoning, and whether the thoughts come along") {
  const auto asked = [](std::string effort, std::string name) {
    Asked asked;
    asked.options.reasoning_effort = std::move(effort);
    const json::object body = body_of(asked, "strict/" + std::move(name));
    return text_of(body, "reasoning") + (body.contains("include") ? " thoughts" : "");
  };
  CHECK(asked("", "thinks") == "- thoughts");
  CHECK(asked("max", "thinks") == R"({"effort":"high"} thoughts)");
  CHECK(asked("none", "thinks") == R"({"effort":"none"} thoughts)");
  CHECK(asked("high", "thinks-alone") == "- thoughts");
  CHECK(asked("high", "plain") == "-");
  CHECK(asked("", "open") == "- thoughts");
  CHECK(asked("", "unheard-of") == "-");
  CHECK(asked("minimal", "unheard-of") == R"({"effort":"minimal"} thoughts)");
}

TEST_CASE("Responses: sampling goes only to models that take it") {
  const auto warm = [](std::string effort, std::string name) {
    Asked asked;
    asked.options.temperature = 0.5;
    asked.options.reasoning_effort = std::move(effort);
    return body_of(asked, "strict/" + std::move(name)).contains("temperature");
  };
  CHECK(warm("", "plain"));
  CHECK(warm("none", "thinks"));
  CHECK_FALSE(warm("", "thinks"));
  CHECK_FALSE(warm("low", "thinks"));
  CHECK_FALSE(warm("", "cold"));
}

TEST_CASE("Responses: extra fields replace ours, those inside reasoning and text one by one") {
  Asked asked;
  asked.instructions = "Be brief.";
  asked.output = parse_object(R"({"type":"object","properties":{},"additionalProperties":false})");
  asked.options.reasoning_effort = "low";
  asked.options.extra = parse_object(
      R"({"store":true,"reasoning":{"summary":null,"context":"all_turns"},"text":{"verbosity":"low"},"user":"me"})");
  const json::object body = body_of(asked, "strict/thinks");
  CHECK(text_of(body, "store") == "true");
  CHECK(text_of(body, "reasoning") == R"({"effort":"low","context":"all_turns"})");
  CHECK(body.at("text").at("verbosity") == "low");
  CHECK(body.at("text").at("format").at("type") == "json_schema");
  CHECK(text_of(body, "user") == "\"me\"");
  asked.options.extra = parse_object(R"({"reasoning":null,"include":null,"text":null})");
  for (const char* const field : {"reasoning", "include", "text"}) {
    CHECK_FALSE(body_of(asked, "strict/thinks").contains(field));
  }
}

TEST_CASE("Responses: tools are flat, and say whether they are strict") {
  Asked asked;
  asked.tools = {add_tool(), {"free", "", parse_object(R"({"type":"object","additionalProperties":true})")}};
  asked.choice = ToolChoice::required;
  asked.options.parallel_tool_calls = false;
  ModelSpec spec = named("strict/plain");
  const json::object loose = body_of(asked, spec);
  CHECK(
      json::serialize(loose.at("tools")) ==
      R"([{"type":"function","name":"add","description":"Adds.","parameters":{"type":"object","properties":)"
      R"({"a":{"type":"number"},"b":{"type":"number"}},"required":["a"]},"strict":false},)"
      R"({"type":"function","name":"free","parameters":{"type":"object","additionalProperties":true},"strict":false}])");
  CHECK(loose.at("tool_choice") == "required");
  CHECK(loose.at("parallel_tool_calls") == false);
  spec.strict_tools = true;
  const json::array strict = body_of(asked, spec).at("tools").as_array();
  CHECK(strict[0].at("strict") == true);
  CHECK(strict[0].at("parameters").at("required") == json::value(json::array{"a", "b"}));
  CHECK(strict[1].at("strict") == false);
  CHECK(strict[1].at("parameters") == json::value(asked.tools[1].parameters));
  asked.tools.clear();
  CHECK_FALSE(body_of(asked, spec).contains("tool_choice"));
  CHECK_FALSE(body_of(asked, spec).contains("parallel_tool_calls"));
}

TEST_CASE("Responses: an answer's schema is enforced where it can be, and said where it may not be") {
  Asked asked;
  asked.instructions = "Be brief.";
  asked.output = parse_object(R"({"type":"object","properties":{"n":{"type":"integer"}}})");
  const auto of = [&asked](std::string name) {
    const json::object body = body_of(asked, std::move(name));
    const json::value* text = body.if_contains("text");
    std::string how = text == nullptr ? "-" : std::string(text->at("format").at("type").as_string());
    if (how == "json_schema") how += text->at("format").at("strict").as_bool() ? " strict" : " loose";
    const bool said = body.at("instructions").as_string().find("JSON Schema:\n{") != std::string::npos;
    return how + (said ? ", in words" : "");
  };
  CHECK(of("strict/plain") == "json_schema strict");
  CHECK(of("words/x") == "-, in words");
  CHECK(of("json/x") == "json_object, in words");
  CHECK(of("grammar/x") == "json_schema strict, in words");
  asked.tools = {add_tool()};
  CHECK(of("strict/plain") == "json_schema strict");
  CHECK(of("grammar/x") == "-, in words");
  asked.output = parse_object(R"({"type":"object","additionalProperties":{"type":"string"}})");
  CHECK(of("strict/plain") == "json_schema loose");
  CHECK(body_of(asked, "strict/plain").at("text").at("format").at("schema") == json::value(*asked.output));
}

TEST_CASE("Responses: texts, calls and results are items of their own") {
  CHECK(input_of({user_message("one"), user_message("two"),
                  assistant("Let me see.", {{"c1", "add", R"({"a": 2})"}, {"c2", "ädd", "["}}), result("c2", "", true),
                  Message{Role::system, {Text{"Hurry."}}}}) ==
        R"([{"type":"message","role":"user","content":[{"type":"input_text","text":"one\n\ntwo"}]},)"
        R"({"type":"message","id":"msg_0","status":"completed","role":"assistant","content":)"
        R"([{"type":"output_text","text":"Let me see.","annotations":[]}]},)"
        R"({"type":"function_call","call_id":"c1","name":"add","arguments":"{\"a\": 2}"},)"
        R"({"type":"function_call","call_id":"c2","name":"__dd","arguments":"{\"invalid_arguments\":\"[\"}"},)"
        R"({"type":"function_call_output","call_id":"c1","output":"Error: the call was not carried out"},)"
        R"({"type":"function_call_output","call_id":"c2","output":"Error: failed"},)"
        R"({"type":"message","role":"system","content":[{"type":"input_text","text":"Hurry."}]}])");
  CHECK(input_of({Message{Role::system, {Text{"Hurry."}}}}, "strict/thinks").find(R"("role":"developer")") !=
        std::string::npos);
}

TEST_CASE("Responses: an id that is too long or odd is renamed, and the answer's with it") {
  const std::string odd = GENERATE(std::string(65, 'x'), std::string("call 1"), std::string("größe"), std::string());
  Asked asked;
  asked.messages = {assistant("", {{odd, "add", "{}"}, {"call_2", "add", "{}"}}), result("call_2", "2"),
                    result(odd, "1")};
  const json::array input = body_of(asked, "strict/plain").at("input").as_array();
  REQUIRE(input.size() == 4);
  const json::string& id = input[0].at("call_id").as_string();
  CHECK(id.starts_with("call_"));
  CHECK(id.size() == 21);
  CHECK(input[2].at("call_id") == id);
  CHECK(input[2].at("output") == "1");
  CHECK(input[3].at("call_id") == "call_2");
}

TEST_CASE("Responses: an id that fits stays as it is") {
  CHECK(input_of({assistant("", {{std::string(64, 'x'), "add", "{}"}})}).find(std::string(64, 'x')) !=
        std::string::npos);
  CHECK(input_of({assistant("", {{"resp_1:call_0", "add", "{}"}})}).find("resp_1:call_0") != std::string::npos);
}

TEST_CASE("Responses: thoughts go back in their place, word for word, to the model that had them") {
  Message message{Role::assistant, {}};
  message.parts = {thought(kThought), Text{"First."},
                   thought(R"({"id":"rs_2","summary":[],"content":[{"type":"reasoning_text","text":"b"}]})"),
                   ToolCall{"c1", "add", "{}"}};
  const std::string sent = input_of({message, result("c1", "1")}, "strict/thinks");
  CHECK(sent ==
        fmt::format(R"([{},{},{},{},{}])", kThoughtItem,
                    R"({"type":"message","id":"msg_0","status":"completed","role":"assistant","content":)"
                    R"([{"type":"output_text","text":"First.","annotations":[]}]})",
                    R"({"type":"reasoning","id":"rs_2","summary":[],"content":[{"type":"reasoning_text","text":"b"}]})",
                    R"({"type":"function_call","call_id":"c1","name":"add","arguments":"{}"})",
                    R"({"type":"function_call_output","call_id":"c1","output":"1"})"));
  CHECK(input_of({message}, "strict/open").find("reasoning") == std::string::npos);
}

TEST_CASE("Responses: a thought goes with what it led to, or not at all") {
  const Message cut{Role::assistant, {thought(kThought)}};
  CHECK(input_of({user_message("a"), cut, user_message("b")}, "strict/thinks") ==
        R"([{"type":"message","role":"user","content":[{"type":"input_text","text":"a\n\nb"}]}])");
  const Message tail{Role::assistant, {Text{"Yes."}, thought(kThought)}};
  CHECK(input_of({tail}, "strict/thinks").find("reasoning") == std::string::npos);
  // What it led to is moved, and takes it along.
  const Message late{Role::assistant, {ToolCall{"c1", "add", "{}"}, thought(kThought), Text{"So."}}};
  CHECK(input_of({late}, "strict/thinks").starts_with(fmt::format(R"([{},{{"type":"message")", kThoughtItem)));
}

TEST_CASE("Responses: a thought that is only named means nothing where nothing is stored") {
  Asked asked;
  asked.messages = {
      {Role::assistant, {thought(R"({"id":"rs_1","summary":[],"encrypted_content":null})"), Text{"Yes."}}},
      {Role::assistant, {thought("null"), Text{"Yes."}}},
      {Role::assistant, {thought(R"({"summary":[{"type":"summary_text","text":"a"}]})"), Text{"Yes."}}}};
  CHECK(json::serialize(body_of(asked, "strict/thinks").at("input")).find("reasoning") == std::string::npos);
  asked.options.extra = parse_object(R"({"store":true})");
  const json::array input = body_of(asked, "strict/thinks").at("input").as_array();
  CHECK(input.size() == 4);
  CHECK(input[0].at("id") == "rs_1");
  CHECK_FALSE(input[1].as_object().contains("id"));
}

TEST_CASE("Responses: a thought without a summary gets an empty one, which is required") {
  CHECK(input_of({{Role::assistant, {thought(R"({"encrypted_content":"gA=="})"), Text{"Yes."}}}}, "strict/thinks")
            .starts_with(R"([{"type":"reasoning","encrypted_content":"gA==","summary":[]},)"));
}

TEST_CASE("Responses: images and documents travel beside the text, sound is refused") {
  Message message = user_message("What is this?");
  message.parts.emplace_back(Blob{"image/png", "aGk=", ""});
  message.parts.emplace_back(Blob{"", "", "https://a/b.jpg"});
  message.parts.emplace_back(Blob{"application/pdf", "aGk=", ""});
  message.parts.emplace_back(Blob{"text/csv", "", "https://a/b.csv"});
  CHECK(input_of({user_message("Look:"), message}) ==
        R"([{"type":"message","role":"user","content":[{"type":"input_text","text":"Look:"},)"
        R"({"type":"input_text","text":"What is this?"},)"
        R"({"type":"input_image","image_url":"data:image/png;base64,aGk=","detail":"auto"},)"
        R"({"type":"input_image","image_url":"https://a/b.jpg","detail":"auto"},)"
        R"({"type":"input_file","filename":"file.pdf","file_data":"data:application/pdf;base64,aGk="},)"
        R"({"type":"input_file","file_url":"https://a/b.csv"}]}])");
  const auto refused = [](Blob blob) { return error_of([&] { (void)input_of({{Role::user, {std::move(blob)}}}); }); };
  CHECK(refused({"audio/wav", "aGk=", ""}).code() == errc::invalid_argument);
  CHECK(refused({"video/mp4", "aGk=", ""}).message().find("video/mp4") != std::string::npos);
}

TEST_CASE("Responses: a conversation that grows keeps its beginning byte by byte") {
  Asked asked = two_turns("responses/strict/thinks");
  for (Message& message : asked.messages) {
    for (Part& part : message.parts) {
      if (auto* reasoning = std::get_if<Reasoning>(&part)) reasoning->opaque = *parse_json(kThought);
    }
  }
  asked.tools = {add_tool()};
  const std::string first = bytes_of(asked, named("strict/thinks"));
  asked.messages.push_back(assistant("dos"));
  asked.messages.push_back(user_message("three"));
  const std::string second = bytes_of(asked, named("strict/thinks"));
  CHECK(second.starts_with(first.substr(0, first.size() - 2)));
}

}  // namespace
}  // namespace sennit::testing
