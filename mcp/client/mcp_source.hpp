// The MCP client: an entry of `mcp:` in an agent file becomes a source of tools. docs/mcp.md says what it does.
#pragma once

#include <sennit/agent/registry.hpp>
#include <sennit/agent/tool_source.hpp>

#include <memory>

namespace sennit {

/// The factory for Registry::add_mcp(). Connects to nothing yet. Throws Error(errc::config) for settings that cannot be
/// right.
[[nodiscard]] std::shared_ptr<ToolSource> make_mcp_source(const McpServer& server, const PartContext& context);

}  // namespace sennit
