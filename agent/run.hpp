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
#include <string_view>
#include <vector>

namespace sennit {

/// What happens where the policy says `ask`.
enum class Approvals {
  ask,      ///< ApprovalRequested, then wait for Run::approve
  allow,    ///< as if the person always agreed
  deny,     ///< as if the person always declined (and questions cannot be asked)
  suspend,  ///< nobody is here now: the run ends as suspended, and goes on with Agent::resume() once it was answered
};

enum class Approval { once, always, never };  ///< always: for this tool in this session

[[nodiscard]] std::string_view to_string(Approval approval) noexcept;

struct RunOptions {
  Approvals approvals = Approvals::ask;
  /// Whether somebody is there to answer questions (ToolContext::ask); false declines them at once.
  bool questions = true;
  /// How long a question or an approval may stay open, while the run waits for it, before it counts as declined.
  milliseconds answer_timeout{600'000};
  /// How long after it was asked an answer may be used that came through the store.
  std::chrono::hours answer_validity{7 * 24};
  /// How long to queue for a session that has a run; zero: the run ends as failed with errc::busy at once.
  milliseconds wait_for_session{0};
  /// Values for the definition's `inputs`.
  std::map<std::string, json::value> inputs{};
  /// Images and other files that belong to the input, for models that take them.
  std::vector<Blob> attachments{};
  /// Of the input: text that the caller had from elsewhere ({.untrusted = {"mail"}}).
  Labels labels{};
  /// What the rules of `model.route` may ask for.
  std::vector<std::string> tags{};
  /// Kept with the run, for whoever resumes it: how to make its agent again ({"file":"assistant.yaml"}).
  json::object origin{};
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
  /// Stops this answer: what the model is saying ends here, a tool that is at work may finish, nothing more begins.
  /// The run ends as cancelled.
  void stop_answer(std::string reason = "stopped");
  /// Stops where it is, to be resumed: the run ends as suspended. A run that is not journalled is cancelled.
  void suspend(std::string reason = "suspended");
  /// The reader leaves, the run works on, unread, until it ends or its Runtime shuts down. The handle is empty then:
  /// it may be destroyed or assigned to, no more.
  void detach();
  /// Settles ApprovalRequested{id}. An id that is not open is ignored.
  void approve(const std::string& id, Approval approval);
  /// Settles QuestionAsked{id} or InDoubt{id}. An id that is not open is ignored.
  void answer(const std::string& id, std::string text);

  [[nodiscard]] const std::string& id() const;

  struct State;
  explicit Run(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
  std::optional<Outcome> outcome_;
};

}  // namespace sennit
