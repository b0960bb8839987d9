// The tool `calculator`: models are bad at arithmetic, this is exact (expression.hpp).
#pragma once

#include <sennit/agent/registry.hpp>

#include <memory>
#include <vector>

namespace sennit {

/// The factory of `calculator`. It takes no options: Error(errc::config) naming the first one given.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_calculator(const json::object& options,
                                                                 const PartContext& context);

}  // namespace sennit
