// The tool `code`: runs a piece of Python or JavaScript, shut into a sandbox of its own.
//
//   tools:
//     - code
//     - code: { read: [data], memory: 2G }
//
// Each call begins afresh: nothing is kept from one to the next but what it writes to its folders.
#pragma once

#include <sennit/agent/registry.hpp>

#include <memory>
#include <vector>

namespace sennit {

/// The factory. Options as those of `shell`.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_code(const json::object& options, const PartContext& context);

}  // namespace sennit
