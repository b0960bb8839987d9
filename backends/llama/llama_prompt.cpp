#include <sennit/backends/llama/llama_prompt.hpp>
#include <sennit/backends/llama/schema_grammar.hpp>
#include <sennit/backends/wire/turns.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace sennit {
namespace {

constexpr std::string_view kToolsBefore = R"(# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
)";
constexpr std::string_view kToolsAfter = R"(</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>)";

/// Thoughts may come first, also where an answer is bound to a grammar. `</` ends them.
constexpr std::string_view kThoughts = R"(("<think>" ([^<] | "<" [^/])* "</think>" [ \t\n]{0,8})? )";

std::string describe(const ToolDescription& tool) {
  std::string line = R"({"type":"function","function":{"name":)";
  append_json_string(line, tool.name);
  line += R"(,"description":)";
  append_json_string(line, tool.description);
  line += R"(,"parameters":)";
  append_json(line, tool.parameters);
  return line + "}}\n";
}

std::string system_text(const CompletionRequest& request, bool tools) {
  std::string text(request.instructions);
  const auto paragraph = [&text] { text += text.empty() ? "" : "\n\n"; };
  if (tools) {
    paragraph();
    text += kToolsBefore;
    for (const ToolDescription& tool : request.tools) text += describe(tool);
    text += kToolsAfter;
  }
  if (request.output_schema != nullptr) {
    paragraph();
    text += "Answer with JSON of this schema and with nothing else:\n";
    append_json(text, *request.output_schema);
  }
  return text;
}

/// Thoughts are not given back: models have learnt from conversations without those of earlier turns.
std::string assistant_text(const Turn& turn) {
  std::string text = turn.text();
  for (const ToolCall* call : turn.tool_calls()) {
    if (!text.empty()) text += '\n';
    text += kCallBegin;
    text += R"(
{"name":)";
    append_json_string(text, call->name);
    text += fmt::format(R"(,"arguments":{}}}
{})",
                        wire_arguments(call->arguments), kCallEnd);
  }
  return text;
}

std::string results_text(const Turn& turn) {
  std::string text;
  for (const ToolResult* result : turn.results) {
    text += fmt::format("{}<tool_response>\n{}\n</tool_response>", text.empty() ? "" : "\n", wire_result(*result));
  }
  return text;
}

void refuse_blobs(const Turn& turn) {
  for (const Part* part : turn.parts) {
    if (const auto* blob = std::get_if<Blob>(part)) {
      throw Error(errc::invalid_argument,
                  fmt::format("a model that runs in this process reads text, not {}; use a model with images",
                              blob->media_type));
    }
  }
}

std::vector<LlamaMessage> messages_of(const CompletionRequest& request, bool tools) {
  std::vector<LlamaMessage> messages;
  std::string system = system_text(request, tools);
  const Turns turns(request.messages, [](const Turn& turn) { return turn.text().empty(); });
  const auto say = [&messages](const char* role, const std::string& text) {
    // Tools answer in the person's place, and a person's message may follow: templates want the roles in turn.
    if (!messages.empty() && messages.back().role == std::string_view(role)) {
      messages.back().content += "\n" + sanitize_utf8(text);
    } else {
      messages.push_back({role, sanitize_utf8(text)});
    }
  };
  for (const Turn& turn : turns.all()) {
    refuse_blobs(turn);
    if (turn.role == Role::system) {
      // Templates know one system message, the first.
      system += (system.empty() ? "" : "\n\n") + turn.text();
    } else if (turn.role == Role::assistant) {
      say("assistant", assistant_text(turn));
    } else {
      say("user", turn.role == Role::tool ? results_text(turn) : turn.text());
    }
  }
  if (!system.empty()) messages.insert(messages.begin(), {"system", sanitize_utf8(system)});
  return messages;
}

/// Adds the rule `call`.
void add_call(SchemaGrammar& grammar, std::span<const ToolDescription> tools) {
  std::vector<std::string> calls;
  for (const ToolDescription& tool : tools) {
    // Arguments are an object, whatever else the schema forgets to say.
    json::object schema = tool.parameters;
    if (!schema.contains("type") && !schema.contains("$ref")) schema["type"] = "object";
    std::string name;
    append_json_string(name, tool.name);
    calls.push_back(fmt::format(R"({} "," s-ws "\"arguments\":" s-ws {})", SchemaGrammar::literal(name),
                                grammar.add_schema(json::value(std::move(schema)))));
  }
  grammar.add_rule("call", fmt::format(R"({} s-ws "{{" s-ws "\"name\":" s-ws ({}) s-ws "}}" s-ws {})",
                                       SchemaGrammar::literal(kCallBegin), fmt::join(calls, " | "),
                                       SchemaGrammar::literal(kCallEnd)));
}

