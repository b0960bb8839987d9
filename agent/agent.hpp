// From a definition to a run: Agent -> Session -> Run.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/run.hpp>
#include <sennit/agent/runtime.hpp>
#include <sennit/agent/tool.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sennit {

class Session;

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

  struct Parts;
  explicit Agent(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  [[nodiscard]] const std::shared_ptr<const Parts>& parts() const { return parts_; }

 private:
  std::shared_ptr<const Parts> parts_;
};

/// Reads an agent file and makes the agent. Throws Error(errc::config) with file:line:col.
[[nodiscard]] Agent load(Runtime& runtime, const std::filesystem::path& file);

/// One conversation. A cheap handle: copies share. [thread-safe]
class Session {
 public:
  /// Starts a run with the person's words; it works from now on, whether or not its events are read.
  /// A session has one run at a time: while one is running the new run ends as failed with errc::busy.
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
