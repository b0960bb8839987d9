#include <sennit/backends/responses/responses_input.hpp>
#include <sennit/backends/responses/responses_request.hpp>
#include <sennit/backends/wire/members.hpp>
#include <sennit/backends/wire/schema_dialect.hpp>
#include <sennit/backends/wire/turns.hpp>

#include <optional>
#include <utility>

namespace sennit {

namespace {

/// For a model that reasons, or may: how deep, and that its thoughts come along, which have to go back with the
/// next request. Models that take no effort refuse `reasoning`, those that do not reason refuse both. A summary for
/// people is left to `extra`: OpenAI refuses to make one for organisations that are not verified.
/// https://help.openai.com/en/articles/10910291-api-organization-verification
void add_reasoning(Members& body, const WireModel& model, json::object& extra, const std::string& effort) {
  const bool reasons = model.entry.reasons.value_or(false) || model.entry.can(Ability::reasoning);
  json::object reasoning;
  if (!effort.empty()) reasoning.emplace("effort", effort);
  if (reasons || !reasoning.empty()) body.add("include", json::array{"reasoning.encrypted_content"});
  body.add_object("reasoning", merged(std::move(reasoning), extra, "reasoning"));
}

void add_options(Members& body, const WireModel& model, const CompletionOptions& options, json::object& extra) {
  const std::string effort = accepted_effort(model.entry, options.reasoning_effort);
  const bool free = !model.entry.reasons.value_or(false) || effort == "none";
  const bool sampling = free && model.entry.sampling.value_or(true);
  if (sampling && options.temperature) body.add("temperature", *options.temperature);
  if (sampling && options.top_p) body.add("top_p", *options.top_p);
  if (options.max_tokens) body.add("max_output_tokens", *options.max_tokens);
  add_reasoning(body, model, extra, effort);
}

/// Without `strict` a function is strict, which its schema may not allow for.
/// https://developers.openai.com/api/docs/guides/migrate-to-responses
void append_tool(std::string& out, const WireModel& model, const ToolDescription& tool) {
  const bool deepseek = model.provider->strict == StrictTools::all_with_beta;
  const SchemaDialect dialect = deepseek ? SchemaDialect::deepseek_strict : SchemaDialect::openai_strict;
  const auto strict = model.strict ? translate_schema(tool.parameters, dialect) : std::nullopt;
  Members function(out);
  function.add_text("type", "function");
  function.add_text("name", tool.name);
  if (!tool.description.empty()) function.add_text("description", tool.description);
  function.add("parameters", strict ? strict->schema : tool.parameters);
  function.add("strict", strict.has_value());
  function.close();
}

void add_tools(Members& body, const WireModel& model, const CompletionRequest& request,
               const CompletionOptions& options) {
  if (request.tools.empty()) return;
  std::string& out = body.key("tools");
  char separator = '[';
  for (const ToolDescription& tool : request.tools) {
    out += std::exchange(separator, ',');
    append_tool(out, model, tool);
  }
  out += ']';
  if (request.tool_choice == ToolChoice::none) body.add_text("tool_choice", "none");
  if (request.tool_choice == ToolChoice::required) body.add_text("tool_choice", "required");
  if (options.parallel_tool_calls) body.add("parallel_tool_calls", *options.parallel_tool_calls);
}

/// The answer's format; empty where no field can ask for it.
json::object output_format(const WireModel& model, const CompletionRequest& request) {
  if (!request.tools.empty() && !model.provider->schema_beside_tools) return {};
  if (model.provider->schema == SchemaControl::json_object) return {{"type", "json_object"}};
  if (model.provider->schema != SchemaControl::json_schema) return {};
  const auto strict = translate_schema(*request.output_schema, SchemaDialect::openai_strict);
  return {{"type", "json_schema"},
          {"name", "answer"},
          {"schema", strict ? strict->schema : *request.output_schema},
          {"strict", strict.has_value()}};
}

/// What the instructions have to say about the format as well. Servers that enforce schemas with a grammar of their own
/// do so for chat completions; here some leave `text` aside without a word.
/// https://github.com/ggml-org/llama.cpp/blob/master/tools/server/server-chat.cpp
std::string format_in_words(const WireModel& model, const CompletionRequest& request) {
  if (request.output_schema == nullptr) return {};
  const bool enforced = model.provider->schema == SchemaControl::json_schema && model.provider->schema_beside_tools;
  return enforced ? std::string() : schema_in_words(*request.output_schema);
}

}  // namespace

std::string responses_request_body(const WireModel& model, const CompletionRequest& request) {
  const CompletionOptions options = options_of(model, request);
  json::object extra = options.extra;
  std::string out;
  Members body(out, &extra);
  body.add_text("model", model.name);
  body.add("stream", model.stream);
  body.add("store", false);  // the conversation is ours
  const std::string format = format_in_words(model, request);
  const std::string instructions = in_paragraphs(request.instructions, format);
  if (!instructions.empty()) body.add_text("instructions", instructions);
  add_options(body, model, options, extra);
  add_tools(body, model, request, options);
  if (request.output_schema != nullptr) {
    json::object text;
    if (json::object asked = output_format(model, request); !asked.empty()) text.emplace("format", std::move(asked));
    body.add_object("text", merged(std::move(text), extra, "text"));
  }
  body.add_replacements();
  const json::value* store = extra.if_contains("store");
  // Where the field is missing, the provider stores.
  const bool stored = store != nullptr && *store != json::value(false);
  append_responses_input(body.key("input"), model, request, stored);
  body.close();
  return out;
}

}  // namespace sennit
