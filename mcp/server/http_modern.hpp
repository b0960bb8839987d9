// Private: a modern request over HTTP: what its header fields have to repeat, and its stream.
#pragma once

#include <sennit/mcp/server/event_stream.hpp>
#include <sennit/mcp/server/server.hpp>

#include <optional>

namespace sennit::mcp {

/// What is wrong with a modern request and its header fields.
[[nodiscard]] std::optional<Fault> check_modern(const http::ServerRequest& http, const Request& request,
                                                const Service& service);

/// Answers it. Cancellation: terminal; the client has closed the stream, so the request is cancelled.
[[nodiscard]] asio::awaitable<void> serve_modern(Server& server, const http::ServerRequest& http, Request request,
                                                 http::ServerAnswer& answer, EventStream::Settings settings);

}  // namespace sennit::mcp
