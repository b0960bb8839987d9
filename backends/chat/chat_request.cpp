#include <sennit/backends/chat/chat_messages.hpp>
#include <sennit/backends/chat/chat_request.hpp>
#include <sennit/backends/wire/strict_schema.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace sennit {

namespace {

std::string endpoint(std::string_view base) {
  constexpr std::string_view kPath = "/chat/completions";
  const std::string_view query = base.substr(std::min(base.find('?'), base.size()));
  base.remove_suffix(query.size());
  while (base.ends_with('/')) base.remove_suffix(1);
  std::string url(base);
  if (!base.ends_with(kPath)) url += kPath;
  return url.append(query);
}

std::optional<ReasoningReplay> parse_replay(std::string_view word) {
  if (word.empty()) return {};
  if (word == "never") return ReasoningReplay::never;
  if (word == "within_turn") return ReasoningReplay::within_turn;
  if (word == "always") return ReasoningReplay::always;
  throw Error(errc::config, fmt::format("reasoning_replay is never, within_turn or always, not “{}”", word));
}

std::string resolve_url(const Provider& provider, const ModelSpec& spec) {
  std::string base = spec.base_url.empty() ? std::string(provider.base_url) : spec.base_url;
  if (base.empty()) {
    throw Error(errc::config,
                fmt::format("{} needs `model.base_url`, for example http://127.0.0.1:8000/v1", provider.name));
  }
  if (!base.starts_with("http://") && !base.starts_with("https://") && !base.starts_with("${env:")) {
    throw Error(errc::config, fmt::format("`model.base_url` must begin with http:// or https://: {}", base));
  }
  const bool beta = spec.strict_tools.value_or(false) && provider.strict == StrictTools::all_with_beta;
  if (beta && base.starts_with(provider.base_url)) base = std::string(provider.base_url) + "/beta";
  return endpoint(base);
}

/// What the agent decides, not its options: replaced there, the run would speak of something else than it sent.
void refuse_own_fields(const json::object& extra, errc code) {
  for (const std::string_view field : {"model", "messages", "tools"}) {
    if (extra.contains(field)) {
      throw Error(code, fmt::format("`options.extra` cannot hold `{}`: the agent itself says that", field));
    }
  }
}

}  // namespace

ChatModel resolve_chat_model(const Provider& provider, const ModelSpec& spec) {
  ChatModel model;
  model.provider = &provider;
  const std::size_t slash = spec.name.find('/');
  model.name = slash == std::string::npos ? std::string() : spec.name.substr(slash + 1);
  if (model.name.empty()) model.name = provider.default_model;
  if (model.name.empty()) {
    throw Error(errc::config, fmt::format("name the model: {}/MODEL", provider.name));
  }
  model.rule = &rule_for(provider, model.name);
  model.url = resolve_url(provider, spec);
  model.own_address = spec.base_url.empty();
  const std::optional<ReasoningReplay> wanted = parse_replay(spec.reasoning_replay);
  model.replay = wanted.value_or(model.rule->replay.value_or(provider.replay));
  // Whoever insists on replay serves a model that checks for it.
  model.replay_presence =
      provider.replay_needs_presence || model.rule->replay_needs_presence || wanted == ReasoningReplay::always;
  const ThinkStart usual = model.rule->think.value_or(provider.think);
  if (!spec.split_think) {
    model.think = usual;
  } else if (*spec.split_think) {
    model.think = usual == ThinkStart::off ? ThinkStart::tagged : usual;
  }
  model.strict = spec.strict_tools.value_or(false) && provider.strict != StrictTools::unsupported;
  model.stream = spec.stream.value_or(true);
  refuse_own_fields(spec.options.extra, errc::config);
  model.options = spec.options;
  return model;
}

namespace {

/// Writes the members of one JSON object. Those that `replaced` holds are left out: the caller has his own words for
/// them, or null to do without.
class Members {
 public:
  explicit Members(std::string& out, const json::object* replaced = nullptr) : out_(out), replaced_(replaced) {}
  /// Never left out.
  std::string& key(std::string_view name) {
    out_ += first_ ? '{' : ',';
    first_ = false;
    append_json_string(out_, name);
    out_ += ':';
    return out_;
  }
  void add(std::string_view name, const json::value& value) {
    if (!is_replaced(name)) append_json(key(name), value);
  }
  void add_text(std::string_view name, std::string_view value) {
    if (!is_replaced(name)) append_json_string(key(name), value);
  }
  void add_replacements() {
    for (const auto& [name, value] : *replaced_) {
      if (!value.is_null()) append_json(key(name), value);
    }
  }
  void close() { out_ += first_ ? "{}" : "}"; }

