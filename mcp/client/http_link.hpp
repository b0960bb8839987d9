// Private: a server that is asked over Streamable HTTP: each request a POST, its answer a JSON body or a stream of
// events.
#pragma once

#include <sennit/mcp/client/http_channel.hpp>
#include <sennit/mcp/client/link.hpp>

#include <memory>

namespace sennit::mcp {

/// Both eras: what agreed() says decides about headers, sessions and what a broken stream means. `inbox` must outlive
/// the link's close().
[[nodiscard]] std::shared_ptr<Link> make_http_link(std::shared_ptr<HttpChannel> channel, Inbox& inbox);

}  // namespace sennit::mcp
