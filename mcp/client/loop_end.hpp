// Private: told when an event loop is destroyed, before what is queued there is: the last moment in which what refers
// to the loop may be let go.
#pragma once

#include <sennit/agent/io/asio.hpp>

#include <functional>
#include <memory>

namespace sennit::mcp {

/// Destroying it takes the wish back. [thread-safe]
class LoopEndEntry {
 public:
  virtual ~LoopEndEntry() = default;
};

/// `then` is called once, by whoever destroys the loop; the last wish first. Environments may be gone by then.
[[nodiscard]] std::unique_ptr<LoopEndEntry> at_loop_end(const asio::any_io_executor& executor,
                                                        std::function<void()> then);

}  // namespace sennit::mcp
