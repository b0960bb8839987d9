// The world as a planner sees it. Each awaited function is an effect: the journal has an entry when it starts and when
// it ends, and its end is on disk before another effect begins, or anybody hears of it. What the journal has of a run
// is told again, what it has not is done. From that follow resuming, replaying, forking, approvals and traces, with no
// code in the planner.
#pragma once

#include <sennit/agent/completion.hpp>
#include <sennit/agent/definition.hpp>
#include <sennit/agent/event.hpp>
#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/memory.hpp>
#include <sennit/agent/message.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sennit {

/// How one completion differs from the agent's defaults.
struct CompletionChange {
  ToolChoice tool_choice = ToolChoice::automatic;
};

/// Used by one planner, on the run's shard. Every effect throws Error(errc::cancelled) once the run is cancelled and
/// Error(errc::limit) once a limit is reached; the planner lets both pass.
class Effects {
 public:
  Effects(const Effects&) = delete;
  Effects& operator=(const Effects&) = delete;

  // ---- what the planner works on (pure) ----
  [[nodiscard]] const Definition& definition() const;
  /// The conversation, this run's input and what was said since included.
  [[nodiscard]] const std::vector<Message>& conversation() const;
  [[nodiscard]] std::uint32_t steps() const;

  // ---- effects ----
  /// Asks the model about the conversation; its deltas become events as they arrive, its message joins the
  /// conversation unless it is empty. Retries what is worth it before anything became visible.
  /// Throws Error for a failed completion.
  [[nodiscard]] asio::awaitable<Completion> complete(CompletionChange change);
  /// Calls tools side by side (bounded); one result a call, in the order of the calls, each joining the
  /// conversation. Bad JSON, schema violations, a declined approval and tool failures are results with is_error.
  [[nodiscard]] asio::awaitable<std::vector<ToolResult>> call_tools(std::vector<ToolCall> calls);
  /// Adds a message of the planner's own to the conversation (a correction for the model).
  [[nodiscard]] asio::awaitable<void> say(Message message);
  [[nodiscard]] asio::awaitable<std::vector<Note>> recall(std::string query, std::size_t limit);
  [[nodiscard]] asio::awaitable<void> remember(std::string text);
  [[nodiscard]] asio::awaitable<std::string> ask(std::string question);
  [[nodiscard]] asio::awaitable<void> sleep(milliseconds duration);
  [[nodiscard]] asio::awaitable<WallTime> now();
  [[nodiscard]] asio::awaitable<std::uint64_t> random();

  /// Tells the person something (a Notice event). Not an effect: nothing comes back.
  void notice(std::string message);

  struct State;
  explicit Effects(State& state) : state_(state) {}

 private:
  State& state_;
};

}  // namespace sennit
