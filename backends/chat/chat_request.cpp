#include <sennit/backends/chat/chat_messages.hpp>
#include <sennit/backends/chat/chat_request.hpp>
#include <sennit/backends/wire/members.hpp>
#include <sennit/backends/wire/schema_dialect.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <fmt/format.h>

namespace sennit {

namespace {

std::string_view effort_of_four(std::string_view effort) {
  if (effort == "minimal") return "low";
  if (effort == "max" || effort == "xhigh") return "high";
  return effort;
}

std::string_view effort_of_deepseek(std::string_view effort) {
  if (effort == "minimal" || effort == "low") return "low";
  if (effort == "max") return "max";
  return "high";
}

void add_reasoning(Members& body, ReasoningControl control, std::string_view effort) {
  if (effort.empty()) return;
  const bool off = effort == "none";
  switch (control) {
    case ReasoningControl::none:
      break;
    case ReasoningControl::effort:
      body.add_text("reasoning_effort", effort);
      break;
    case ReasoningControl::effort_levels:
      body.add_text("reasoning_effort", effort_of_four(effort));
      break;
    case ReasoningControl::deepseek:
      body.add("thinking", json::object{{"type", off ? "disabled" : "enabled"}});
      if (!off) body.add_text("reasoning_effort", effort_of_deepseek(effort));
      break;
    case ReasoningControl::template_kwargs:
      body.add("chat_template_kwargs", json::object{{"enable_thinking", !off}});
      if (!off) body.add_text("reasoning_effort", effort);
      break;
    case ReasoningControl::thinking_type:
      body.add("thinking", json::object{{"type", off ? "disabled" : "enabled"}});
      break;
    case ReasoningControl::enable_thinking:
      body.add("enable_thinking", !off);
      break;
    case ReasoningControl::openrouter:
      body.add("reasoning", off ? json::object{{"enabled", false}} : json::object{{"effort", effort_of_four(effort)}});
      break;
  }
}

void add_options(Members& body, const WireModel& model, const CompletionOptions& options) {
  const std::string effort = accepted_effort(model.entry, options.reasoning_effort);
  const bool free = !model.entry.reasons.value_or(false) || effort == "none";
  const bool sampling = free && model.entry.sampling.value_or(true);
  if (sampling && options.temperature) body.add("temperature", *options.temperature);
  if (sampling && options.top_p) body.add("top_p", *options.top_p);
  if (options.max_tokens) body.add(model.provider->max_tokens_field, *options.max_tokens);
  if (options.seed) body.add("seed", *options.seed);
  if (!model.entry.reasons.value_or(false) && !options.stop.empty())
    body.add("stop", json::array(options.stop.begin(), options.stop.end()));
  add_reasoning(body, model.provider->reasoning, effort);
}

void add_tool(std::string& out, const WireModel& model, const ToolDescription& tool) {
  Members function(out);
  function.add_text("name", tool.name);
  if (!tool.description.empty()) function.add_text("description", tool.description);
  const bool deepseek = model.provider->strict == StrictTools::all_with_beta;
  const SchemaDialect dialect = deepseek ? SchemaDialect::deepseek_strict : SchemaDialect::openai_strict;
  const bool wanted = model.strict && model.provider->strict != StrictTools::unsupported;
  const auto strict = wanted ? translate_schema(tool.parameters, dialect) : std::nullopt;
  if (wanted && !strict && deepseek) {
    throw Error(errc::invalid_argument,
                fmt::format("the schema of tool “{}” cannot be enforced by {}, which enforces all tools or none; "
                            "set `strict_tools: false`",
                            tool.name, model.provider->title));
  }
  function.add("parameters", strict ? strict->schema : tool.parameters);
  if (strict) function.add("strict", true);
  function.close();
}

void add_tools(Members& body, const WireModel& model, const CompletionRequest& request,
               const CompletionOptions& options) {
  if (request.tools.empty()) return;
  std::string& out = body.key("tools");
  char separator = '[';
  for (const ToolDescription& tool : request.tools) {
    out += separator;
    out += R"({"type":"function","function":)";
    add_tool(out, model, tool);
    out += '}';
    separator = ',';
  }
  out += ']';
  if (request.tool_choice == ToolChoice::none) body.add_text("tool_choice", "none");
  if (request.tool_choice == ToolChoice::required) body.add_text("tool_choice", "required");
  if (options.parallel_tool_calls && model.provider->parallel_field) {
    body.add("parallel_tool_calls", *options.parallel_tool_calls);
  }
}

/// Asks for the answer's format; returns what has to be said in the instructions because no field says it.
std::string add_output_schema(Members& body, const WireModel& model, const CompletionRequest& request) {
  if (request.output_schema == nullptr) return {};
  const Provider& provider = *model.provider;
  const bool enforced = request.tools.empty() || provider.schema_beside_tools;
  if (enforced && provider.schema == SchemaControl::json_schema) {
    const bool strict = says_as_is(*request.output_schema, SchemaDialect::openai_strict);
    const json::object format{{"name", "answer"}, {"schema", *request.output_schema}, {"strict", strict}};
    body.add("response_format", json::object{{"type", "json_schema"}, {"json_schema", format}});
    return {};
  }
  if (enforced && provider.schema == SchemaControl::json_object) {
    body.add("response_format", json::object{{"type", "json_object"}});
  }
  return schema_in_words(*request.output_schema);
}

}  // namespace

std::string chat_request_body(const WireModel& model, const CompletionRequest& request) {
  const CompletionOptions options = options_of(model, request);
  std::string out;
  Members body(out, &options.extra);
  body.add_text("model", model.name);
  body.add("stream", model.stream);
  if (model.stream && model.provider->include_usage) {
    body.add("stream_options", json::object{{"include_usage", true}});
  }
  add_options(body, model, options);
  add_tools(body, model, request, options);
  const std::string format = add_output_schema(body, model, request);
  body.add_replacements();
  append_chat_messages(body.key("messages"), model, request, format);
  body.close();
  return out;
}

}  // namespace sennit
