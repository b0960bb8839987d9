// A planner without a model: it makes the one call that its input describes, under the agent's policy and in its
// journal like any other, and its answer is the call's result. For whoever calls an agent's tools from outside.
#pragma once

#include <sennit/agent/registry.hpp>

#include <memory>
#include <optional>
#include <string>

namespace sennit {

/// PlannerFactory of `one-call`. Takes no options.
[[nodiscard]] std::shared_ptr<const Planner> make_one_call(const json::object& options, const PartContext& context);

/// The input of a run that calls `tool`.
[[nodiscard]] std::string one_call_input(const std::string& tool, const json::object& arguments);

/// How the call ended, from the run's outcome: its result, or nothing if the run did not get that far.
struct OneCallResult {
  std::string content;
  bool is_error = false;
};
[[nodiscard]] std::optional<OneCallResult> one_call_result(const Outcome& outcome);

}  // namespace sennit
