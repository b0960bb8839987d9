// The tool `ask`: the model asks the person.
#pragma once

#include <sennit/agent/registry.hpp>

#include <memory>
#include <vector>

namespace sennit {

/// The factory; it takes no options. The tool waits as long as the run lets it (RunOptions::answer_timeout).
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_ask_tools(const json::object& options,
                                                                const PartContext& context);

}  // namespace sennit
