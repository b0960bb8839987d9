#include "mcp/conformance/server/fixtures.hpp"

#include <sennit/mcp/protocol/content.hpp>

#include <array>
#include <functional>
#include <utility>

namespace sennit::testing {
namespace {

using mcp::ClientReplies;
using mcp::ClientRequests;
using mcp::Exchange;
using mcp::text_content;

/// One red pixel.
constexpr char kPng[] =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// No sound at all, at 8 kHz.
constexpr char kWav[] = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";
constexpr milliseconds kMoment{50};

json::object result_of(json::array content) {
  return {{"content", std::move(content)}};
}
json::object text_result(std::string_view text) {
  return result_of({text_content(text)});
}
json::object image() {
  return {{"type", "image"}, {"data", kPng}, {"mimeType", "image/png"}};
}
json::object embedded(std::string_view uri, std::string_view type, std::string_view text) {
  return {{"type", "resource"}, {"resource", {{"uri", uri}, {"mimeType", type}, {"text", text}}}};
}

json::object schema(json::object properties, json::array required = {}) {
  json::object whole{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) whole["required"] = std::move(required);
  return whole;
}
json::object text_schema() {
  return {{"type", "string"}};
}

mcp::ClientRequest elicit(std::string_view message, json::object properties, json::array required = {}) {
  json::object params{{"message", message}};
  params["requestedSchema"] = schema(std::move(properties), std::move(required));
  return {"elicitation/create", std::move(params)};
}
mcp::ClientRequest sample(std::string_view text, int tokens) {
  json::object message{{"role", "user"}, {"content", text_content(text)}};
  json::object params{{"messages", json::array{std::move(message)}}, {"maxTokens", tokens}};
  return {"sampling/createMessage", std::move(params)};
}

asio::awaitable<json::object> ask_one(Exchange& exchange, std::string key, mcp::ClientRequest request) {
  ClientRequests requests;
  requests.emplace(key, std::move(request));
  auto asking = exchange.ask(std::move(requests));
  ClientReplies replies = co_await std::move(asking);
  co_return std::move(replies.at(key));
}

/// The field that a person filled in.
std::string field(const json::object& reply, std::string_view name) {
  const json::object* content = mcp::find_object(reply, "content");
  return content == nullptr ? "" : std::string(mcp::text_at(*content, name));
}

// ---- tools that only answer ----

json::object many_kinds() {
  return result_of({text_content("Multiple content types test:"), image(),
                    embedded("test://mixed-content-resource", "application/json", R"({"test":"data","value":123})")});
}

// ---- tools that tell something ----

asio::awaitable<json::object> log_three(Exchange& exchange) {
  exchange.log("info", "fixtures", "Tool execution started");
  co_await exchange.environment().sleep(kMoment);
  exchange.log("info", "fixtures", "Tool processing data");
  co_await exchange.environment().sleep(kMoment);
  exchange.log("info", "fixtures", "Tool execution completed");
  co_return text_result("logged");
}

asio::awaitable<json::object> progress(Exchange& exchange) {
  for (const int percent : {0, 50, 100}) {
    if (percent > 0) co_await exchange.environment().sleep(kMoment);
    exchange.progress(percent, 100, {});
  }
  co_return text_result("done");
}

asio::awaitable<json::object> reconnect(Exchange& exchange) {
  exchange.let_poll();
  co_await exchange.environment().sleep(2 * kMoment);
  co_return text_result("The client came back for this.");
}

// ---- tools that ask ----

asio::awaitable<json::object> sampling(Exchange& exchange, std::string prompt) {
  const json::object reply = co_await ask_one(exchange, "answer", sample(prompt, 100));
  const json::object* content = mcp::find_object(reply, "content");
  co_return text_result("LLM response: " +
                        (content == nullptr ? std::string() : std::string(mcp::text_at(*content, "text"))));
}

asio::awaitable<json::object> elicitation(Exchange& exchange, mcp::ClientRequest request) {
  const json::object reply = co_await ask_one(exchange, "form", std::move(request));
  co_return text_result("Elicitation completed: " + json::serialize(reply));
}

mcp::ClientRequest contact_form(std::string_view message) {
  return elicit(message,
                {{"username", {{"type", "string"}, {"description", "User's response"}}},
                 {"email", {{"type", "string"}, {"description", "User's email address"}}}},
                {"username", "email"});
}

mcp::ClientRequest form_with_defaults() {
  return elicit("Please review the defaults",
                {{"name", {{"type", "string"}, {"default", "John Doe"}}},
                 {"age", {{"type", "integer"}, {"default", 30}}},
                 {"score", {{"type", "number"}, {"default", 95.5}}},
                 {"status", {{"type", "string"}, {"enum", {"active", "inactive", "pending"}}, {"default", "active"}}},
                 {"verified", {{"type", "boolean"}, {"default", true}}}});
}

json::object titled(std::string_view value, std::string_view title) {
  return {{"const", value}, {"title", title}};
}

mcp::ClientRequest form_with_choices() {
  const json::array options{"option1", "option2", "option3"};
  const json::array values{titled("value1", "First Option"), titled("value2", "Second Option"),
                           titled("value3", "Third Option")};
  return elicit("Please choose",
                {{"untitledSingle", {{"type", "string"}, {"enum", options}}},
                 {"titledSingle", {{"type", "string"}, {"oneOf", values}}},
                 {"legacyEnum",
                  {{"type", "string"},
                   {"enum", {"opt1", "opt2", "opt3"}},
                   {"enumNames", {"Option One", "Option Two", "Option Three"}}}},
                 {"untitledMulti", {{"type", "array"}, {"items", {{"type", "string"}, {"enum", options}}}}},
                 {"titledMulti", {{"type", "array"}, {"items", {{"anyOf", values}}}}}});
}

mcp::ClientRequest name_form(std::string_view message) {
  return elicit(message, {{"name", text_schema()}}, {"name"});
}

asio::awaitable<json::object> greet(Exchange& exchange) {
  const json::object reply = co_await ask_one(exchange, "user_name", name_form("What is your name?"));
  co_return text_result("Hello, " + field(reply, "name") + "!");
}

asio::awaitable<json::object> confirm(Exchange& exchange) {
  const json::object reply =
      co_await ask_one(exchange, "confirm", elicit("Please confirm", {{"ok", {{"type", "boolean"}}}}, {"ok"}));
  co_return text_result("state-ok: " + json::serialize(reply));
}

asio::awaitable<json::object> ask_three(Exchange& exchange) {
  ClientRequests requests;
  requests.emplace("user_name", name_form("What is your name?"));
  requests.emplace("greeting", sample("Generate a greeting", 50));
  requests.emplace("client_roots", mcp::ClientRequest{"roots/list", {}});
  auto asking = exchange.ask(std::move(requests));
  const ClientReplies replies = co_await std::move(asking);
  co_return text_result(std::to_string(replies.size()) + " replies");
}

asio::awaitable<json::object> ask_twice(Exchange& exchange) {
  const json::object first = co_await ask_one(exchange, "step1", name_form("Step 1: What is your name?"));
  const json::object second = co_await ask_one(
      exchange, "step2", elicit("Step 2: What is your favorite color?", {{"color", text_schema()}}, {"color"}));
  co_return text_result(field(first, "name") + " likes " + field(second, "color"));
}

/// Only what the client can do.
asio::awaitable<json::object> ask_the_able(Exchange& exchange) {
  ClientRequests requests;
  if (exchange.caller().can("elicitation")) requests.emplace("user_name", name_form("What is your name?"));
  if (exchange.caller().can("sampling")) requests.emplace("greeting", sample("Generate a greeting", 50));
  auto asking = exchange.ask(std::move(requests));
  const ClientReplies replies = co_await std::move(asking);
  co_return text_result(std::to_string(replies.size()) + " replies");
}

asio::awaitable<json::object> roots(Exchange& exchange) {
  const json::object reply = co_await ask_one(exchange, "client_roots", {"roots/list", {}});
  co_return text_result("Roots: " + json::serialize(reply));
}

asio::awaitable<json::object> hang(Exchange& exchange, Fixtures& fixtures) {
  ++fixtures.hanging;
  std::optional<Error> stopped;
  try {
    exchange.progress(1, {}, "hanging");
    co_await exchange.environment().sleep(milliseconds{600'000});
  } catch (...) {
    stopped = current_error();
  }
  --fixtures.hanging;
  ++fixtures.hung_up;
  if (stopped) throw Error(*stopped);
  co_return text_result("too late");
}

// ---- tools that become tasks ----

/// Cannot be served to a client without the extension.
void need_task(Exchange& exchange) {
  if (exchange.become_task()) return;
  const json::object extensions{{"io.modelcontextprotocol/tasks", json::object{}}};
  throw mcp::Rejection(mcp::code::kMissingCapability, "this tool is a task",
                       json::object{{"requiredCapabilities", json::object{{"extensions", extensions}}}});
}

asio::awaitable<json::object> compute(Exchange& exchange, json::object arguments) {
  (void)exchange.become_task();
  const std::int64_t seconds = sennit::find_int(json::value(arguments), "seconds").value_or(0);
  co_await exchange.environment().sleep(milliseconds(seconds * 1'000));
  co_return text_result("computed " + std::string(mcp::text_at(arguments, "label")));
}

asio::awaitable<json::object> fail_as_task(Exchange& exchange, bool breaks) {
  if (!breaks) need_task(exchange);
  if (breaks) (void)exchange.become_task();
  co_await exchange.environment().sleep(kMoment);
  if (breaks) throw mcp::Rejection(mcp::code::kInternal, "this job breaks");
  throw Error(errc::tool, "this job fails");
}

asio::awaitable<json::object> confirm_as_task(Exchange& exchange) {
  (void)exchange.become_task();
  const json::object reply =
      co_await ask_one(exchange, "confirm", elicit("Delete it?", {{"confirm", {{"type", "boolean"}}}}, {"confirm"}));
  co_return text_result("asked: " + json::serialize(reply));
}

asio::awaitable<json::object> ask_two_as_task(Exchange& exchange) {
  (void)exchange.become_task();
  ClientRequests requests;
  requests.emplace("first", name_form("First name?"));
  requests.emplace("second", name_form("Second name?"));
  auto asking = exchange.ask(std::move(requests));
  const ClientReplies replies = co_await std::move(asking);
  co_return text_result(std::to_string(replies.size()) + " replies");
}

asio::awaitable<json::object> ask_then_task(Exchange& exchange) {
  const json::object reply = co_await ask_one(exchange, "user_name", name_form("What is your name?"));
  need_task(exchange);
  co_await exchange.environment().sleep(kMoment);
  co_return text_result("Hello, " + field(reply, "name") + "!");
}

/// Nothing: it is no task.
std::optional<asio::awaitable<json::object>> task_answer(Exchange& exchange, const std::string& name,
                                                         const json::object& arguments) {
  if (name == "slow_compute") return compute(exchange, arguments);
  if (name == "failing_job") return fail_as_task(exchange, false);
  if (name == "protocol_error_job") return fail_as_task(exchange, true);
  if (name == "confirm_delete") return confirm_as_task(exchange);
  if (name == "multi_input") return ask_two_as_task(exchange);
  if (name == "test_tool_with_task") return ask_then_task(exchange);
  return std::nullopt;
}

// ---- the table ----

json::object schema_2020_12() {
  return {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"type", "object"},
      {"$defs",
       {{"address",
         {{"$anchor", "addressDef"},
          {"type", "object"},
          {"properties", {{"street", text_schema()}, {"city", text_schema()}}}}}}},
      {"properties",
       {{"name", text_schema()},
        {"address", {{"$ref", "#/$defs/address"}}},
        {"contactMethod", {{"type", "string"}, {"enum", {"phone", "email"}}}},
        {"phone", text_schema()},
        {"email", text_schema()}}},
      {"allOf", json::array{json::object{{"anyOf", json::array{json::object{{"required", json::array{"phone"}}},
                                                               json::object{{"required", json::array{"email"}}}}}}}},
      {"if", {{"properties", {{"contactMethod", {{"const", "phone"}}}}}, {"required", json::array{"contactMethod"}}}},
      {"then", {{"required", json::array{"phone"}}}},
      {"else", {{"required", json::array{"email"}}}},
      {"additionalProperties", false}};
}

struct Named {
  const char* name;
  const char* description;
};

constexpr std::array<Named, 36> kTools{{
    {"test_simple_text", "Gives text"},
    {"test_image_content", "Gives a picture"},
    {"test_audio_content", "Gives a sound"},
    {"test_embedded_resource", "Gives a resource"},
    {"test_multiple_content_types", "Gives several kinds of content"},
    {"test_error_handling", "Fails"},
    {"test_tool_with_logging", "Logs three lines"},
    {"test_logging_tool", "Logs three lines"},
    {"test_tool_with_progress", "Tells how far it is"},
    {"test_sampling", "Asks the client's model"},
    {"test_elicitation", "Asks the person"},
    {"test_elicitation_sep1034_defaults", "Asks with defaults"},
    {"test_elicitation_sep1330_enums", "Asks with choices"},
    {"test_streaming_elicitation", "Tells something, then asks"},
    {"test_reconnection", "Ends its stream before it answers"},
    {"test_missing_capability", "Needs a client that can sample"},
    {"test_trigger_tool_change", "Says that the tools have changed"},
    {"test_trigger_prompt_change", "Says that the prompts have changed"},
    {"test_input_required_result_elicitation", "Asks for a name"},
    {"test_input_required_result_sampling", "Asks for a capital"},
    {"test_input_required_result_list_roots", "Asks for roots"},
    {"test_input_required_result_request_state", "Asks to confirm"},
    {"test_input_required_result_tampered_state", "Asks to confirm"},
    {"test_input_required_result_multiple_inputs", "Asks three things at once"},
    {"test_input_required_result_multi_round", "Asks twice"},
    {"test_input_required_result_capabilities", "Asks what the client can answer"},
    {"json_schema_2020_12_tool", "Has a rich schema"},
    {"test_header_parameter", "Has an argument that a header repeats"},
    {"test_hang", "Never ends by itself"},
    {"greet", "Greets at once"},
    {"slow_compute", "Takes its time, as a task if it can"},
    {"failing_job", "A task that fails"},
    {"protocol_error_job", "A task that breaks"},
    {"confirm_delete", "A task that asks first"},
    {"multi_input", "A task that asks two things"},
    {"test_tool_with_task", "Asks, then becomes a task"},
}};

json::object schema_for(std::string_view name) {
  if (name == "json_schema_2020_12_tool") return schema_2020_12();
  if (name == "test_sampling") return schema({{"prompt", text_schema()}}, {"prompt"});
  if (name == "test_elicitation") return schema({{"message", text_schema()}}, {"message"});
  if (name == "test_header_parameter") {
    return schema({{"region", {{"type", "string"}, {"x-mcp-header", "Region"}}}}, {"region"});
  }
  return schema({});
}

std::optional<json::object> plain_answer(std::string_view name) {
  if (name == "test_simple_text") return text_result("This is a simple text response for testing.");
  if (name == "test_image_content") return result_of({image()});
  if (name == "test_audio_content") {
    return result_of({json::object{{"type", "audio"}, {"data", kWav}, {"mimeType", "audio/wav"}}});
  }
  if (name == "test_embedded_resource") {
    return result_of({embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")});
  }
  if (name == "test_multiple_content_types") return many_kinds();
  if (name == "test_error_handling") throw Error(errc::tool, "This tool intentionally returns an error for testing");
  if (name == "json_schema_2020_12_tool" || name == "test_header_parameter") return text_result("taken");
  return std::nullopt;
}

asio::awaitable<json::object> asking_answer(Exchange& exchange, std::string name, json::object arguments) {
  if (name == "test_sampling") return sampling(exchange, std::string(mcp::text_at(arguments, "prompt")));
  if (name == "test_elicitation") return elicitation(exchange, contact_form(mcp::text_at(arguments, "message")));
  if (name == "test_elicitation_sep1034_defaults") return elicitation(exchange, form_with_defaults());
  if (name == "test_elicitation_sep1330_enums") return elicitation(exchange, form_with_choices());
  if (name == "test_input_required_result_sampling") {
    return elicitation(exchange, sample("What is the capital of France?", 100));
  }
  if (name == "test_input_required_result_list_roots") return roots(exchange);
  if (name == "test_input_required_result_request_state" || name == "test_input_required_result_tampered_state") {
    return confirm(exchange);
  }
  if (name == "test_input_required_result_multiple_inputs") return ask_three(exchange);
  if (name == "test_input_required_result_multi_round") return ask_twice(exchange);
  if (name == "test_input_required_result_capabilities") return ask_the_able(exchange);
  exchange.progress(1, {}, "about to ask");
  return greet(exchange);
}

}  // namespace

json::object Fixtures::capabilities() const {
  const json::object changing{{"listChanged", true}};
  return {{"tools", changing},
          {"prompts", changing},
          {"resources", {{"listChanged", true}, {"subscribe", true}}},
          {"completions", json::object{}},
          {"logging", json::object{}},
          {"extensions", json::object{{"io.modelcontextprotocol/tasks", json::object{}}}}};
}

json::array Fixtures::tools() const {
  json::array list;
  for (const Named& tool : kTools) {
    list.push_back({{"name", tool.name}, {"description", tool.description}, {"inputSchema", schema_for(tool.name)}});
  }
  return list;
}

asio::awaitable<json::object> Fixtures::call_tool(Exchange& exchange, std::string name, json::object arguments) {
  if (std::optional<json::object> answer = plain_answer(name)) co_return std::move(*answer);
  if (name == "test_missing_capability") {
    exchange.require("sampling");
    co_return text_result("The client can sample.");
  }
  if (name == "test_trigger_tool_change" || name == "test_trigger_prompt_change") {
    name == "test_trigger_tool_change" ? server->tools_changed() : server->prompts_changed();
    co_return text_result("told");
  }
  if (name == "greet") co_return text_result("Hello, " + std::string(mcp::text_at(arguments, "name")) + "!");
  if (auto task = task_answer(exchange, name, arguments)) co_return co_await std::move(*task);
  asio::awaitable<json::object> working;
  if (name == "test_tool_with_logging" || name == "test_logging_tool") {
    working = log_three(exchange);
  } else if (name == "test_tool_with_progress") {
    working = progress(exchange);
  } else if (name == "test_reconnection") {
    working = reconnect(exchange);
  } else if (name == "test_hang") {
    working = hang(exchange, *this);
  } else {
    working = asking_answer(exchange, std::move(name), std::move(arguments));
  }
  co_return co_await std::move(working);
}

json::array Fixtures::prompts() const {
  const auto argument = [](const char* name) {
    return json::object{{"name", name}, {"description", "For the text"}, {"required", true}};
  };
  return {json::object{{"name", "test_simple_prompt"}, {"description", "Text"}},
          json::object{{"name", "test_prompt_with_arguments"},
                       {"description", "Text with arguments"},
                       {"arguments", json::array{argument("arg1"), argument("arg2")}}},
          json::object{{"name", "test_prompt_with_embedded_resource"},
                       {"description", "A resource"},
                       {"arguments", json::array{argument("resourceUri")}}},
          json::object{{"name", "test_prompt_with_image"}, {"description", "A picture"}},
          json::object{{"name", "test_input_required_result_prompt"}, {"description", "Asks first"}}};
}

asio::awaitable<json::object> Fixtures::get_prompt(Exchange& exchange, std::string name, json::object arguments) {
  const auto message = [](json::object content) {
    return json::object{{"role", "user"}, {"content", std::move(content)}};
  };
  const auto given = [&](const char* key) { return std::string(mcp::text_at(arguments, key)); };
  json::array messages;
  if (name == "test_prompt_with_arguments") {
    const std::string text = "Prompt with arguments: arg1='" + given("arg1") + "', arg2='" + given("arg2") + "'";
    messages.push_back(message(text_content(text)));
  } else if (name == "test_prompt_with_embedded_resource") {
    const std::string words = "Embedded resource content for testing.";
    messages.push_back(message(embedded(given("resourceUri"), "text/plain", words)));
    messages.push_back(message(text_content("Please process the embedded resource above.")));
  } else if (name == "test_prompt_with_image") {
    messages.push_back(message(image()));
    messages.push_back(message(text_content("Please analyze the image above.")));
  } else if (name == "test_input_required_result_prompt") {
    const json::object reply =
        co_await ask_one(exchange, "user_context",
                         elicit("What context should the prompt use?", {{"context", text_schema()}}, {"context"}));
    messages.push_back(message(text_content("In the context of " + field(reply, "context"))));
  } else {
    messages.push_back(message(text_content("This is a simple prompt for testing.")));
  }
  co_return json::object{{"messages", std::move(messages)}};
}

json::array Fixtures::resources() const {
  const auto resource = [](const char* uri, const char* name, const char* type) {
    return json::object{{"uri", uri}, {"name", name}, {"description", "For tests"}, {"mimeType", type}};
  };
  return {resource("test://static-text", "text", "text/plain"),
          resource("test://static-binary", "picture", "image/png"),
          resource("test://watched-resource", "watched", "text/plain")};
}

json::array Fixtures::resource_templates() const {
  return {json::object{{"uriTemplate", "test://template/{id}/data"},
                       {"name", "template"},
                       {"description", "For tests"},
                       {"mimeType", "application/json"}}};
}

asio::awaitable<json::array> Fixtures::read_resource(Exchange& /*exchange*/, std::string uri) {
  constexpr std::string_view kBefore = "test://template/";
  constexpr std::string_view kBehind = "/data";
  if (uri == "test://static-binary") {
    co_return json::array{json::object{{"uri", uri}, {"mimeType", "image/png"}, {"blob", kPng}}};
  }
  std::string text;
  std::string type = "text/plain";
  if (uri == "test://static-text") text = "This is the content of the static text resource.";
  if (uri == "test://watched-resource") text = "Watched.";
  if (uri.starts_with(kBefore) && uri.ends_with(kBehind)) {
    const std::string id = uri.substr(kBefore.size(), uri.size() - kBefore.size() - kBehind.size());
    const json::object data{{"id", id}, {"templateTest", true}, {"data", "Data for ID: " + id}};
    text = json::serialize(data);
    type = "application/json";
  }
  if (text.empty()) co_return json::array{};
  co_return json::array{json::object{{"uri", uri}, {"mimeType", type}, {"text", text}}};
}

}  // namespace sennit::testing
