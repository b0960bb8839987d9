// From a definition to a run: Agent -> Session -> Run.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/run.hpp>
#include <sennit/agent/run_record.hpp>
#include <sennit/agent/runtime.hpp>
#include <sennit/agent/tool.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sennit {

class Session;

struct ResumeOptions {
  RunOptions run{};      ///< its `inputs` are the recorded ones
  bool force = false;    ///< out of quarantine
  bool migrate = false;  ///< although the agent has changed: what was done stays, what comes is this agent's
};

struct ForkOptions {
  std::uint32_t at = 1;  ///< the first effect that is done anew
  std::string say{};     ///< said to the model before it goes on; of a fork at 1: instead of what the person said
};

/// A definition with its parts made. A cheap handle: copies share. [thread-safe]
class Agent {
 public:
  /// Makes the parts. Throws Error(errc::config, errc::not_found).
  Agent(Runtime& runtime, Definition definition);

  [[nodiscard]] const Definition& definition() const;
  /// What the model can call, in the order it is told of them; those that the policy denies included.
  [[nodiscard]] std::vector<ToolSpec> tools() const;
  /// Null if the agent has no memory.
  [[nodiscard]] const std::shared_ptr<Memory>& memory() const;
  /// The conversation with this id: kept in the store if there is one and `id` is not empty. An empty id starts a
  /// conversation that lives as long as the Session object.
  [[nodiscard]] Session session(std::string id = {}) const;

  /// Goes on with a run that was suspended, or whose program ended before it did: the planner runs again from the top,
  /// what was done answers from the journal, and the first effect that was not is done for real. The new handle tells
  /// the whole run, from its beginning. What cannot be gone on with ends as failed: errc::not_found, errc::busy (it is
  /// running), errc::invalid_argument (it has ended), errc::diverged (this agent is another one than the run's; the
  /// message shows the difference), errc::denied (quarantine).
  [[nodiscard]] Run resume(std::string run, ResumeOptions options = {}) const;
  /// Tells a recorded run again, without network, tools or store: the same events, byte for byte. Where this agent asks
  /// a model, a tool or a person something else than was recorded, the run ends as failed with errc::diverged, and the
  /// message shows effect and difference.
  [[nodiscard]] Run replay(RecordedRun recorded) const;
  /// Begins a new run as the recorded one went, up to effect `at` (of the run itself, from 1), and goes on from there
  /// for real, with this agent.
  [[nodiscard]] Run fork(RecordedRun recorded, ForkOptions fork, RunOptions options = {}) const;

  struct Parts;
  explicit Agent(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  [[nodiscard]] const std::shared_ptr<const Parts>& parts() const { return parts_; }

 private:
  std::shared_ptr<const Parts> parts_;
};

/// Reads an agent file and makes the agent. Throws Error(errc::config) with file:line:col.
[[nodiscard]] Agent load(Runtime& runtime, const std::filesystem::path& file);

/// Goes on with every run of the store that no living program works on, that waits for nobody and is not in
/// quarantine: what a program does at its start. `agent_of` gives a run's agent, or nothing to leave it alone.
[[nodiscard]] asio::awaitable<std::vector<Run>> resume_all(
    Runtime& runtime, std::function<std::optional<Agent>(const RunRecord&)> agent_of, RunOptions options = {});

/// One conversation. A cheap handle: copies share. [thread-safe]
class Session {
 public:
  /// Starts a run with the person's words; it works from now on, whether or not its events are read.
  /// A session has one run at a time: while one is running the new run waits for RunOptions::wait_for_session, in the
  /// order of start(), and then ends as failed with errc::busy.
  [[nodiscard]] Run start(std::string input, RunOptions options = {});
  [[nodiscard]] const std::string& id() const;
  /// The conversation so far (an unkept one: what this object has seen).
  [[nodiscard]] asio::awaitable<std::vector<Message>> messages() const;
  /// Takes back the last exchange (the last user message and all that followed). False if there is none.
  /// Throws Error(errc::busy) while a run has the session.
  [[nodiscard]] asio::awaitable<bool> undo();

  struct State;

 private:
  friend class Agent;
  explicit Session(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace sennit