 private:
  [[nodiscard]] bool is_replaced(std::string_view name) const {
    return replaced_ != nullptr && replaced_->contains(name);
  }

  std::string& out_;
  const json::object* replaced_;
  bool first_ = true;
};

/// What the caller asks for, else what the agent file says.
CompletionOptions merged(const CompletionOptions& defaults, const CompletionOptions& asked) {
  CompletionOptions options = asked;
  if (!options.temperature) options.temperature = defaults.temperature;
  if (!options.top_p) options.top_p = defaults.top_p;
  if (!options.max_tokens) options.max_tokens = defaults.max_tokens;
  if (!options.seed) options.seed = defaults.seed;
  if (options.stop.empty()) options.stop = defaults.stop;
  if (options.reasoning_effort.empty()) options.reasoning_effort = defaults.reasoning_effort;
  if (!options.parallel_tool_calls) options.parallel_tool_calls = defaults.parallel_tool_calls;
  for (const auto& [key, value] : defaults.extra) {
    if (!options.extra.contains(key)) options.extra.emplace(key, value);
  }
  return options;
}

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

/// `effort` as the model takes it: itself, else the nearest that it has, of two equally near the lower one. A word that
/// is no effort is sent as it is, for the provider to judge.
std::string_view accepted_effort(std::string_view accepted, std::string_view effort) {
  constexpr std::array<std::string_view, 7> kLevels = {"none", "minimal", "low", "medium", "high", "xhigh", "max"};
  if (accepted == kNoEffort) return {};
  const auto* wanted = std::find(kLevels.begin(), kLevels.end(), effort);
  if (accepted.empty() || wanted == kLevels.end()) return effort;
  std::string_view best = effort;
  std::ptrdiff_t distance = kLevels.size();
  for (const auto* level = kLevels.begin(); level != kLevels.end(); ++level) {
    if (accepted.find(fmt::format(" {} ", *level)) == std::string_view::npos) continue;
    if (std::abs(level - wanted) >= distance) continue;
    best = *level;
    distance = std::abs(level - wanted);
  }
  return best;
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
  }
}

void add_options(Members& body, const ChatModel& model, const CompletionOptions& options) {
  const std::string_view effort = accepted_effort(model.rule->efforts, options.reasoning_effort);
  const bool sampling = !model.rule->reasons || effort == "none";
  if (sampling && options.temperature) body.add("temperature", *options.temperature);
  if (sampling && options.top_p) body.add("top_p", *options.top_p);
  if (options.max_tokens) body.add(model.provider->max_tokens_field, *options.max_tokens);
  if (options.seed) body.add("seed", *options.seed);
  if (!model.rule->reasons && !options.stop.empty())
    body.add("stop", json::array(options.stop.begin(), options.stop.end()));
  add_reasoning(body, model.provider->reasoning, effort);
}

void add_tool(std::string& out, const ChatModel& model, const ToolDescription& tool) {
  Members function(out);
  function.add_text("name", tool.name);
  if (!tool.description.empty()) function.add_text("description", tool.description);
  const std::optional<json::object> strict = model.strict ? strict_schema(tool.parameters) : std::nullopt;
  if (model.strict && !strict && model.provider->strict == StrictTools::all_with_beta) {
    throw Error(errc::invalid_argument,
                fmt::format("the schema of tool “{}” cannot be enforced by {}, which enforces all tools or none; "
                            "set `strict_tools: false`",
                            tool.name, model.provider->title));
  }
  function.add("parameters", strict ? *strict : tool.parameters);
  if (strict) function.add("strict", true);
  function.close();
}

void add_tools(Members& body, const ChatModel& model, const CompletionRequest& request,
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
std::string add_output_schema(Members& body, const ChatModel& model, const CompletionRequest& request) {
  if (request.output_schema == nullptr) return {};
  const Provider& provider = *model.provider;
  const bool enforced = request.tools.empty() || provider.schema_beside_tools;
  if (enforced && provider.schema == SchemaControl::json_schema) {
    const json::object format{
        {"name", "answer"}, {"schema", *request.output_schema}, {"strict", is_strict_schema(*request.output_schema)}};
    body.add("response_format", json::object{{"type", "json_schema"}, {"json_schema", format}});
    return {};
  }
  if (enforced && provider.schema == SchemaControl::json_object) {
    body.add("response_format", json::object{{"type", "json_object"}});
  }
  std::string words = "Answer with one JSON object and nothing else. It must be valid against this JSON Schema:\n";
  append_json(words, *request.output_schema);
  return words;
}

}  // namespace

std::string chat_request_body(const ChatModel& model, const CompletionRequest& request) {
  const CompletionOptions options = merged(model.options, request.options);
  refuse_own_fields(options.extra, errc::invalid_argument);
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
