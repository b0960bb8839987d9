// Private: the transport of 2024-11-05: a stream of events that brings all answers, and an address to post requests to,
// which the stream names.
#pragma once

#include <sennit/mcp/client/http_channel.hpp>
#include <sennit/mcp/client/link.hpp>

#include <memory>

namespace sennit::mcp {

/// `inbox` must outlive the link's close().
[[nodiscard]] std::shared_ptr<Link> make_sse_link(std::shared_ptr<HttpChannel> channel, Inbox& inbox);

}  // namespace sennit::mcp
