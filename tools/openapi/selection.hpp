// Private: Which operations of a document become tools, and what these are called.
#pragma once

#include <sennit/tools/openapi/operations.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sennit::openapi {

inline constexpr std::size_t kMaxTools = 128;  ///< of one entry: providers take no more, and models choose badly before

/// The operations that `wanted` names: by `operationId`, by "METHOD /path", or by a pattern of either with `*`. In the
/// document's order. One that a pattern matches and that cannot be a tool (it takes a file) is left out; one that is
/// named is refused. Throws Error(errc::config) with the nearest name for what matches nothing.
[[nodiscard]] std::vector<Operation> select(const Document& document, const std::vector<std::string>& wanted);

/// A tool's name: the operation's id, or its method and path, behind `prefix`. `taken` grows by it.
[[nodiscard]] std::string tool_name(const Operation& operation, std::string_view prefix,
                                    std::vector<std::string>& taken);

}  // namespace sennit::openapi
