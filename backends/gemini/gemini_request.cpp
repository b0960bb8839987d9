#include <sennit/backends/gemini/gemini_contents.hpp>
#include <sennit/backends/gemini/gemini_request.hpp>
#include <sennit/backends/wire/members.hpp>
#include <sennit/backends/wire/schema_dialect.hpp>
#include <sennit/backends/wire/turns.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sennit {

namespace {

/// A word that is no effort is given as it is, for the provider to judge.
std::string level_of(std::string_view effort) {
  // Nothing turns it off. What a model has below `low` stands in the catalogue; all of them have that.
  if (effort == "none") return "LOW";
  if (effort == "xhigh" || effort == "max") return "HIGH";
  std::string level(effort);
  for (char& c : level) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return level;
}

/// As Google's own chat completions translate them. https://ai.google.dev/gemini-api/docs/openai#thinking
std::int64_t budget_of(std::string_view effort) {
  if (effort == "minimal" || effort == "low") return 1'024;
  return effort == "medium" ? 8'192 : 24'576;
}

/// Thoughts are asked for wherever the model surely thinks, since they are paid for in any case. Of those with a budget
/// some do not unless they are told to, and then answer 400 to the wish for thoughts.
/// https://ai.google.dev/gemini-api/docs/thinking https://github.com/google-gemini/gemini-cli/pull/3033
json::object thinking_config(const ModelEntry& entry, std::string_view wanted) {
  const std::string effort = accepted_effort(entry, wanted);
  if (entry.thinking == ThinkingForm::level) {
    json::object config{{"includeThoughts", true}};
    if (!effort.empty()) config["thinkingLevel"] = level_of(effort);
    return config;
  }
  if (entry.thinking != ThinkingForm::budget || effort.empty()) return {};
  if (effort == "none") return {{"thinkingBudget", 0}};
  return {{"includeThoughts", true}, {"thinkingBudget", budget_of(effort)}};
}

json::object generation_config(const WireModel& model, const CompletionOptions& options) {
  json::object config;
  const bool sampling = model.entry.sampling.value_or(true);
  if (sampling && options.temperature) config["temperature"] = *options.temperature;
  if (sampling && options.top_p) config["topP"] = *options.top_p;
  if (options.max_tokens) config["maxOutputTokens"] = *options.max_tokens;
  if (!options.stop.empty()) config["stopSequences"] = json::array(options.stop.begin(), options.stop.end());
  if (options.seed) config["seed"] = *options.seed;
  json::object thinking = thinking_config(model.entry, options.reasoning_effort);
  if (!thinking.empty()) config["thinkingConfig"] = std::move(thinking);
  return config;
}

/// Asks for the answer's format; returns what has to be said in the instructions because no field says it. Models
/// before Gemini 3 refuse a format beside tools. https://ai.google.dev/gemini-api/docs/structured-output
std::string add_output_schema(json::object& config, const WireModel& model, const CompletionRequest& request) {
  if (request.output_schema == nullptr) return {};
  const ModelEntry& entry = model.entry;
  const bool beside_tools = request.tools.empty() || entry.thinking == ThinkingForm::level;
  const bool takes_json = !entry.abilities || entry.can(Ability::json);
  if (!beside_tools || !takes_json) return schema_in_words(*request.output_schema);
  config["responseMimeType"] = "application/json";
  const bool takes_schema = !entry.abilities || entry.can(Ability::schema);
  auto translated = takes_schema ? translate_schema(*request.output_schema, SchemaDialect::gemini_json) : std::nullopt;
  if (!translated) return schema_in_words(*request.output_schema);
  config["responseJsonSchema"] = std::move(translated->schema);
  return {};
}

void add_system(Members& body, std::string_view instructions, std::span<const Message> said, std::string_view format) {
  std::string text(instructions);
  for (const Message& message : said) text = in_paragraphs(text, message.text());
  text = in_paragraphs(text, format);
  if (!text.empty()) body.add("systemInstruction", json::object{{"parts", json::array{json::object{{"text", text}}}}});
}

void add_tools(Members& body, const CompletionRequest& request) {
  if (request.tools.empty()) return;
  std::string& out = body.key("tools");
  out += R"([{"functionDeclarations":)";
  char separator = '[';
  for (const ToolDescription& tool : request.tools) {
    out += std::exchange(separator, ',');
    Members function(out);
    function.add_text("name", tool.name);
    if (!tool.description.empty()) function.add_text("description", tool.description);
    const auto translated = translate_schema(tool.parameters, SchemaDialect::gemini_json);
    function.add("parametersJsonSchema", translated ? translated->schema : tool.parameters);
    function.close();
  }
  out += "]}]";
}

/// AUTO is what is meant without a word. https://ai.google.dev/gemini-api/docs/function-calling#function_calling_modes
json::object tool_config(const WireModel& model, const CompletionRequest& request) {
  if (request.tools.empty()) return {};
  std::string_view mode;
  if (request.tool_choice == ToolChoice::none) {
    mode = "NONE";
  } else if (request.tool_choice == ToolChoice::required) {
    mode = "ANY";
  } else if (model.strict) {
    mode = "VALIDATED";
  } else {
    return {};
  }
  return {{"functionCallingConfig", json::object{{"mode", mode}}}};
}

}  // namespace

std::string gemini_request_body(const WireModel& model, const CompletionRequest& request) {
  const CompletionOptions options = options_of(model, request);
  json::object extra = options.extra;
  json::object config = generation_config(model, options);
  const std::string format = add_output_schema(config, model, request);
  // For later messages of the system there is no place but the conversation.
  const std::size_t leading = leading_system(request.messages);
  std::string out;
  Members body(out, &extra);
  add_system(body, request.instructions, request.messages.first(leading), format);
  add_tools(body, request);
  body.add_object("toolConfig", merged(tool_config(model, request), extra, "toolConfig"));
  body.add_object("generationConfig", merged(std::move(config), extra, "generationConfig"));
  body.add_replacements();
  append_gemini_contents(body.key("contents"), model, request.messages.subspan(leading));
  body.close();
  return out;
}

}  // namespace sennit
