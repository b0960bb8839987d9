// Private: The life of one tool call: checked (name, JSON, schema, policy, a person), run with a deadline, and capped;
// or told again from the journal. Whatever goes wrong with it is its result.
#pragma once

#include <sennit/agent/effects_state.hpp>

#include <optional>
#include <string>
#include <vector>

namespace sennit {

/// What came of a call: its result, for the model and the conversation, and how it stands in the journal.
struct Performed {
  ToolResult result{};
  json::array progress{};  // what it told, also where it was stopped
  bool stopped = false;    // with the run
  std::optional<Decision> decision{};
  Labels labels{};                         // of the result
  std::vector<std::string> notices{};      // of hooks that saw what it gave
  std::optional<std::string> arguments{};  // as hooks left them
};

[[nodiscard]] ToolResult failure_of(const ToolCall& call, std::string what);

/// The call as the journal keeps it.
[[nodiscard]] json::value describe_call(const ToolCall& call);

/// The whole life of one call that is done for real. Throws only what ends the run: it is cancelled, suspended, or not
/// the run that was recorded. All arguments outlive it.
[[nodiscard]] asio::awaitable<void> perform(Effects::State& state, const ToolCall& call, const std::string& effect,
                                            Performed& performed);

/// Questions and sub-agents of a call that is told: they have events of their own. All arguments outlive it.
[[nodiscard]] asio::awaitable<void> retell_inside(Effects::State& state, const ToolCall& call,
                                                  const std::string& effect);

}  // namespace sennit
