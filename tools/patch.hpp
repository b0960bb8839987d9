// The tool `patch`: applies a unified diff to files in the agent's folders, all of it or nothing.
//
//   tools:
//     - patch: { roots: [src] }
#pragma once

#include <sennit/agent/registry.hpp>
#include <sennit/tools/files_access.hpp>

#include <memory>
#include <vector>

namespace sennit {

[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_patch(files::Access access);

/// The factory. Options: roots, trusted, private. What `files` does not write is not patched either.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_patch_tools(const json::object& options,
                                                                  const PartContext& context);

}  // namespace sennit
