// The format of agent files: every key, what it takes and what it means. See definition_shape.hpp.
#include <sennit/agent/definition/bind.hpp>
#include <sennit/agent/definition/reader.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace sennit::format {
namespace {

using Kind = Shape::Kind;

constexpr double kYear = 366.0 * 86'400'000;

bool is_input_name(std::string_view text) {
  return is_name(text) && text.find('-') == std::string_view::npos && (text.front() < '0' || text.front() > '9');
}

Shape file_name() {
  return some_text("the name of a file");
}

template <class T>
const Table& table() {
  return table_of(static_cast<const T*>(nullptr));
}

void check_input(Reader& reader, const CheckedMap& map) {
  const json::value* const preset = map.value.if_contains("default");
  if (preset == nullptr) return;
  const std::string_view type = map.has("type") ? map.text("type") : "string";
  const bool fits = type == "number"    ? preset->is_number()
                    : type == "boolean" ? preset->is_bool()
                                        : preset->is_string();
  if (!fits) {
    reader.error(map.at(table<InputSpec>(), "default"),
                 fmt::format("`{}.default`: expected a {}, as its `type` says; found {}", map.path, type,
                             quote(json::serialize(*preset))));
  }
}

void check_intent(Reader& reader, const CheckedMap& map) {
  const Table& intents = table<Intent>();
  if (const auto* match = map.value.if_contains("match"); match != nullptr && match->as_array().empty()) {
    reader.error(map.at(intents, "match"), fmt::format("`{}.match` is empty: it needs at least one pattern", map.path));
  }
  if (map.node.find("steps") == nullptr && map.node.find("say") == nullptr) {
    reader.error(map.node.at, fmt::format("`{}` does nothing: add `steps`, `say` or both", map.path));
  }
}

/// Things of which a file must not have two.
void check_unique(Reader& reader, const yaml::Node* list, const json::object& value, std::string_view key,
                  std::string_view member) {
  const json::value* const entries = value.if_contains(key);
  if (list == nullptr || entries == nullptr || entries->as_array().size() != list->items.size()) return;
  std::set<std::string, std::less<>> seen;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const json::value& entry = entries->as_array()[i];
    const std::string_view name = entry.is_string() ? std::string_view(entry.as_string()) : find_string(entry, member);
    if (name.empty() || seen.emplace(name).second) continue;
    reader.error(list->items[i].at, fmt::format("`{}`: {} is listed twice", key, quote(name)));
  }
}

void check_definition(Reader& reader, const CheckedMap& map) {
  check_unique(reader, map.node.find("tools"), map.value, "tools", "name");
  check_unique(reader, map.node.find("agents"), map.value, "agents", "file");
  const yaml::Node* const inputs = map.node.find("inputs");
  for (std::size_t i = 0; inputs != nullptr && i < inputs->keys.size(); ++i) {
    const yaml::Key& key = inputs->keys[i];
    if (is_input_name(key.text)) continue;
    reader.error(key.at,
                 fmt::format("`inputs`: {} is no name for an input; use letters, digits and `_`", quote(key.text)));
  }
}

/// `planner: name` or `planner: {name: {options}}` fills two members.
Field planner_field() {
  Field field = bare_field("planner", plain(Kind::selection), "How the agent works.")
                    .with_default(json::value(Definition{}.planner));
  field.assign = [](void* object, const json::value& value) {
    auto& definition = *static_cast<Definition*>(object);
    ToolSelection selection;
    assign(selection, value);
    definition.planner = std::move(selection.name);
    definition.planner_options = std::move(selection.options);
  };
  field.get = [](const void* object) -> json::value {
    const auto& definition = *static_cast<const Definition*>(object);
    return json::object{{"name", definition.planner}, {"options", definition.planner_options}};
  };
  return field;
}

Shape version() {
  Shape shape = plain(Kind::integer).between(1, 1);
  shape.means = "1, the version of the format";
  return shape;
}

}  // namespace

const Table& table_of(const SubAgent* /*tag*/) {
  static const Table kTable{
      "agents[]",
      "Other agents, which this one may hand tasks to: each becomes a tool that takes a task. An entry is the name of "
      "a "
      "file, or a map:",
      {
          field<&SubAgent::file>("file", file_name(), "The agent file, relative to this one.").needed(),
          field<&SubAgent::name>("name", name(), "What the model calls it. Absent: the file's own name."),
          field<&SubAgent::description>("description", prose(),
                                        "Tells the model what it is for. Absent: the file's own description."),
      },
      {{"config_path", "file"}, {"path", "file"}},
      nullptr};
  return kTable;
}

const Table& table_of(const MemorySettings* /*tag*/) {
  static const Table kTable{
      "memory",
      "Notes that outlive a conversation. `memory: true` keeps them as below; the model gets tools to write and search "
      "them.",
      {
          field<&MemorySettings::kind>("kind", name(), "The memory store."),
          field<&MemorySettings::space>("space", text(),
                                        "Agents with the same space share their notes. Absent: the "
                                        "agent's name."),
          field<&MemorySettings::recall>("recall", plain(Kind::boolean),
                                         "Put the notes that match the input before the model, unasked."),
          field<&MemorySettings::confidential>("confidential", plain(Kind::boolean),
                                               "Notes are private: where they go is for `policy.flow` to say."),
          field<&MemorySettings::recall_limit>("recall_limit", plain(Kind::integer).between(1, 100),
                                               "At most so many of them."),
      },
      {{"type", "kind"}, {"limit", "recall_limit"}},
      nullptr};
  return kTable;
}

