// Where a server's messages to one client go: a line of standard output, an event of a stream.
#pragma once

#include <sennit/mcp/protocol/json_rpc.hpp>

namespace sennit::mcp {

/// Never blocks: it queues. Used on the server's shard.
class Outlet {
 public:
  virtual ~Outlet() = default;
  /// A notification, or a request of the server's.
  virtual void put(json::object message) = 0;
  /// The answer to a request. Of an outlet that was made for that request it is the last message.
  virtual void answer(json::object message) = 0;
  /// There will be no answer: the request was cancelled.
  virtual void drop() = 0;
  /// Whether it can take what nobody would miss.
  [[nodiscard]] virtual bool has_room() const = 0;
  /// See Exchange::let_poll().
  virtual void let_poll() {}
};

}  // namespace sennit::mcp
