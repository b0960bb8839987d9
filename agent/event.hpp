// The one thing that flows. A backend yields the first group; a run adds the second. What the terminal draws, the
// journal keeps and the tests assert are these structs, with the same names in JSON.
#pragma once

#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/agent/labels.hpp>
#include <sennit/agent/message.hpp>
#include <sennit/agent/policy_settings.hpp>
#include <sennit/agent/usage.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sennit {

// ---- what a token stream yields ----

struct TextDelta {
  std::string text;
  friend bool operator==(const TextDelta&, const TextDelta&) = default;
};

struct ReasoningDelta {
  std::string text;
  json::value opaque;  ///< set on the delta that carries the provider's signature or opaque block
  friend bool operator==(const ReasoningDelta&, const ReasoningDelta&) = default;
};

/// A model's own words for not answering, where the provider sends them apart from the text.
struct RefusalDelta {
  std::string text;
  friend bool operator==(const RefusalDelta&, const RefusalDelta&) = default;
};

/// A piece of a tool call. `call` numbers the calls of one completion from 0; deltas of several calls may interleave.
struct ToolCallDelta {
  std::uint32_t call = 0;
  std::string id;                        ///< set on the delta that brings it
  std::string name;                      ///< set on the delta that brings it
  std::optional<std::string> arguments;  ///< to append; absent where the delta carries none
  bool whole = false;                    ///< `arguments` is a complete JSON document (the wire had an object)
  friend bool operator==(const ToolCallDelta&, const ToolCallDelta&) = default;
};

/// Counts so far; a later one replaces an earlier one of the same completion.
struct UsageUpdate {
  Usage usage;
  friend bool operator==(const UsageUpdate&, const UsageUpdate&) = default;
};

enum class StopReason { stop, length, tool_calls, content_filter, refusal, other };

/// Terminal: the completion ended as it should.
struct Finished {
  StopReason reason = StopReason::stop;
  std::string provider_reason;  ///< verbatim, empty where the server sent none
  friend bool operator==(const Finished&, const Finished&) = default;
};

/// Terminal: the completion broke. What had arrived before stays valid.
struct Failed {
  Error error;
  friend bool operator==(const Failed&, const Failed&) = default;
};

// ---- what a run adds ----

struct RunStarted {
  std::string run;
  std::string session;  ///< empty for a run without a kept conversation
  std::string agent;
  std::string model;
  friend bool operator==(const RunStarted&, const RunStarted&) = default;
};

/// One turn of the model begins. Steps count from 1.
struct StepStarted {
  std::uint32_t step = 0;
  friend bool operator==(const StepStarted&, const StepStarted&) = default;
};

struct StepFinished {
  std::uint32_t step = 0;
  StopReason reason = StopReason::stop;
  Usage usage;  ///< of this step
  friend bool operator==(const StepFinished&, const StepFinished&) = default;
};

struct ToolStarted {
  ToolCall call;
  friend bool operator==(const ToolStarted&, const ToolStarted&) = default;
};

struct ToolProgress {
  std::string call_id;
  std::string text;
  friend bool operator==(const ToolProgress&, const ToolProgress&) = default;
};

struct ToolFinished {
  ToolResult result;
  std::chrono::microseconds duration{0};
  friend bool operator==(const ToolFinished&, const ToolFinished&) = default;
};

/// Whether a call may be made, and the rule that decided; before it is made, or a person is asked.
struct PolicyDecided {
  std::string call_id;
  std::string tool;
  Verdict verdict = Verdict::allow;
  std::string rule;  ///< "policy.ask: http_*", "it only reads"
  friend bool operator==(const PolicyDecided&, const PolicyDecided&) = default;
};

/// The run waits for Run::approve(id, …).
struct ApprovalRequested {
  std::string id;
  ToolCall call;
  std::string reason;  ///< the rule that asks
  friend bool operator==(const ApprovalRequested&, const ApprovalRequested&) = default;
};

/// The run waits for Run::answer(id, …).
struct QuestionAsked {
  std::string id;
  std::string question;
  friend bool operator==(const QuestionAsked&, const QuestionAsked&) = default;
};

/// After a crash: the call was under way, and a repeat is not harmless. The run waits for Run::answer(id, …) with
/// "done", "not done" or "abort"; what follows "done: " is taken as the call's result.
struct InDoubt {
  std::string id;
  ToolCall call;
  friend bool operator==(const InDoubt&, const InDoubt&) = default;
};

