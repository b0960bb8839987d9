// Tools that are found out when a run begins, because something outside of the program has them: an MCP server.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/agent/tool.hpp>

#include <memory>
#include <string>
#include <vector>

namespace sennit {

/// Shared by the runs of an agent, on several shards. [thread-safe]
class ToolSource {
 public:
  virtual ~ToolSource() = default;
  /// For people, and for the prefix of its tools.
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// What is configured, without secrets: a run is bound to it.
  [[nodiscard]] virtual json::value describe() const = 0;
  /// Whether a run fails where the tools cannot be had; otherwise it says so and goes on without them.
  [[nodiscard]] virtual bool required() const = 0;
  /// The tools that there are now, always in the same order. Bounded in time. Throws Error. Cancellation: terminal.
  [[nodiscard]] virtual asio::awaitable<std::vector<std::shared_ptr<Tool>>> tools(Environment& environment) = 0;
  /// Things that a person should hear about, since the last time it was asked: how a server is started, a change of its
  /// tools.
  [[nodiscard]] virtual std::vector<std::string> take_notices() { return {}; }
};

}  // namespace sennit
