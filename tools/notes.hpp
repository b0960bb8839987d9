// The tools `remember`, `recall` and `forget`: what a model does with the agent's memory.
#pragma once

#include <sennit/agent/registry.hpp>

#include <memory>
#include <vector>

namespace sennit {

/// The factory; it takes no options. Offered by a run whose agent has a memory.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_notes_tools(const json::object& options,
                                                                  const PartContext& context);

}  // namespace sennit
