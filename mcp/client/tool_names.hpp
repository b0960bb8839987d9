// Private: what a model calls the tools of a server. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace sennit::mcp {

/// SERVER_TOOL of the characters and the length that models take ([A-Za-z0-9_-]{1,64}): others become `_`, what is too
/// long ends with a digest of the whole, and what is in `taken` already gets a digest too. The same for the same input,
/// whatever else there is; adds the name to `taken`.
[[nodiscard]] std::string name_for_model(std::string_view server, std::string_view tool, std::set<std::string>& taken);

/// Whether the protocol allows it: 1 to 128 of [A-Za-z0-9_.-]. Servers in use also have `/` and blanks; control
/// characters no.
[[nodiscard]] bool is_tool_name(std::string_view name) noexcept;

/// `*` stands for anything.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view name) noexcept;

}  // namespace sennit::mcp
