#include <sennit/agent/io/white.hpp>
#include <sennit/backends/messages/messages_content.hpp>
#include <sennit/backends/messages/messages_request.hpp>
#include <sennit/backends/wire/json_fields.hpp>
#include <sennit/backends/wire/members.hpp>
#include <sennit/backends/wire/schema_dialect.hpp>
#include <sennit/backends/wire/turns.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace sennit {

namespace {

/// `max_tokens` is required. Thoughts count towards it, so a model that thinks gets room for them and for a file that
/// it writes; more would only keep a runaway answer going. Others get what even old ones and local servers can give.
constexpr std::int64_t kUsualTokens = 8'192;
constexpr std::int64_t kThinkingTokens = 32'000;
/// https://platform.claude.com/docs/en/build-with-claude/extended-thinking
constexpr std::int64_t kLeastBudget = 1'024;

/// Claude is served at many addresses; what the rows of Anthropic say of a name holds there as well.
ModelEntry known_of(const WireModel& model) {
  ModelEntry entry = model.entry;
  const std::size_t name = model.name.find("claude-");
  if (entry.thinking || name == std::string::npos) return entry;
  if (const auto row = model.catalogue->find("anthropic/" + model.name.substr(name))) entry.fill_from(*row);
  return entry;
}

std::int64_t token_limit(const ModelEntry& entry, const CompletionOptions& options) {
  const json::value* theirs = options.extra.if_contains("max_tokens");
  if (theirs != nullptr && theirs->is_int64()) return theirs->get_int64();
  if (options.max_tokens) return *options.max_tokens;
  const bool thinks = entry.thinking && *entry.thinking != ThinkingForm::none;
  const std::int64_t usual = thinks ? kThinkingTokens : kUsualTokens;
  return std::min(usual, entry.output_tokens.value_or(usual));
}

/// Tokens to think with, of `limit` in all: the answer keeps a quarter. 0: there is no room for any.
std::int64_t budget_for(std::string_view effort, std::int64_t limit) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 6> kBudgets = {{{"minimal", kLeastBudget},
                                                                                  {"low", 2'048},
                                                                                  {"medium", 8'192},
                                                                                  {"high", 16'384},
                                                                                  {"xhigh", 24'576},
                                                                                  {"max", 32'768}}};
  if (limit <= kLeastBudget) return 0;
  std::int64_t wanted = 8'192;
  for (const auto& [word, tokens] : kBudgets) {
    if (word == effort) wanted = tokens;
  }
  return std::max(kLeastBudget, std::min(wanted, limit / 4 * 3));
}

/// The form in which `effort` is asked for. Where there is none the model does as it usually does, and nothing is asked
/// for but that a model that always thinks shows it. Of a model that we do not know we ask what all but the newest of
/// Claude understand.
ThinkingForm form_for(const ModelEntry& entry, std::string_view effort) {
  const ThinkingForm form = entry.thinking.value_or(ThinkingForm::budget);
  if (!effort.empty()) return form;
  const bool always = form == ThinkingForm::adaptive && entry.efforts && !entry.efforts->empty() &&
                      std::ranges::find(*entry.efforts, "none") == entry.efforts->end();
  return always ? form : ThinkingForm::none;
}

json::object thinking_for(ThinkingForm form, std::string_view effort, std::int64_t limit) {
  if (form == ThinkingForm::none) return {};
  if (effort == "none") return {{"type", "disabled"}};
  // Newer models show no thoughts unless they are asked to.
  // https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking#controlling-thinking-display
  if (form == ThinkingForm::adaptive) return {{"type", "adaptive"}, {"display", "summarized"}};
  const std::int64_t budget = budget_for(effort, limit);
  if (budget == 0) return {};
  return {{"type", "enabled"}, {"budget_tokens", budget}};
}

/// As `output_config.effort` has it; empty where the budget says all. DeepSeek ignores the budget, and reads this.
/// https://api-docs.deepseek.com/guides/anthropic_api
std::string_view effort_word(const WireModel& model, ThinkingForm form, std::string_view effort) {
  const bool deepseek = model.provider->reasoning == ReasoningControl::deepseek;
  if (form == ThinkingForm::none || (form != ThinkingForm::adaptive && !deepseek) || effort == "none") return {};
  if (effort == "minimal") return "low";
  if (deepseek && (effort == "medium" || effort == "xhigh")) return "high";
  return effort;
}

json::object tool_choice(const CompletionRequest& request, const CompletionOptions& options) {
  json::object choice;
  const bool one_by_one = options.parallel_tool_calls && !*options.parallel_tool_calls;
  if (request.tool_choice == ToolChoice::none) return {{"type", "none"}};
  if (request.tool_choice == ToolChoice::required) choice["type"] = "any";
  if (one_by_one && choice.empty()) choice["type"] = "auto";
  if (one_by_one) choice["disable_parallel_tool_use"] = true;
  return choice;
}

/// What one request may enforce, over all of its schemas.
/// https://platform.claude.com/docs/en/build-with-claude/structured-outputs#schema-complexity-limits
class Room {
 public:
  /// Takes the share of `schema`, if there is that much left.
  bool take(const json::object& schema, bool tool) {
    Room rest = *this;
    rest.tools_ -= tool ? 1 : 0;
    rest.count(schema);
    if (rest.tools_ < 0 || rest.optional_ < 0 || rest.choices_ < 0) return false;
    *this = rest;
    return true;
  }

 private:
  void count(const json::value& value) {
    if (const json::array* list = value.if_array()) {
      for (const json::value& one : *list) count(one);
    }
    const json::object* schema = value.if_object();
    if (schema == nullptr) return;
    if (const json::object* properties = object_at(*schema, "properties")) {
      const json::array* required = as_array(schema->if_contains("required"));
      optional_ -= static_cast<std::int64_t>(properties->size());
      optional_ += required == nullptr ? 0 : static_cast<std::int64_t>(required->size());
    }
    if (as_array(schema->if_contains("anyOf")) != nullptr) --choices_;
    if (as_array(schema->if_contains("type")) != nullptr) --choices_;
    for (const auto& [key, inner] : *schema) count(inner);
  }

  std::int64_t tools_ = 20;
  std::int64_t optional_ = 24;
  std::int64_t choices_ = 16;
};

/// As `input_schema` takes it: an object, and at its top no choice ("input_schema does not support oneOf, allOf, or
/// anyOf at the top level"), which `words` then tells. https://github.com/anthropics/claude-code/issues/5973
json::object input_schema(const json::object& parameters, std::string& words) {
  json::object schema;
  json::object choices;
  for (const auto& [key, value] : parameters) {
    const bool choice = key == "anyOf" || key == "oneOf" || key == "allOf";
    (choice ? choices : schema).emplace(key, value);
  }
  schema["type"] = "object";
  if (!choices.empty()) words = fmt::format("The input is also valid against: {}", wire_text(choices));
  return schema;
}

struct Plan {
  ModelEntry entry;
  MessagesStyle style;
  json::object output;  // output_config
  std::string format;   // what the instructions must say about the answer, because no field does
  Room room;
};

void append_tool(std::string& out, const ToolDescription& tool, bool strict, Plan& plan, const json::value& mark) {
  auto enforced = strict ? translate_schema(tool.parameters, SchemaDialect::messages) : std::nullopt;
  if (enforced && !plan.room.take(enforced->schema, true)) enforced.reset();
  std::string words;
  json::object schema = enforced ? std::move(enforced->schema) : input_schema(tool.parameters, words);
  const std::string description = in_paragraphs(tool.description, words);
  Members definition(out);
  definition.add_text("name", tool.name);
  if (!description.empty()) definition.add_text("description", description);
  definition.add("input_schema", schema);
  if (enforced) definition.add("strict", true);
  if (!mark.is_null()) definition.add("cache_control", mark);
  definition.close();
}

void add_tools(Members& body, const WireModel& model, const CompletionRequest& request, Plan& plan) {
  if (request.tools.empty()) return;
  const bool strict = model.strict && (!plan.entry.abilities || plan.entry.can(Ability::strict_tools));
  std::string& out = body.key("tools");
  char separator = '[';
  for (const ToolDescription& tool : request.tools) {
    out += std::exchange(separator, ',');
    const bool last = &tool == &request.tools.back();
    append_tool(out, tool, strict, plan, last ? plan.style.cache_mark : json::value());
  }
  out += ']';
}

/// The instructions, what the answer must look like, and what the system says before anybody else does.
void add_system(Members& body, const CompletionRequest& request, std::size_t leading, const Plan& plan) {
  std::vector<std::string> texts = {std::string(request.instructions), plan.format};
  for (const Message& message : request.messages.first(leading)) texts.push_back(message.text());
  std::erase_if(texts, [](const std::string& text) { return is_blank(text); });
  if (texts.empty()) return;
  std::string& out = body.key("system");
  char separator = '[';
  for (const std::string& text : texts) {
    out += std::exchange(separator, ',');
    append_text_block(out, text, &text == &texts.back() ? plan.style.cache_mark : json::value());
  }
  out += ']';
}

/// `options.extra.cache_control`: an object is the mark that we set ({"type":"ephemeral","ttl":"1h"}), false or null
/// sets none. The field itself, with which the server sets one mark by itself, is not sent: ours are all that it takes.
json::value cache_mark(const ModelEntry& entry, json::object& extra) {
  json::value* theirs = extra.if_contains("cache_control");
  json::value wanted = theirs == nullptr ? json::value(true) : std::exchange(*theirs, nullptr);
  if (wanted.is_object()) return wanted;
  const bool keeps = !entry.abilities || entry.can(Ability::caching);
  const bool marks = keeps && !wanted.is_null() && wanted != json::value(false);
  return marks ? json::value(json::object{{"type", "ephemeral"}}) : json::value();
}

/// How the answer is held to its schema. That a tool is made of it and forced is no means: beside other tools the model
/// could call none of them any more, and it may not think before.
void plan_output(Plan& plan, const CompletionRequest& request) {
  if (request.output_schema == nullptr) return;
  auto schema = plan.entry.can(Ability::schema) ? translate_schema(*request.output_schema, SchemaDialect::messages)
                                                : std::nullopt;
  if (schema && plan.room.take(schema->schema, false)) {
    plan.output["format"] = json::object{{"type", "json_schema"}, {"schema", std::move(schema->schema)}};
  } else {
    plan.format = schema_in_words(*request.output_schema);
  }
}

/// Models that take either take one of them ("`temperature` and `top_p` cannot both be specified for this model"), and
/// none while they think. https://platform.claude.com/docs/en/about-claude/models/migration-guide
void add_sampling(Members& body, const ModelEntry& entry, const CompletionOptions& options, bool thinks) {
  if (!thinks && entry.sampling.value_or(true)) {
    if (options.temperature) {
      body.add("temperature", *options.temperature);
    } else if (options.top_p) {
      body.add("top_p", *options.top_p);
    }
  }
  if (!options.stop.empty()) body.add("stop_sequences", json::array(options.stop.begin(), options.stop.end()));
}

/// What the caller has of it stands in place of ours: a form of its own altogether, else its members.
json::object thinking_with(json::object ours, json::object& extra) {
  const json::object* theirs = object_at(extra, "thinking");
  if (theirs != nullptr && theirs->contains("type")) ours.clear();
  ours = merged(std::move(ours), extra, "thinking");
  return ours.contains("type") ? ours : json::object();
}

/// Writes how deep the model shall think, and all that depends on it.
void add_options(Members& body, const WireModel& model, const CompletionRequest& request,
                 const CompletionOptions& options, std::span<const Turn> turns, Plan& plan, json::object& extra) {
  const std::int64_t limit = token_limit(plan.entry, options);
  json::object choice;
  if (!request.tools.empty()) choice = merged(tool_choice(request, options), extra, "tool_choice");
  const std::string effort = accepted_effort(plan.entry, options.reasoning_effort);
  const ThinkingForm form = form_for(plan.entry, effort);
  // "Thinking may not be enabled when tool_choice forces tool use": what must be done comes first.
  const std::string_view chosen = text_at(choice, "type");
  const bool forced = chosen == "any" || chosen == "tool";
  // "A final assistant message must start with a thinking block": those of adaptive thinking need not.
  const bool broken =
      form == ThinkingForm::budget && plan.style.signs && goes_on_without_thought(model, plan.style, turns);
  const bool may_think = effort == "none" || (!forced && !broken);
  const json::object thinking = thinking_with(may_think ? thinking_for(form, effort, limit) : json::object(), extra);
  if (const std::string_view word = effort_word(model, form, effort); !word.empty()) plan.output["effort"] = word;

  body.add("max_tokens", limit);
  body.add_object("thinking", thinking);
  body.add_object("output_config", merged(std::move(plan.output), extra, "output_config"));
  add_sampling(body, plan.entry, options, !thinking.empty() && text_at(thinking, "type") != "disabled");
  body.add_object("tool_choice", choice);
}

}  // namespace

std::string messages_request_body(const WireModel& model, const CompletionRequest& request) {
  const CompletionOptions options = options_of(model, request);
  json::object extra = options.extra;
  Plan plan;
  plan.entry = known_of(model);
  plan.style.signs = model.name.find("claude") != std::string::npos;
  plan.style.cache_mark = cache_mark(plan.entry, extra);
  plan_output(plan, request);
  const std::size_t leading = leading_system(request.messages);
  const Turns turns(request.messages.subspan(leading), [](const Turn& turn) { return is_blank(turn.text()); });

  std::string out;
  Members body(out, &extra);
  body.add_text("model", model.name);
  body.add("stream", model.stream);
  add_options(body, model, request, options, turns.all(), plan, extra);
  body.add_replacements();
  add_tools(body, model, request, plan);
  if (!extra.contains("system")) add_system(body, request, leading, plan);
  append_messages(body.key("messages"), model, plan.style, turns.all());
  body.close();
  return out;
}

}  // namespace sennit