/// Calls, or the answer that the agent declares, or either of them.
std::string grammar_of(const CompletionRequest& request, bool calls, bool thoughts) {
  SchemaGrammar grammar;
  std::vector<std::string> choices;
  if (calls) {
    add_call(grammar, request.tools);
    const bool several = request.options.parallel_tool_calls.value_or(true);
    choices.push_back(several ? fmt::format("call (s-ws call){{0,{}}}", kMaxLlamaCalls - 1) : "call");
  }
  if (request.output_schema != nullptr && request.tool_choice != ToolChoice::required) {
    choices.push_back(grammar.add_schema(json::value(*request.output_schema)));
  }
  grammar.add_rule("root", fmt::format("{}({})", thoughts ? kThoughts : "", fmt::join(choices, " | ")));
  return grammar.text();
}

std::optional<double> number_at(const json::object& extra, std::string_view key, double least, double most) {
  const json::value* found = extra.if_contains(key);
  if (found == nullptr) return {};
  const double value = found->is_number() ? found->to_number<double>() : least - 1;
  if (value < least || value > most) {
    throw Error(errc::config, fmt::format("`model.options.extra.{}` must be a number from {} to {}", key, least, most));
  }
  return value;
}

template <class Number>
void read_number(const json::object& extra, std::string_view key, double least, double most, Number& into) {
  if (const auto value = number_at(extra, key, least, most)) into = static_cast<Number>(*value);
}

/// What is absent is as llama.cpp's own programs have it.
sennit_llama_request sampling_of(const CompletionOptions& options) {
  sennit_llama_request sampling{};
  sampling.temperature = static_cast<float>(options.temperature.value_or(0.8));
  sampling.top_p = static_cast<float>(options.top_p.value_or(0.95));
  sampling.min_p = 0.05F;
  sampling.top_k = 40;
  sampling.repeat_penalty = 1;
  sampling.seed = std::numeric_limits<std::uint32_t>::max();
  if (options.seed) sampling.seed = static_cast<std::uint32_t>(*options.seed) & 0x7FFFFFFFU;
  sampling.max_tokens = std::max<std::int64_t>(0, options.max_tokens.value_or(0));
  sampling.no_thinking = options.reasoning_effort == "none" ? 1 : 0;
  read_number(options.extra, "min_p", 0, 1, sampling.min_p);
  read_number(options.extra, "top_k", 0, 1'000'000, sampling.top_k);
  read_number(options.extra, "repeat_penalty", 0.1, 10, sampling.repeat_penalty);
  return sampling;
}

}  // namespace

LlamaSettings llama_settings(const ModelSpec& spec) {
  const json::object& extra = spec.options.extra;
  LlamaSettings settings;
  read_number(extra, "context", 0, 16'777'216, settings.context);
  read_number(extra, "sequences", 1, 64, settings.sequences);
  read_number(extra, "batch", 0, 65'536, settings.batch);
  read_number(extra, "threads", 0, 1024, settings.threads);
  read_number(extra, "gpu_layers", -1, 10'000, settings.gpu_layers);
  read_number(extra, "queue", 0, 10'000, settings.queue);
  return settings;
}

LlamaPrompt llama_prompt(const ModelSpec& spec, const CompletionRequest& request) {
  const bool tools = !request.tools.empty() && request.tool_choice != ToolChoice::none;
  const bool required = tools && request.tool_choice == ToolChoice::required;
  LlamaPrompt prompt;
  prompt.sampling = sampling_of(request.options);
  const bool thinks = spec.split_think.value_or(true);
  const bool thoughts = thinks && prompt.sampling.no_thinking == 0;
  prompt.messages = messages_of(request, tools);
  prompt.reading.tools = tools;
  prompt.reading.think = thinks ? ThinkStart::tagged : ThinkStart::off;
  prompt.reading.stop = request.options.stop;
  if (tools || request.output_schema != nullptr) {
    prompt.waits = tools && !required && request.output_schema == nullptr;
    prompt.grammar = grammar_of(request, tools, thoughts && !prompt.waits);
  }
  return prompt;
}

}  // namespace sennit
