// What an agent is, as data: the same whether it came from a YAML file or from C++.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/hook_settings.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/agent/mcp_settings.hpp>
#include <sennit/agent/policy_settings.hpp>
#include <sennit/agent/secret.hpp>
#include <sennit/agent/usage.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// When a completion that failed is asked again.
struct RetrySettings {
  std::uint32_t attempts = 4;    ///< in all
  milliseconds delay{500};       ///< before the second; it doubles from there
  milliseconds longest{30'000};  ///< a longer Retry-After is not waited for
  bool after_output = false;     ///< also where a part of the answer was shown: it begins anew
  std::uint32_t failures = 5;    ///< in a row after which the model is left alone; 0: never
  milliseconds pause{30'000};    ///< for so long; then one completion tries it
  friend bool operator==(const RetrySettings&, const RetrySettings&) = default;
};

/// What a key may be used for. Zero: no limit.
struct RateLimits {
  std::uint32_t requests = 0;    ///< a minute
  std::int64_t tokens = 0;       ///< a minute, read and written
  std::uint32_t concurrent = 0;  ///< completions at once
  friend bool operator==(const RateLimits&, const RateLimits&) = default;
};

/// Which model answers where something holds of the step. All conditions that are given must.
struct RouteRule {
  std::string model;                          ///< "provider/model"
  std::optional<std::int64_t> longer_than{};  ///< tokens of the prompt, estimated
  std::optional<std::int64_t> shorter_than{};
  std::optional<bool> images{};               ///< the conversation holds some
  std::optional<bool> tools{};                ///< the step may call some
  std::string tag{};                          ///< of the run: RunOptions::tags
  std::optional<double> budget_left_below{};  ///< share of limits.cost or limits.tokens that is left, 0 to 1
  friend bool operator==(const RouteRule&, const RouteRule&) = default;
};

/// When a cheap model hands over, for the rest of the run.
struct Escalation {
  std::string to;             ///< "provider/model" that takes over; empty: nobody
  bool on_schema = true;      ///< its answer does not fit the output schema
  bool on_tool_error = true;  ///< a call that it made failed
  bool on_doubt = true;       ///< it says itself that it is not sure
  friend bool operator==(const Escalation&, const Escalation&) = default;
};

struct RouteSettings {
  std::vector<RouteRule> rules;  ///< the first that holds counts; none: the model itself
  Escalation escalate;
  friend bool operator==(const RouteSettings&, const RouteSettings&) = default;
};

struct ModelSpec {
  std::string name = "auto";  ///< "provider/model", "auto", "scripted"
  std::string api;            ///< "chat-completions", "responses" …; empty: the model's, else the provider's usual one
  std::string base_url;       ///< empty: the provider's own
  Secret api_key;             ///< empty: the provider's own environment variable
  CompletionOptions options;
  std::optional<Prices> prices;
  std::optional<bool> split_think;   ///< split <think> text into reasoning; absent: by provider and model
  std::string reasoning_replay;      ///< "never", "within_turn", "always"; empty: by model
  std::optional<bool> strict_tools;  ///< ask the provider to enforce tool schemas
  std::optional<bool> stream;        ///< false: a server that cannot stream
  std::map<std::string, std::string> headers;
  std::string proxy;    ///< URL of an HTTP or SOCKS proxy; empty: none, whatever the environment says
  std::string ca_file;  ///< PEM file of the authorities to trust instead of the system's; relative to the agent file
  milliseconds connect_timeout{10'000};
  milliseconds first_token_timeout{300'000};
  milliseconds idle_timeout{120'000};
  milliseconds total_timeout{3'600'000};  ///< of one completion, whatever keeps coming
  RetrySettings retry;
  RateLimits rate;
  std::vector<ModelSpec> fallback;  ///< asked in this order where the model fails
  RouteSettings route;
  friend bool operator==(const ModelSpec&, const ModelSpec&) = default;
};

/// One entry of `tools:`: a name, and options for the tool's factory.
struct ToolSelection {
  std::string name;
  json::object options;
  friend bool operator==(const ToolSelection&, const ToolSelection&) = default;
};

/// One entry of `agents:`: another agent that this one may hand tasks to.
struct SubAgent {
  std::string name;            ///< the tool's name for the model; empty: the file's own name
  std::filesystem::path file;  ///< relative to the file that names it
  std::string description;     ///< empty: the file's own description
  friend bool operator==(const SubAgent&, const SubAgent&) = default;
};

struct MemorySettings {
  bool enabled = false;
  std::string kind = "notes";
  std::string space;         ///< notes are kept apart by space; empty: the agent's name
  bool recall = true;        ///< put the notes that match the input before the model
  bool confidential = true;  ///< notes are private: see FlowSettings
  std::size_t recall_limit = 5;
  friend bool operator==(const MemorySettings&, const MemorySettings&) = default;
};

/// Zero means no limit, except where a default is given.
struct RunLimits {
  std::uint32_t steps = 50;
  std::uint32_t tool_calls = 200;
  std::int64_t tokens = 0;
  double cost = 0;
  milliseconds time{0};
  milliseconds tool_time{0};  ///< shortens the timeouts of tools; a tool that has none keeps none
  std::uint32_t repeats = 3;  ///< stop at so many same calls in a row; below 2: never
  std::uint32_t repairs = 2;  ///< times that a model may mend an answer that does not fit `output`
  std::uint32_t depth = 4;    ///< of sub-agents
  /// Bytes of tool schemas beyond which tools of `mcp` are shown to the model only when it looks for them; 0: never.
  std::size_t tool_schemas = 48ULL << 10U;
  std::uint32_t parallel_tool_calls = 8;
  friend bool operator==(const RunLimits&, const RunLimits&) = default;
};

/// A value the caller gives at start; `{name}` in the instructions becomes it.
struct InputSpec {
  std::string name;
  std::string type = "string";  ///< string, number, boolean
  std::string description;
  bool required = false;
  json::value fallback;  ///< the default; null: none
  friend bool operator==(const InputSpec&, const InputSpec&) = default;
};

/// One step of an intent: call a tool, and take more captures out of its result.
struct IntentStep {
  std::string call;       ///< tool name
  json::object with;      ///< arguments; `{capture}` in strings is replaced
  std::string take;       ///< a pattern that the result must match, giving more captures; empty: none
  std::string otherwise;  ///< said where `take` does not match or the tool fails; empty: a default sentence
  friend bool operator==(const IntentStep&, const IntentStep&) = default;
};

/// What the scripted backend understands: patterns, what to do, and how to say it.
struct Intent {
  std::vector<std::string> match;
  std::vector<IntentStep> steps;
  std::string say;
  friend bool operator==(const Intent&, const Intent&) = default;
};

struct Definition {
  std::string name = "agent";
  std::string description;
  ModelSpec model;
  std::string instructions;
  std::vector<ToolSelection> tools;
  std::vector<McpServer> mcp;
  std::vector<SubAgent> agents;
  MemorySettings memory;
  std::string planner = "tool-loop";
  json::object planner_options;
  RunLimits limits;
  PolicySettings policy;
  std::vector<HookSpec> hooks;
  GuardrailSettings guardrails;
  std::vector<InputSpec> inputs;
  std::optional<json::object> output;  ///< JSON Schema of the answer
  std::vector<Intent> intents;
  std::filesystem::path file;  ///< where it came from; empty for C++
  friend bool operator==(const Definition&, const Definition&) = default;

  /// What relative paths in it are relative to.
  [[nodiscard]] std::filesystem::path directory() const;
};

/// A place in an agent file: line and column (characters) from 1.
struct Position {
  int line = 0;
  int column = 0;
  friend bool operator==(const Position&, const Position&) = default;
};

/// One thing wrong in an agent file.
struct Diagnostic {
  enum class Severity { error, warning };
  Severity severity = Severity::error;
  int line = 0;    ///< from 1
  int column = 0;  ///< from 1
  std::string message;
  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

struct ParsedDefinition {
  /// Where there are errors: without what is wrong. An entry of a list that is wrong leaves an empty one in its place.
  Definition definition;
  std::vector<Diagnostic> diagnostics;  ///< by place
  /// Where each value stands, by its path: "limits.steps", "tools[1]", "agents[0].file". For checks that need more
  /// than the file, such as the names in a registry.
  std::map<std::string, Position, std::less<>> positions;
  [[nodiscard]] bool ok() const;
};

/// Reads an agent file's text and reports everything wrong with it at once. `file` is for messages and relative paths.
[[nodiscard]] ParsedDefinition parse_definition(std::string_view yaml, const std::filesystem::path& file = {});

/// The same for a file. Throws Error(errc::not_found) or Error(errc::io) where there is nothing to read.
[[nodiscard]] ParsedDefinition parse_definition_file(const std::filesystem::path& file);

/// Reads an agent file. Throws Error(errc::config) at file:line:col, listing every error, and Error(errc::not_found)
/// or Error(errc::io) where there is nothing to read.
[[nodiscard]] Definition read_definition(const std::filesystem::path& file);

struct ParsedPolicy {
  PolicySettings policy;
  std::vector<Diagnostic> diagnostics;
};

/// Reads what a deployment allows all agents (RuntimeOptions::policy): a YAML map with the keys of `policy`.
[[nodiscard]] ParsedPolicy parse_policy(std::string_view yaml);
/// The same from a file. Throws Error(errc::config) at file:line:col, Error(errc::not_found), Error(errc::io).
[[nodiscard]] PolicySettings read_policy(const std::filesystem::path& file);

/// The JSON Schema of the format, from the table that parses it.
[[nodiscard]] json::object definition_schema();

/// The reference of the format (Markdown), from the same table: docs/agents.md.
[[nodiscard]] std::string definition_reference();

/// Its settings as the agent file has them, keys sorted; literal secrets stand as `***`.
[[nodiscard]] json::value describe(const Definition& definition);

/// A stable digest (hex SHA-256) of what determines the agent's behaviour.
[[nodiscard]] std::string digest(const Definition& definition);

/// `FILE:LINE:COL: error: MESSAGE`
[[nodiscard]] std::string format_diagnostic(const std::filesystem::path& file, const Diagnostic& diagnostic);

}  // namespace sennit
