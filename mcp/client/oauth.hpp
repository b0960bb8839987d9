// Private: signing in to a remote server with OAuth 2.1.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/mcp_settings.hpp>
#include <sennit/mcp/client/authorizer.hpp>

#include <filesystem>
#include <memory>

namespace sennit::mcp {

/// Keeps its tokens in `state` (empty: in memory only).
[[nodiscard]] std::shared_ptr<Authorizer> make_oauth(Environment& environment, const McpServer& server,
                                                     const std::filesystem::path& state);

}  // namespace sennit::mcp
