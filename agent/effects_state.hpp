// Private: what stands behind a planner's Effects.
#pragma once

#include <sennit/agent/agent_parts.hpp>
#include <sennit/agent/budget.hpp>
#include <sennit/agent/effects.hpp>
#include <sennit/agent/journal.hpp>
#include <sennit/agent/policy.hpp>
#include <sennit/agent/run_state.hpp>
#include <sennit/agent/sourced_tools.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

struct Effects::State {
  /// Of a run's own agent.
  State(Run::State& of_run, Session::State& of_session, Journal& of_journal);
  /// Of a sub-agent that `call_id`, the effect `effect` of `above`, asked for.
  State(State& above, const Agent::Parts& agent, const std::string& call_id, const std::string& effect);

  Run::State& run;
  Session::State& session;
  const Agent::Parts& parts;
  Journal& journal;
  std::size_t at = 0;                      // which of the agent's models answers
  std::shared_ptr<const Backend> backend;  // what select() of that one chose; null until something is asked for real
  std::size_t backend_of = 0;              // the model that it was chosen for
  ModelInfo model;                         // its facts, or what the journal has of them
  std::vector<PolicyLayer> layers;         // what says whether a call may be made
  Labels labels;                           // of the conversation
  SourcedTools sourced;                    // tools that were found out when the agent began
  const State* parent = nullptr;           // of a sub-agent: who delegated to it
  std::string path;                        // of this agent's events; empty for the run itself
  std::string scope;                       // prefix of this planner's effect ids; empty for the run itself
  std::uint32_t depth = 0;
  std::uint32_t levels_left;         // of sub-agents below this one: limits.depth of all that lead here
  std::optional<std::string> input;  // of the run, until it is prepared; a sub-agent is prepared by who delegates
  std::string say;                   // of a fork: said before the first completion that is asked for real
  std::string opening_notice;        // for the person
  std::string instructions;
  std::vector<Message> conversation;
  std::size_t conversation_bytes = 0;           // of its texts
  std::string conversation_digest;              // of all its messages, where a journal is kept or told
  bool images = false;                          // some message holds one
  bool escalated = false;                       // the cheap model has handed over
  bool keep_messages = false;                   // the conversation is a session's: each message goes to the store
  std::int64_t next_position = 0;               // in the session, of the next message
  std::set<std::string, std::less<>> call_ids;  // of the conversation's calls
  Budget budget;
  std::string partial_text;  // of a completion that has not ended, or broke
  std::string said_apart;    // to a person whose input was refused; no part of the conversation
  std::uint32_t next_effect = 1;
  // Events that wait for a commit, and all that come after them. A last step, and the end that nearly always follows
  // it, share one.
  std::vector<EventData> held;

  [[nodiscard]] const Agent::Parts::ToolEntry* find_tool(std::string_view name) const;
  /// What the model is told it can call.
  [[nodiscard]] const std::vector<ToolDescription>& descriptions() const;

  /// The id of the effect that starts now: its place in the planner, never its time.
  [[nodiscard]] std::string new_effect() { return scope + std::to_string(next_effect++); }
  void emit(EventData data);
  /// emit(), once the next commit has brought to the disk what the event tells of.
  void hold(EventData data) { held.push_back(std::move(data)); }
  /// For the person; not before what it may come from is on disk.
  void notify(std::string message);
  /// Of a call at work: what runs beside it has a lane of its own.
  void emit(const std::string& lane, EventData data) { run.emit(lane, {path, std::move(data)}); }
  [[nodiscard]] WallTime wall_now() const { return run.environment->wall_now(); }
  /// The run stops here, to be resumed: what is under way stays open in the journal.
  [[nodiscard]] bool leaving() const { return run.suspending; }
  [[nodiscard]] bool journals() const { return journal.kept() || journal.replaying(); }

