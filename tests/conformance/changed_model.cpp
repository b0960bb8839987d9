// One conversation that goes from model to model: DeepSeek thinks and calls a tool, then Claude goes on, then Gemini,
// then a model of OpenAI, then DeepSeek again. Each request must be one that its provider accepts, with the own
// thoughts of each, and nobody else's.
#include "support/fixtures.hpp"
#include "support/http_server.hpp"
#include "support/world.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <string>
#include <vector>

namespace sennit::testing {
namespace {

std::string named(const json::object& event) {
  return "event: " + std::string(event.at("type").as_string()) + "\ndata: " + json::serialize(event) + "\n\n";
}

std::string data(std::string_view chunk) {
  return "data: " + std::string(chunk) + "\n\n";
}

/// What each provider streams: thoughts, and a call where none was answered yet, else words.
std::string deepseek(bool calls) {
  const std::string thought = data(R"({"choices":[{"index":0,"delta":{"reasoning_content":"I need a sum."}}]})");
  if (!calls) {
    return thought + data(R"({"choices":[{"index":0,"delta":{"content":"It is 4."},"finish_reason":"stop"}]})") +
           data("[DONE]");
  }
  return thought +
         data(
             R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call:ds/1","type":"function","function":{"name":"calculator","arguments":"{\"expression\":\"2+2\"}"}}]},"finish_reason":"tool_calls"}]})") +
         data("[DONE]");
}

std::string claude(bool calls) {
  const auto event = [](std::string_view text) { return named(parse_json(text)->as_object()); };
  std::string all =
      event(
          R"({"type":"message_start","message":{"type":"message","role":"assistant","content":[],"usage":{"input_tokens":9}}})") +
      event(
          R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}})") +
      event(
          R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Claude thinks."}})") +
      event(R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"SIG-CLAUDE"}})") +
      event(R"({"type":"content_block_stop","index":0})");
  if (calls) {
    all +=
        event(
            R"({"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"calculator","input":{}}})") +
        event(
            R"({"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"expression\":\"3*3\"}"}})");
  } else {
    all += event(R"({"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}})") +
           event(R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"It is 9."}})");
  }
  return all + event(R"({"type":"content_block_stop","index":1})") +
         event(calls ? R"({"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":5}})"
                     : R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}})") +
         event(R"({"type":"message_stop"})");
}

std::string gemini(bool calls) {
  if (calls) {
    return data(
        R"({"candidates":[{"index":0,"content":{"role":"model","parts":[{"functionCall":{"name":"calculator","args":{"expression":"5-1"}},"thoughtSignature":"U0lHLUdFTUlOSQ=="}]},"finishReason":"STOP"}]})");
  }
  return data(
      R"({"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"It is 4 again.","thoughtSignature":"U0lHLVRFWFQ="}]},"finishReason":"STOP"}]})");
}

std::string openai(bool calls) {
  const auto event = [](std::string_view text) { return named(parse_json(text)->as_object()); };
  std::string all =
      event(R"({"type":"response.created","response":{"id":"r","status":"in_progress","output":[]}})") +
      event(
          R"({"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[]}})") +
      event(
          R"({"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"ENC-OPENAI"}})");
  if (calls) {
    all +=
        event(
            R"({"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"call_o1","name":"calculator","arguments":""}})") +
        event(
            R"({"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":1,"delta":"{\"expression\":\"6/2\"}"})") +
        event(
            R"({"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"call_o1","name":"calculator","arguments":"{\"expression\":\"6/2\"}","status":"completed"}})");
  } else {
    all +=
        event(
            R"({"type":"response.output_item.added","output_index":1,"item":{"type":"message","id":"m","role":"assistant","content":[]}})") +
        event(
            R"({"type":"response.output_text.delta","item_id":"m","output_index":1,"content_index":0,"delta":"It is 3."})");
  }
  return all + event(R"({"type":"response.completed","response":{"id":"r","status":"completed","output":[]}})");
}

/// Calls a tool, then answers.
HttpServer::Handler player(std::string (*play)(bool calls)) {
  auto turn = std::make_shared<int>(0);
  return [turn, play](const HttpRequest&) {
    return Reply::text(play((*turn)++ % 2 == 0)).header("Content-Type", "text/event-stream").chunked();
  };
}

struct Stop {
  std::string model;
  std::string api;
  const HttpServer* server;
};

Outcome talk(World& world, const Stop& stop, std::string words) {
  Definition definition;
  definition.model.name = stop.model;
  definition.model.api = stop.api;
  definition.model.base_url = stop.server->url("/v1");
  definition.model.api_key = Secret("none");
  definition.tools = {{"calculator", {}}};
  Run run = world.agent(definition).session("long").start(std::move(words));
  return elsewhere(run.wait());
}

json::object body_of(const HttpServer& server, std::size_t request) {
  return parse_json(server.requests().at(request).body)->as_object();
}

std::size_t count(std::string_view text, std::string_view piece) {
  std::size_t found = 0;
  for (std::size_t at = text.find(piece); at != std::string_view::npos; at = text.find(piece, at + 1)) ++found;
  return found;
}

/// Chat completions: each call is answered right after it, and those of DeepSeek carry its thoughts.
void check_chat(const json::object& body) {
  std::vector<std::string> open;
  for (const json::value& message : body.at("messages").as_array()) {
    const std::string_view role = message.at("role").as_string();
    if (role == "tool") {
      REQUIRE_FALSE(open.empty());
      CHECK(open.front() == message.at("tool_call_id").as_string());
      open.erase(open.begin());
      continue;
    }
    CHECK(open.empty());
    const json::value* calls = message.as_object().if_contains("tool_calls");
    if (calls == nullptr) continue;
    CHECK(message.as_object().contains("reasoning_content"));
    for (const json::value& call : calls->as_array()) open.emplace_back(call.at("id").as_string());
  }
  CHECK(open.empty());
}

