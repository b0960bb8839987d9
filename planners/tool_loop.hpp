// The planner that most agents use: ask the model, do what it calls, tell it, until it answers.
#pragma once

#include <sennit/agent/registry.hpp>

#include <memory>

namespace sennit {

/// PlannerFactory of `tool-loop`. Takes no options.
[[nodiscard]] std::shared_ptr<const Planner> make_tool_loop(const json::object& options, const PartContext& context);

}  // namespace sennit
