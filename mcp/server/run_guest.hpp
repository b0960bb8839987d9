// Private: a run on behalf of an MCP client: what it does is told, what it asks is asked.
#pragma once

#include <sennit/agent/run.hpp>
#include <sennit/mcp/server/exchange.hpp>

namespace sennit::mcp {

/// Who decides where a person must: the person at the client, if the client can ask.
[[nodiscard]] RunOptions guest_options(const Exchange& exchange);

/// Follows a run to its end. Cancellation: terminal; cancels the run.
[[nodiscard]] asio::awaitable<Outcome> follow_run(Exchange& exchange, Run run);

}  // namespace sennit::mcp
