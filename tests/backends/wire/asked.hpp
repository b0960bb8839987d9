// What a model is asked, for the tests of request bodies.
#pragma once

#include "support/fixtures.hpp"
#include <sennit/backends/wire/wire_model.hpp>

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit::testing {

/// A request and what it points to.
struct Asked {
  std::string instructions;
  std::vector<Message> messages;
  std::vector<ToolDescription> tools;
  std::optional<json::object> output;
  ToolChoice choice = ToolChoice::automatic;
  CompletionOptions options;

  /// Points into this.
  [[nodiscard]] CompletionRequest request() const {
    CompletionRequest request;
    request.instructions = instructions;
    request.messages = messages;
    request.tools = tools;
    if (output) request.output_schema = &*output;
    request.tool_choice = choice;
    request.options = options;
    return request;
  }
  /// What a model of `known` is sent: the same bytes every time.
  [[nodiscard]] std::string body(const ModelSpec& spec, const std::shared_ptr<const Catalogue>& known) const {
    const Provider* provider = known->provider(spec.name.substr(0, spec.name.find('/')));
    REQUIRE(provider != nullptr);
    const WireModel model = resolve_model(known, *provider, spec);
    std::string body = request_body(model, request());
    CHECK(body == request_body(model, request()));
    return body;
  }
  [[nodiscard]] std::string body(const ModelSpec& spec) const { return body(spec, catalogue()); }
  [[nodiscard]] std::string body(std::string name) const {
    ModelSpec spec;
    spec.name = std::move(name);
    spec.api = "chat-completions";
    if (spec.name.starts_with("openai-compatible")) spec.base_url = "http://localhost:1/v1";
    return body(spec);
  }
  [[nodiscard]] json::object parsed(std::string name) const { return parse_json(body(std::move(name)))->as_object(); }
  [[nodiscard]] json::object parsed(const ModelSpec& spec) const { return parse_json(body(spec))->as_object(); }
};

/// A catalogue of a test's own, so that it does not depend on what the shipped one says of anybody.
inline std::shared_ptr<const Catalogue> known_from(std::string_view yaml) {
  auto known = std::make_shared<Catalogue>();
  known->add(yaml, "models.yaml");
  return known;
}

inline ModelSpec named(std::string name) {
  ModelSpec spec;
  spec.name = std::move(name);
  return spec;
}

inline json::object parse_object(std::string_view text) {
  return parse_json(text)->as_object();
}

inline ToolDescription add_tool() {
  return {
      "add", "Adds.",
      parse_object(R"({"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a"]})")};
}

inline Message assistant(std::string text, std::vector<ToolCall> calls = {}, std::optional<Reasoning> reasoning = {}) {
  Message message{Role::assistant, {}};
  if (reasoning) message.parts.emplace_back(*std::move(reasoning));
  if (!text.empty()) message.parts.emplace_back(Text{std::move(text)});
  for (ToolCall& call : calls) message.parts.emplace_back(std::move(call));
  return message;
}

inline Message result(std::string id, std::string content, bool is_error = false) {
  return tool_message(ToolResult{std::move(id), "add", std::move(content), is_error});
}

inline json::array messages_of(const json::object& body) {
  return body.at("messages").as_array();
}

inline bool has(const json::object& body, std::string_view key) {
  return body.contains(key);
}

/// A member of a body as JSON; "-" where it is absent.
inline std::string text_of(const json::object& body, std::string_view key) {
  const json::value* value = body.if_contains(key);
  return value == nullptr ? "-" : json::serialize(*value);
}

/// A conversation with a tool call in an earlier turn and one in the running turn.
inline Asked two_turns(std::string_view provider) {
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
inline std::string replayed(const json::object& body, std::string_view field) {
  std::string all;
  for (const json::value& message : messages_of(body)) {
    if (message.at("role") != "assistant") continue;
    const json::value* reasoning = message.as_object().if_contains(field);
    all += (reasoning == nullptr ? std::string("-") : std::string(reasoning->as_string())) + ",";
  }
  all.pop_back();
  return all;
}

}  // namespace sennit::testing
