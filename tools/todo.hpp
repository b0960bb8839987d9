// The tool `todo`: a plan that the model keeps and the person sees while it works.
#pragma once

#include <sennit/agent/registry.hpp>

#include <memory>
#include <vector>

namespace sennit {

/// The factory; it takes no options. The list is part of the conversation and kept nowhere else.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_todo(const json::object& options, const PartContext& context);

}  // namespace sennit