const Table& table_of(const RunLimits* /*tag*/) {
  static const Table kTable{
      "limits",
      "Where a run stops, whatever the model wants. They hold for the run together with its sub-agents.",
      {
          field<&RunLimits::steps>("steps", plain(Kind::integer).between(1, 100'000), "Turns of the model."),
          field<&RunLimits::tool_calls>("tool_calls", plain(Kind::integer).between(1, 1'000'000), "Calls of tools."),
          field<&RunLimits::tokens>("tokens", plain(Kind::integer).between(0, 1e15),
                                    "Input and output tokens; 0: no limit."),
          field<&RunLimits::cost>("cost", plain(Kind::number).between(0, 1e9),
                                  "Money, in the currency of `model.prices`, which it needs; 0: no limit."),
          field<&RunLimits::time>("time", plain(Kind::duration).between(0, kYear),
                                  "Time from start to end; 0: no limit."),
          field<&RunLimits::tool_time>(
              "tool_time", plain(Kind::duration).between(0, kYear),
              "The most time for one call of a tool of this agent, where the tool itself allows "
              "more; 0: no limit. It does not cut short what has no timeout of its own: "
              "questions to a person and sub-agents."),
          // 1 would stop at the first call; the planner takes it for no limit, as 0 in C++.
          field<&RunLimits::repairs>("repairs", plain(Kind::integer).between(0, 100),
                                     "How often the model may mend an answer that does not fit `output`."),
          field<&RunLimits::repeats>("repeats", plain(Kind::integer).between(2, 1'000),
                                     "The run stops when the model makes the same call with the same arguments so many "
                                     "times in a row."),
          field<&RunLimits::depth>("depth", plain(Kind::integer).between(0, 16), "Sub-agents below sub-agents."),
          field<&RunLimits::parallel_tool_calls>("parallel_tool_calls", plain(Kind::integer).between(1, 1'000),
                                                 "Calls that run side by side."),
          field<&RunLimits::tool_schemas>("tool_schemas", plain(Kind::integer).between(0, 1e9),
                                          "Bytes of tool descriptions beyond which the tools of `mcp` are shown to the "
                                          "model only when it looks for them; 0: never."),
      },
      {{"max_steps", "steps"},
       {"max_turns", "steps"},
       {"max_iterations", "steps"},
       {"max_iter", "steps"},
       {"iterations", "steps"},
       {"timeout", "time"},
       {"tool_timeout", "tool_time"},
       {"max_tokens", "tokens"},
       {"budget", "cost"}},
      nullptr};
  return kTable;
}

const Table& table_of(const InputSpec* /*tag*/) {
  static const Table kTable{
      "inputs.*",
      "Values that the caller gives at start (`sennit run --input name=value`): `{name}` in the instructions becomes "
      "the "
      "value. A map from names to:",
      {
          field<&InputSpec::type>("type", one_of({"string", "number", "boolean"}), "What the value must be."),
          field<&InputSpec::description>("description", prose(), "Tells people what it is for."),
          field<&InputSpec::required>("required", plain(Kind::boolean), "Refuse to start without it."),
          field<&InputSpec::fallback>("default", plain(Kind::anything), "The value where the caller gives none."),
      },
      {{"input_type", "type"}, {"requirement", "required"}, {"value", "default"}},
      &check_input};
  return kTable;
}

const Table& table_of(const IntentStep* /*tag*/) {
  static const Table kTable{
      "intents[].steps[]",
      "One call of a tool. Steps that need nothing from one another's results are called side by side.",
      {
          field<&IntentStep::call>("call", name(), "The name of the tool.").needed(),
          field<&IntentStep::with>("with", plain(Kind::object), "Its arguments; `{capture}` in texts is replaced."),
          field<&IntentStep::take>(
              "take", some_text(),
              "A pattern that a line or sentence of the result must end with, giving more captures. "
              "A capture that has a value already matches that value only."),
          field<&IntentStep::otherwise>("otherwise", prose(), "Said where `take` does not match or the tool fails."),
      },
      {{"tool", "call"}, {"args", "with"}, {"arguments", "with"}, {"name", "call"}, {"else", "otherwise"}},
      nullptr};
  return kTable;
}

const Table& table_of(const Intent* /*tag*/) {
  static const Table kTable{
      "intents[]",
      "What the agent can do without a model (`model: scripted`, or `model: auto` where no model is there). The first "
      "intent whose pattern matches what the person said is carried out; several in one input are carried out "
      "together.\n\n"
      "Patterns: words match whatever their case, spacing and punctuation; `{note}` captures anything, `{n:number}` a "
      "number; `[words]` are optional; `(one|other)` are alternatives; a backslash takes a character as it is.\n\n"
      "In `say`, `{note}` stands for a capture, `{result}` for the last step's result and `{result.clock}` for the "
      "last "
      "result of the tool `clock`.",
      {
          field<&Intent::match>("match", texts(some_text()), "The patterns.").needed(),
          field<&Intent::steps>("steps", list_of(map_with(table<IntentStep>())), "Tools to call, in order."),
          field<&Intent::say>("say", prose(), "The answer. Absent: the last result."),
      },
      {{"pattern", "match"},
       {"patterns", "match"},
       {"answer", "say"},
       {"reply", "say"},
       {"call", "steps"},
       {"do", "steps"}},
      &check_intent};
  return kTable;
}

const Table& definition_table() {
  static const Table kTable{
      "",
      "An agent file is one YAML map. Only `sennit` is required.",
      {
          bare_field("sennit", version(), "The version of this format.").needed(),
          field<&Definition::name>("name", name(),
                                   "What the agent is called, also as a sub-agent's tool. Absent: the "
                                   "file's name.")
              .with_default(nullptr),
          field<&Definition::description>("description", prose(),
                                          "What it is for: shown to people, and to agents that may delegate to it."),
          field<&Definition::model>("model", either(model_name(), map_with(table<ModelSpec>())),
                                    "Which model answers: `provider/model`, `auto`, `scripted`, or a map.")
              .with_default("auto"),
          field<&Definition::instructions>("instructions", prose(),
                                           "What the model is told before the conversation (the system prompt).")
              .also({"instruction", "system"}),
          field<&Definition::tools>("tools", list_of(plain(Kind::selection)),
                                    "What the model may call. An entry is a name, or `name: {options}`."),
          field<&Definition::mcp>("mcp", map_of(map_with(table<McpServer>())),
                                  "Servers of the Model Context Protocol, whose tools the model may call.")
              .also({"mcpServers", "mcp_servers"}),
          field<&Definition::agents>("agents", list_of(either(file_name(), map_with(table<SubAgent>()))),
                                     "Other agents that this one may hand tasks to."),
          field<&Definition::memory>("memory", either(plain(Kind::boolean), map_with(table<MemorySettings>())),
                                     "Notes that outlive a conversation.")
              .with_default(false),
          planner_field(),
          field<&Definition::limits>("limits", map_with(table<RunLimits>()), "Where a run stops."),
          field<&Definition::policy>("policy", map_with(table<PolicySettings>()),
                                     "Which tools may be called, and which only after asking."),
          field<&Definition::hooks>("hooks", list_of(map_with(table<HookSpec>())),
                                    "Commands that are asked before and after a model or a tool does something."),
          field<&Definition::guardrails>("guardrails", map_with(table<GuardrailSettings>()),
                                         "What text has to pass before the model, or the person, sees it."),
          field<&Definition::inputs>("inputs", map_of(map_with(table<InputSpec>()).or_nothing()),
                                     "Values that the caller gives at start."),
          field<&Definition::output>("output", plain(Kind::json_schema),
                                     "The answer must be JSON of this schema; it is checked."),
          field<&Definition::intents>("intents", list_of(map_with(table<Intent>())),
                                      "What the agent can do without a model."),
      },
      {{"version", "sennit"},
       {"system_prompt", "instructions"},
       {"systemMessage", "instructions"},
       {"system_message", "instructions"},
       {"prompt", "instructions"},
       {"llm", "model"},
       {"toolsets", "tools"},
       {"extensions", "tools"},
       {"sub_agents", "agents"},
       {"subagents", "agents"},
       {"handoffs", "agents"},
       {"output_schema", "output"},
       {"outputSchema", "output"},
       {"structured_output", "output"},
       {"response", "output"},
       {"response_format", "output"},
       {"parameters", "inputs"},
       {"inputSchema", "inputs"},
       {"permissions", "policy"},
       {"title", "name"},
       {"max_iterations", "limits.steps"},
       {"max_turns", "limits.steps"},
       {"max_iter", "limits.steps"},
       {"settings", "model.options"},
       {"options", "model.options"}},
      &check_definition};
  return kTable;
}

const std::vector<const Table*>& all_tables() {
  static const std::vector<const Table*> kTables{
      &definition_table(),         &table<ModelSpec>(),     &table<CompletionOptions>(), &table<Prices>(),
      &timeouts_table(),           &table<RateLimits>(),    &table<RetrySettings>(),     &fallback_table(),
      &table<RouteSettings>(),     &table<RouteRule>(),     &table<Escalation>(),        &table<SubAgent>(),
      &table<MemorySettings>(),    &table<RunLimits>(),     &table<PolicySettings>(),    &table<FlowSettings>(),
      &table<FlowPermit>(),        &table<McpServer>(),     &table<SandboxSpec>(),       &table<HookSpec>(),
      &table<GuardrailSettings>(), &table<GuardrailSpec>(), &table<InputSpec>(),         &table<Intent>(),
      &table<IntentStep>()};
  return kTables;
}

}  // namespace sennit::format
