// Private: an agent's parts, made once and shared by its runs; and what a session keeps between them.
#pragma once

#include <sennit/agent/agent.hpp>
#include <sennit/agent/guardrail.hpp>
#include <sennit/agent/hook.hpp>
#include <sennit/agent/memory.hpp>
#include <sennit/agent/model_gate.hpp>
#include <sennit/agent/planner.hpp>
#include <sennit/agent/policy.hpp>
#include <sennit/agent/schema/validate.hpp>
#include <sennit/agent/tool.hpp>
#include <sennit/agent/tool_source.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

struct Agent::Parts {
  /// A model that may answer.
  struct Candidate {
    ModelSpec spec;
    std::shared_ptr<const Backend> backend;
    std::shared_ptr<ModelGate> gate;
  };

  struct ToolEntry {
    std::shared_ptr<Tool> tool;
    Validator arguments;
  };

  /// Shared, because with a borrowed loop the runs of a Runtime may outlive it.
  std::shared_ptr<Runtime::State> runtime;
  Definition definition;
  std::string digest;                                    // of `pin`
  json::value pin;                                       // what a run of this agent is bound to: see pin.hpp
  std::map<std::string, json::value, std::less<>> pins;  // by digest: its own, and those of all its sub-agents
  std::vector<Candidate> models;  // the agent's own, its fallbacks, then those that only routes lead to
  std::shared_ptr<const Planner> planner;
  std::shared_ptr<Memory> memory;             // null: none
  std::vector<ToolEntry> tools;               // in the order of the definition: the prompt's prefix must be stable
  std::vector<ToolDescription> descriptions;  // of the tools that policy does not deny
  std::vector<std::shared_ptr<ToolSource>> sources;
  std::vector<std::shared_ptr<Hook>> hooks;           // its own
  std::vector<std::shared_ptr<Hook>> registry_hooks;  // of all agents
  Guardrails guardrails;
  std::optional<Validator> output;

  [[nodiscard]] const ToolEntry* find_tool(std::string_view name) const;
};

struct Session::State {
  std::shared_ptr<const Agent::Parts> parts;
  std::string id;  // empty: kept in memory only

  std::mutex mutex;
  std::vector<Message> messages;         // guarded; of a session that the store does not keep
  std::vector<std::size_t> run_starts;   // guarded; where in `messages` each run began
  std::set<std::string> always_allowed;  // guarded; AGENT-DIGEST/TOOL/RULE that a person allowed for good
  bool running = false;                  // guarded; for sessions without an id

  [[nodiscard]] bool kept() const;
  /// Its name among the sessions in memory.
  [[nodiscard]] std::string address() const;
};

}  // namespace sennit