  /// What the journal has of an effect that has ended. Null: it is to be done for real, now. Throws what ended the run
  /// that is replayed where its journal ends, and Error(errc::diverged).
  [[nodiscard]] const Recorded* told(const std::string& effect, std::string_view kind, const json::value& in);
  /// What is told ends here: from now on things are done.
  void go_live();
  /// told(), and what the effect threw is thrown again.
  [[nodiscard]] const json::value* answered(const std::string& effect, std::string_view kind, const json::value& in);
  /// What ended the planner whose effects the journal holds.
  [[nodiscard]] Error end_of_record(const std::string& effect, std::string_view kind) const;
  /// What an effect threw, as it was recorded.
  [[nodiscard]] Error error_of(const std::string& effect, const Recorded& recorded) const;
  /// An effect that can be done again: from the journal, or by `work`, whose result is recorded.
  [[nodiscard]] asio::awaitable<json::value> perform(std::string kind, json::value in,
                                                     asio::awaitable<json::value> work);

  /// Adds to the conversation; not to the store: the entry of the effect that it comes from brings it there.
  void adopt(Message message);
  /// Adds to the conversation, and to the store's next transaction.
  void add_message(Message message);
  /// Where the store is to keep `message`, at the conversation's end: null where it keeps none.
  [[nodiscard]] const Message* kept(const Message& message) const { return keep_messages ? &message : nullptr; }
  [[nodiscard]] asio::awaitable<void> committed() { return journal.committed(); }
  /// committed(), whatever cancels the run meanwhile: the cancellation is for what comes next. REQUIRES:
  /// throw_if_cancelled is off; it is on again afterwards.
  [[nodiscard]] asio::awaitable<void> committed_for_certain();
  /// Before another effect begins: what is held is told, once it is on disk.
  [[nodiscard]] asio::awaitable<void> settle();
  /// Tells what was held. REQUIRES: it is on disk.
  void release();
  /// Why limits.cost does not count the model that answers, for the person; empty: it does, or there is none.
  [[nodiscard]] std::string uncounted_cost() const;
  /// Lets the backend choose who answers, unless that was done. What there is to say about the choice, if anything.
  [[nodiscard]] asio::awaitable<std::string> select_backend();
};

/// What was said, whatever is known of where it came from.
[[nodiscard]] json::value without_labels(const Message& message);

/// Calls tools side by side; see Effects::call_tools.
[[nodiscard]] asio::awaitable<std::vector<ToolResult>> call_tools(Effects::State& state, std::vector<ToolCall> calls);

/// Asks the person a question as an effect with the given id. Throws Error(errc::denied) where nobody answers.
[[nodiscard]] asio::awaitable<std::string> ask_question(Effects::State& state, std::string effect, std::string lane,
                                                        std::string question);

/// Asks whether a call may be made. Nothing: nobody answered in time.
[[nodiscard]] asio::awaitable<std::optional<Approval>> ask_approval(Effects::State& state, std::string effect,
                                                                    std::string lane, ToolCall call,
                                                                    std::string reason);

/// Asks what became of a call that was under way when the program ended: "done", "done: WORDS", "not done", "abort".
[[nodiscard]] asio::awaitable<std::string> ask_doubt(Effects::State& state, std::string effect, std::string lane,
                                                     ToolCall call);

/// Runs `agent` on `task` as a child of `parent`, under the tool call that asks for it.
[[nodiscard]] asio::awaitable<Outcome> run_child(Effects::State& parent, std::shared_ptr<const Agent::Parts> agent,
                                                 std::string task, std::string call_id, std::string effect);

/// How a run that broke with `error` ends.
[[nodiscard]] Outcome outcome_of(const Effects::State& state, Error error);

/// The model that was chosen, as the journal keeps it.
[[nodiscard]] json::value describe_model(const ModelInfo& model, const std::string& notice);
[[nodiscard]] ModelInfo model_of(const json::value& out);

/// Everything before the planner: cancellable like the planner itself.
[[nodiscard]] asio::awaitable<void> prepare(Effects::State& state, std::string input);

/// Prepares the run, where it has an input, and runs the planner; failures, limits and cancellation become outcomes.
[[nodiscard]] asio::awaitable<void> run_planner(Effects::State& state, Outcome& outcome);

}  // namespace sennit
