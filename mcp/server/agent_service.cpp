#include <sennit/agent/policy.hpp>
#include <sennit/mcp/protocol/content.hpp>
#include <sennit/mcp/server/agent_service.hpp>
#include <sennit/mcp/server/run_guest.hpp>
#include <sennit/planners/one_call.hpp>

#include <algorithm>
#include <utility>

namespace sennit::mcp {
namespace {

// Conversations that live in memory, where there is no store.
constexpr std::size_t kMostSessions = 256;
constexpr std::size_t kMostName = 64;
constexpr std::size_t kMostSessionName = 256;  // bytes

/// A name as all clients take it: [A-Za-z0-9_-], at most 64 of them.
std::string tool_name(std::string_view name) {
  std::string clean;
  for (const char c : name.substr(0, kMostName)) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    clean += is_plain ? c : '_';
  }
  return clean.empty() ? "agent" : clean;
}

json::object property(const char* type, std::string_view description) {
  json::object one{{"type", type}};
  if (!description.empty()) one["description"] = description;
  return one;
}

json::object agent_schema(const Definition& definition, bool sessions) {
  json::object properties{{"input", property("string", "What to say to the agent")}};
  json::array required{"input"};
  for (const InputSpec& input : definition.inputs) {
    if (input.name == "input" || input.name == "session") continue;
    json::object one = property(input.type.c_str(), input.description);
    if (!input.fallback.is_null()) one["default"] = input.fallback;
    properties[input.name] = std::move(one);
    if (input.required && input.fallback.is_null()) required.emplace_back(input.name);
  }
  if (sessions) {
    properties["session"] = property("string", "A name: calls with the same one are one conversation");
  }
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

json::object agent_tool(const std::string& name, const Definition& definition, bool sessions) {
  const std::string fallback = "The agent " + definition.name + ": give it a task in words";
  json::object tool{{"name", name},
                    {"title", definition.name},
                    {"description", definition.description.empty() ? fallback : definition.description},
                    {"inputSchema", agent_schema(definition, sessions)}};
  const bool is_object = definition.output && find_string(json::value(*definition.output), "type") == "object";
  if (is_object) tool["outputSchema"] = *definition.output;
  return tool;
}

json::object plain_tool(const std::string& name, const ToolSpec& spec) {
  json::object schema = spec.description.parameters;
  if (!schema.contains("type")) schema["type"] = "object";
  const Touches& touches = spec.touches;
  const bool changes = touches.write || touches.process || touches.money;
  json::object hints{{"readOnlyHint", !changes && !touches.network},
                     {"destructiveHint", changes},
                     {"idempotentHint", spec.repeat == Repeat::idempotent},
                     {"openWorldHint", touches.network}};
  return {{"name", name},
          {"description", spec.description.description},
          {"inputSchema", std::move(schema)},
          {"annotations", std::move(hints)}};
}

/// Why a run that did not end well gave no answer.
std::string failure_words(const Outcome& outcome) {
  std::string words = "the agent's run ended as " + std::string(to_string(outcome.ending));
  if (outcome.error) return words + ": " + outcome.error->describe();
  return outcome.detail.empty() ? words : words + ": " + outcome.detail;
}

json::object result_of(const Outcome& outcome, const std::string& run, bool structured) {
  const bool is_good = outcome.ending == Ending::completed;
  json::array content;
  if (!outcome.text.empty()) content.push_back(text_content(sanitize_utf8(outcome.text)));
  if (!is_good || content.empty()) {
    content.push_back(text_content(is_good ? std::string("done") : failure_words(outcome)));
  }
  json::object result{{"content", std::move(content)}, {"isError", !is_good}};
  if (is_good && structured) result["structuredContent"] = outcome.output;
  result["_meta"] = json::object{{"sennit/run", run},
                                 {"sennit/ending", to_string(outcome.ending)},
                                 {"sennit/steps", outcome.steps},
                                 {"sennit/tool_calls", outcome.tool_calls}};
  return result;
}

Error wrong_argument(const std::string& name, const std::string& what) {
  return {errc::invalid_argument, "the argument '" + name + "' " + what};
}

std::string text_argument(const json::object& arguments, const char* name) {
  const json::value* value = arguments.if_contains(name);
  if (value == nullptr) return {};
  if (!value->is_string()) throw wrong_argument(name, "must be a string");
  return sanitize_utf8(value->get_string());
}

}  // namespace

struct AgentService::Offer {
  Agent agent;
  json::object origin;
  std::string tool;  // of a tool: its name for the agent; empty: the agent itself
  bool structured = false;
};

AgentService::AgentService(Runtime& runtime, AgentServiceOptions options)
    : runtime_(runtime), options_(std::move(options)) {}

AgentService::~AgentService() = default;

void AgentService::offer(std::string name, json::object tool, Offer offer) {
  if (offers_.contains(name)) {
    throw Error(errc::invalid_argument,
                "two tools would be named '" + name + "': give one of the agents another name in its file");
  }
  tools_.push_back(std::move(tool));
  offers_.emplace(std::move(name), std::make_shared<const Offer>(std::move(offer)));
}

void AgentService::add(const Definition& definition, const json::object& origin) {
  const std::string name = tool_name(definition.name);
  if (options_.agents) {
    json::object tool = agent_tool(name, definition, options_.sessions);
    const bool structured = tool.contains("outputSchema");
    offer(name, std::move(tool), {Agent(runtime_, definition), origin, {}, structured});
    about_ += "- " + name + ": " + definition.description + "\n";
  }
  if (options_.tools) offer_tools(definition, origin);
}

void AgentService::offer_tools(const Definition& definition, const json::object& origin) {
  Definition caller = definition;
  caller.planner = "one-call";
  caller.planner_options = {};
  caller.model = {};
  caller.model.name = "scripted";  // there is nothing to ask a model
  caller.intents.clear();
  caller.output.reset();
  caller.inputs.clear();
  caller.memory.recall = false;
  const Agent agent(runtime_, std::move(caller));
  for (const ToolSpec& spec : agent.tools()) {
    if (is_hidden(definition.policy, spec)) continue;
    const std::string& own = spec.description.name;
    // Two agents may have the same tool under different policies.
    std::string name = offers_.contains(own) ? tool_name(definition.name) + "_" + own : own;
    json::object tool = plain_tool(name, spec);
    offer(std::move(name), std::move(tool), {agent, origin, own, false});
  }
}

json::object AgentService::capabilities() const {
  return {{"tools", json::object{}}, {"extensions", json::object{{"io.modelcontextprotocol/tasks", json::object{}}}}};
}

std::string AgentService::instructions() const {
  if (!options_.instructions.empty() || about_.empty()) return options_.instructions;
  return "Each of these tools is an agent, which works on a task by itself:\n" + about_;
}

json::array AgentService::tools() const {
  return tools_;
}

Session AgentService::session_of(const Offer& offer, const std::string& name) {
  if (name.empty()) return offer.agent.session();
  // No tool's name has a slash: so no two agents share a conversation, whatever a client calls its own.
  const std::string key = "mcp-" + tool_name(offer.agent.definition().name) + "/" + name;
  if (runtime_.store() != nullptr) return offer.agent.session(key);
  const auto known = sessions_.find(key);
  if (known != sessions_.end()) return known->second;
  if (sessions_.size() >= kMostSessions) {
    sessions_.erase(session_order_.front());
    session_order_.erase(session_order_.begin());
  }
  session_order_.push_back(key);
  return sessions_.emplace(key, offer.agent.session()).first->second;
}

asio::awaitable<json::object> AgentService::call_tool(Exchange& exchange, std::string name, json::object arguments) {
  const std::shared_ptr<const Offer> offer = offers_.at(name);
  RunOptions options = guest_options(exchange);
  options.origin = offer->origin;
  options.labels = options_.labels;
  std::string input;
  std::string session_name;
  if (!offer->tool.empty()) {
    input = one_call_input(offer->tool, arguments);
  } else {
    input = text_argument(arguments, "input");
    if (input.empty()) throw wrong_argument("input", "is missing: what to say to the agent");
    session_name = options_.sessions ? text_argument(arguments, "session") : std::string();
    if (session_name.size() > kMostSessionName) throw wrong_argument("session", "is too long for a name");
    for (const auto& [key, value] : arguments) {
      if (key != "input" && !(options_.sessions && key == "session")) options.inputs.emplace(key, value);
    }
  }
  Session session = session_of(*offer, session_name);
  if (offer->tool.empty()) (void)exchange.become_task();  // it may take long
  Run run = session.start(std::move(input), std::move(options));
  const std::string id = run.id();
  auto following = follow_run(exchange, std::move(run));
  const Outcome outcome = co_await std::move(following);
  if (!offer->tool.empty()) {
    if (const auto called = one_call_result(outcome)) {
      json::object result{{"content", json::array{text_content(called->content)}}, {"isError", called->is_error}};
      result["_meta"] = json::object{{"sennit/run", id}};
      co_return result;
    }
  }
  co_return result_of(outcome, id, offer->structured);
}

}  // namespace sennit::mcp