/// Messages: roles in turn, every tool_use answered in the next message, ids of the form that is taken.
void check_messages(const json::object& body) {
  std::vector<std::string> open;
  std::string_view last = "assistant";
  for (const json::value& message : body.at("messages").as_array()) {
    const std::string_view role = message.at("role").as_string();
    CHECK(role != last);
    last = role;
    if (!message.at("content").is_array()) continue;
    std::vector<std::string> asked;
    for (const json::value& block : message.at("content").as_array()) {
      const std::string_view type = block.at("type").as_string();
      if (type == "tool_use") {
        const std::string id(block.at("id").as_string());
        CHECK(id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
              std::string::npos);
        CHECK(block.at("input").is_object());
        asked.push_back(id);
      }
      if (type == "tool_result") {
        REQUIRE_FALSE(open.empty());
        CHECK(open.front() == block.at("tool_use_id").as_string());
        open.erase(open.begin());
      }
      if (type == "text") CHECK_FALSE(block.at("text").as_string().empty());
      if (type == "thinking") CHECK_FALSE(block.at("signature").as_string().empty());
    }
    CHECK(open.empty());
    open = asked;
  }
  CHECK(open.empty());
}

/// Gemini: roles in turn, as many answers as calls.
void check_contents(const json::object& body) {
  std::size_t calls = 0;
  std::string_view last = "model";
  for (const json::value& content : body.at("contents").as_array()) {
    const std::string_view role = content.at("role").as_string();
    CHECK(role != last);
    last = role;
    std::size_t asked = 0;
    std::size_t answered = 0;
    for (const json::value& part : content.at("parts").as_array()) {
      asked += part.as_object().contains("functionCall") ? 1 : 0;
      answered += part.as_object().contains("functionResponse") ? 1 : 0;
    }
    CHECK(answered == calls);
    calls = asked;
  }
  CHECK(calls == 0);
}

/// Responses: every call has its output, and a thought stands before what it led to.
void check_input(const json::object& body) {
  std::vector<std::string> calls;
  std::vector<std::string> outputs;
  bool thought = false;
  for (const json::value& item : body.at("input").as_array()) {
    const std::string_view type = find_string(item, "type");
    if (thought) CHECK((type == "function_call" || type == "message"));
    thought = type == "reasoning";
    if (type == "function_call") calls.emplace_back(item.at("call_id").as_string());
    if (type == "function_call_output") outputs.emplace_back(item.at("call_id").as_string());
  }
  CHECK_FALSE(thought);
  CHECK(calls == outputs);
}

}  // namespace

TEST_CASE("a conversation goes from model to model and back, and every request is in order") {
  const TempDir folder;
  World world(says("unused"), {.state = folder.path()});
  const HttpServer at_deepseek(player(&deepseek));
  const HttpServer at_claude(player(&claude));
  const HttpServer at_gemini(player(&gemini));
  const HttpServer at_openai(player(&openai));
  const std::vector<Stop> stops{{"deepseek/deepseek-flash", "chat-completions", &at_deepseek},
                                {"anthropic/claude-sonnet-5-5", "messages", &at_claude},
                                {"gemini/gemini-3.8-flash", "generate-content", &at_gemini},
                                {"openai/gpt-5.6-sol", "responses", &at_openai},
                                {"deepseek/deepseek-flash", "chat-completions", &at_deepseek},
                                {"anthropic/claude-sonnet-5-5", "messages", &at_claude},
                                {"gemini/gemini-3.8-flash", "generate-content", &at_gemini},
                                {"openai/gpt-5.6-sol", "responses", &at_openai}};
  for (const Stop& stop : stops) {
    INFO(stop.model);
    const Outcome outcome = talk(world, stop, "and now?");
    INFO((outcome.error ? outcome.error->describe() : ""));
    CHECK(outcome.ending == Ending::completed);
    CHECK(outcome.tool_calls == 1);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    INFO("request " << i);
    check_chat(body_of(at_deepseek, i));
    check_messages(body_of(at_claude, i));
    check_contents(body_of(at_gemini, i));
    check_input(body_of(at_openai, i));
  }
  // On the second round everybody gets back what is his own, and nothing else.
  const std::string to_deepseek = at_deepseek.requests().at(2).body;
  const std::string to_claude = at_claude.requests().at(2).body;
  const std::string to_gemini = at_gemini.requests().at(2).body;
  const std::string to_openai = at_openai.requests().at(2).body;
  CHECK(count(to_deepseek, "I need a sum.") == 2);
  CHECK(count(to_claude, "SIG-CLAUDE") == 2);
  CHECK(count(to_gemini, "U0lHLUdFTUlOSQ==") == 1);
  CHECK(count(to_openai, "ENC-OPENAI") == 2);
  for (const std::string& body : {to_claude, to_gemini, to_openai}) CHECK(count(body, "I need a sum.") == 0);
  for (const std::string& body : {to_deepseek, to_gemini, to_openai}) CHECK(count(body, "SIG-CLAUDE") == 0);
  for (const std::string& body : {to_deepseek, to_claude, to_openai}) CHECK(count(body, "U0lH") == 0);
  for (const std::string& body : {to_deepseek, to_claude, to_gemini}) CHECK(count(body, "ENC-OPENAI") == 0);
}

}  // namespace sennit::testing
