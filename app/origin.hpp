// Where the agent of a run came from, and how it is found again: what a run keeps as its origin.
//
//   {"file":"/home/mei/agent.yaml","relative":"../agent.yaml","model":"scripted","set":["limits.steps=5"]}
//   {"builtin":"assistant"}
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/run_record.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace sennit::app {

struct AgentSource {
  std::filesystem::path file;         ///< empty: Sennit's own assistant
  std::string model;                  ///< instead of the file's; empty: that one
  std::vector<std::string> settings;  ///< KEY=VALUE, over the file's
};

[[nodiscard]] json::object origin_of(const AgentSource& source);

/// The agent with its settings; another model has of the file's only what choose_model() leaves it.
/// Throws Error(errc::config, errc::not_found, errc::invalid_argument).
[[nodiscard]] Definition read_agent(const AgentSource& source);

/// The agent of a run that was kept; of one that was exported to `run_file`, also where it has moved with that file.
/// `agent`, if it is not empty, is its agent file instead. Throws Error(errc::invalid_argument) where nothing says.
[[nodiscard]] AgentSource source_of(const RunRecord& record, const std::filesystem::path& agent,
                                    const std::filesystem::path& run_file = {});

/// Lets the run of an exported file find its agent from there, wherever both are moved to.
void make_movable(RunRecord& record, const std::filesystem::path& run_file);

/// Of a run that is taken in from a file: its agent is where that file finds it.
void settle_here(RunRecord& record, const std::filesystem::path& run_file);

}  // namespace sennit::app
