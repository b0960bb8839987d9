// A run, as its caller sees it: a pulled stream of events with one terminal event, and an outcome.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/event.hpp>
#include <sennit/agent/io/asio.hpp>

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sennit {

/// What happens where the policy says `ask`.
enum class Approvals {
  ask,    ///< ApprovalRequested, then wait for Run::approve
  allow,  ///< as if the person always agreed
  deny,   ///< as if the person always declined (and questions cannot be asked)
};

enum class Approval { once, always, never };  ///< always: for this tool in this session

struct RunOptions {
  Approvals approvals = Approvals::ask;
  /// Whether somebody is there to answer questions (ToolContext::ask); false declines them at once.
  bool questions = true;
  /// How long a question or an approval may stay open before it counts as declined.
  milliseconds answer_timeout{600'000};
  /// Values for the definition's `inputs`.
  std::map<std::string, json::value> inputs{};
  /// Bytes of unread events after which the run waits for its reader.
  std::size_t event_buffer = 256ULL << 10U;
};

/// The handle of a run. Movable; destroying it cancels the run. next(), wait() and outcome() belong to one caller at
/// a time; cancel, approve and answer are [thread-safe].
class Run {
 public:
  Run(Run&&) noexcept;
  Run& operator=(Run&&) noexcept;
  ~Run();

  /// The events that have arrived, at least one; nothing after the RunFinished event was delivered. Adjacent deltas
  /// of a slow reader come merged. The span is valid until the next call. May be awaited on any executor whose
  /// context outlives the Runtime: its threads hand the events over. Cancellation: terminal; cancels the run.
  [[nodiscard]] asio::awaitable<std::optional<std::span<const Event>>> next();
  /// Reads to the end, drops the events, gives the outcome.
  [[nodiscard]] asio::awaitable<Outcome> wait();
  /// REQUIRES: RunFinished was delivered.
  [[nodiscard]] const Outcome& outcome() const;

  /// Stops everything that the run started: its stream, tools, child processes, sub-agents. The run still ends with
  /// one RunFinished event, and the conversation stays well-formed.
  void cancel(std::string reason = "cancelled");
  /// Settles ApprovalRequested{id}. An id that is not open is ignored.
  void approve(const std::string& id, Approval approval);
  /// Settles QuestionAsked{id}. An id that is not open is ignored.
  void answer(const std::string& id, std::string text);

  [[nodiscard]] const std::string& id() const;

  struct State;
  explicit Run(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
  std::optional<Outcome> outcome_;
};

}  // namespace sennit