struct MemoryRecalled {
  std::vector<std::string> notes;
  friend bool operator==(const MemoryRecalled&, const MemoryRecalled&) = default;
};

/// A sub-agent starts on a task; its own events follow with its path.
struct Delegated {
  std::string agent;
  std::string task;
  friend bool operator==(const Delegated&, const Delegated&) = default;
};

/// From here on another model answers.
struct ModelChosen {
  std::string model;   ///< "provider/model"
  std::string reason;  ///< "the conversation is longer than 50000 tokens", "deepseek/deepseek-flash failed: …"
  friend bool operator==(const ModelChosen&, const ModelChosen&) = default;
};

/// A completion failed and is tried again. What it had shown of its answer, if anything, is void.
struct Retried {
  std::uint32_t attempt = 0;  ///< the one that comes next, from 2
  std::chrono::milliseconds delay{0};
  Error error;
  friend bool operator==(const Retried&, const Retried&) = default;
};

/// Something a person should know: which model was picked, that an output was spilt, that a limit is near.
struct Notice {
  std::string message;
  friend bool operator==(const Notice&, const Notice&) = default;
};

/// How a run can end. A closed list.
enum class Ending {
  completed,  ///< the model answered
  refused,    ///< the model or the provider declined to answer
  truncated,  ///< the answer was cut at the output limit
  limit,      ///< a limit of the run was reached; `detail` names it
  cancelled,  ///< stopped; `detail` is the reason
  failed,     ///< `error` says why
  suspended,  ///< not over: it can be resumed; `detail` says what it waits for
};

struct Outcome {
  Ending ending = Ending::completed;
  std::string text;    ///< the final answer (also what had been written when a run was cut short)
  json::value output;  ///< the answer as JSON where the agent declares an output schema, else null
  std::string detail;
  std::optional<Error> error;
  Usage usage;
  std::optional<Cost> cost;  ///< where the model's prices are known
  std::uint32_t steps = 0;
  std::uint32_t tool_calls = 0;
  std::chrono::microseconds duration{0};
  Labels labels{};  ///< of what the answer is made of
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Terminal, exactly one a run, the last event.
struct RunFinished {
  Outcome outcome;
  friend bool operator==(const RunFinished&, const RunFinished&) = default;
};

using EventData =
    std::variant<TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta, UsageUpdate, Finished, Failed, RunStarted,
                 StepStarted, StepFinished, ToolStarted, PolicyDecided, ToolProgress, ToolFinished, ApprovalRequested,
                 QuestionAsked, InDoubt, MemoryRecalled, Delegated, ModelChosen, Retried, Notice, RunFinished>;

struct Event {
  /// Which agent speaks: empty for the run itself, else the tool calls that lead to the sub-agent ("call_1/call_4").
  std::string path;
  EventData data;
  friend bool operator==(const Event&, const Event&) = default;
};

[[nodiscard]] std::string_view to_string(StopReason reason) noexcept;
[[nodiscard]] std::optional<StopReason> parse_stop_reason(std::string_view name) noexcept;
[[nodiscard]] std::string_view to_string(Ending ending) noexcept;
[[nodiscard]] std::string_view to_string(Verdict verdict) noexcept;
[[nodiscard]] std::optional<Verdict> parse_verdict(std::string_view name) noexcept;

/// The event's name in JSON: "text", "reasoning", "tool_started" …
[[nodiscard]] std::string_view name_of(const EventData& data) noexcept;

/// {"event":"tool_started","path":"…"?,"call":{…}}: flat, one object an event, fields named as in the structs.
/// event_from_json throws Error(errc::invalid_argument) on what it does not know.
[[nodiscard]] json::value to_json(const Event& event);
[[nodiscard]] Event event_from_json(const json::value& value);
[[nodiscard]] json::value to_json(const Outcome& outcome);
[[nodiscard]] json::value to_json(const Error& error);
/// Both take what to_json gave; what is missing gets its default.
[[nodiscard]] Outcome outcome_from_json(const json::value& value);
[[nodiscard]] Error error_from_json(const json::value& value);

/// Appends `event` to `events`, merging it into the last one where both are deltas of the same kind, path and call.
void append_merged(std::vector<Event>& events, Event event);

}  // namespace sennit
