// An MCP server over standard input and output: one message a line, both eras, one client.
#pragma once

#include <sennit/mcp/server/server.hpp>

namespace sennit::mcp {

/// Serves whoever is at the other end of two descriptors, until their input ends, or nobody reads what is written.
/// What is under way is cancelled then. Lines beyond kMaxMessage are answered with an error and skipped. The
/// descriptors are the caller's; they are not made non-blocking for others who share them, but where they are sockets.
/// REQUIRES: SIGPIPE is ignored, or the end of a reader ends the program.
/// Throws Error(errc::io) where they cannot be used. Cancellation: terminal.
[[nodiscard]] asio::awaitable<void> serve_stdio(Server& server, int input, int output);

}  // namespace sennit::mcp
