// Private: a local server's process, shut into a sandbox or not.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/process.hpp>
#include <sennit/agent/mcp_settings.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sennit::mcp {

/// As Process: used on its shard, the whole tree ends with it.
class ServerProcess {
 public:
  virtual ~ServerProcess() = default;
  [[nodiscard]] virtual Process& process() = 0;
  /// Suspends until it has ended; says how, in words: "ended with exit status 1". Cancellation: terminal.
  [[nodiscard]] virtual asio::awaitable<std::string> ended() = 0;
};

using StartServer = std::function<asio::awaitable<std::unique_ptr<ServerProcess>>()>;

/// Starts what the settings say, as they say. Paths in them are absolute. `keep`: as in sandbox::Settings. Throws
/// Error(errc::config) where they ask for a sandbox that cannot be had.
[[nodiscard]] StartServer make_starter(Environment& environment, const McpServer& server, bool accepts_unsandboxed,
                                       std::vector<std::filesystem::path> keep);

/// "exit status 1", "signal 9": what became of it.
[[nodiscard]] std::string describe(const ExitStatus& status);

}  // namespace sennit::mcp
