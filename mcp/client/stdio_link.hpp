// Private: a server that is a child of ours: one message a line, through its standard streams.
//
// Its output is read only while a request is under way, so an idle server keeps no loop busy; what it says meanwhile
// waits in the pipe. Its standard error is kept as a tail, for when it dies.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/mcp/client/link.hpp>
#include <sennit/mcp/client/server_process.hpp>

#include <memory>

namespace sennit::mcp {

/// `name` is for messages. `environment` must outlive the link, `inbox` its close().
[[nodiscard]] std::shared_ptr<Link> make_stdio_link(Environment& environment, std::string name, StartServer start,
                                                    Inbox& inbox);

}  // namespace sennit::mcp
