// Private: what stands behind a planner's Effects.
#pragma once

#include <sennit/agent/agent_parts.hpp>
#include <sennit/agent/budget.hpp>
#include <sennit/agent/effects.hpp>
#include <sennit/agent/run_state.hpp>
#include <sennit/agent/store.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

struct Effects::State {
  /// Of a run's own agent.
  State(Run::State& of_run, Session::State& of_session);
  /// Of a sub-agent that `call_id`, the effect `effect` of `above`, asked for.
  State(State& above, const Agent::Parts& agent, const std::string& call_id, const std::string& effect);

  Run::State& run;
  Session::State& session;
  const Agent::Parts& parts;
  Store* store;                            // null: nothing is journalled
  std::shared_ptr<const Backend> backend;  // the one that select() chose
  const State* parent = nullptr;           // of a sub-agent: who delegated to it
  std::string path;                        // of this agent's events; empty for the run itself
  std::string scope;                       // prefix of this planner's effect ids; empty for the run itself
  std::uint32_t depth = 0;
  std::uint32_t levels_left;         // of sub-agents below this one: limits.depth of all that lead here
  std::optional<std::string> input;  // of the run, until it is prepared; a sub-agent is prepared by who delegates
  std::string instructions;
  std::vector<Message> conversation;
  bool keep_messages = false;  // the conversation is a session's: each message goes to the store
  Budget budget;
  std::string partial_text;  // of a completion that has not ended, or broke
  std::uint32_t next_effect = 1;

  /// The id of the effect that starts now: its place in the planner, never its time.
  [[nodiscard]] std::string new_effect() { return scope + std::to_string(next_effect++); }
  void emit(EventData data) { run.emit(path, std::move(data)); }
  void journal_start(const std::string& effect, std::string_view kind, const json::object& data);
  void journal_end(const std::string& effect, std::string_view kind, const json::object& data);
  /// Adds to the conversation, and to the store's next transaction.
  void add_message(Message message);
  [[nodiscard]] asio::awaitable<void> committed();
  /// Lets the backend choose who answers. What there is to say about the choice, if anything.
  [[nodiscard]] asio::awaitable<std::string> select_backend();
};

/// Calls tools side by side; see Effects::call_tools.
[[nodiscard]] asio::awaitable<std::vector<ToolResult>> call_tools(Effects::State& state, std::vector<ToolCall> calls);

/// Asks the person a question as an effect with the given id. Throws Error(errc::denied) where nobody answers.
[[nodiscard]] asio::awaitable<std::string> ask_question(Effects::State& state, std::string effect,
                                                        std::string question);

/// Asks whether a call may be made.
[[nodiscard]] asio::awaitable<Approval> ask_approval(Effects::State& state, std::string effect, ToolCall call,
                                                     std::string reason);

/// Runs `agent` on `task` as a child of `parent`, under the tool call that asks for it.
[[nodiscard]] asio::awaitable<Outcome> run_child(Effects::State& parent, std::shared_ptr<const Agent::Parts> agent,
                                                 std::string task, std::string call_id, std::string effect);

/// The tool calls of the last assistant message that have no result.
[[nodiscard]] std::vector<ToolCall> open_calls(const std::vector<Message>& conversation);

/// How a run that broke with `error` ends.
[[nodiscard]] Outcome outcome_of(const Effects::State& state, Error error);

/// Prepares the run, where it has an input, and runs the planner; failures, limits and cancellation become outcomes.
[[nodiscard]] asio::awaitable<void> run_planner(Effects::State& state, Outcome& outcome);

}  // namespace sennit
