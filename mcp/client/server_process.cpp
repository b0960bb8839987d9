#include <sennit/agent/secret.hpp>
#include <sennit/mcp/client/server_process.hpp>

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <utility>

namespace sennit::mcp {
namespace {

/// What programs need to find their way; everything else of ours is kept from them.
constexpr std::array<const char*, 6> kPassedOn{"PATH", "HOME", "LANG", "USER", "TMPDIR", "TZ"};

Process::Command command_of(const McpServer& server) {
  Process::Command command;
  command.arguments = server.command;
  command.directory = server.directory;
  for (const auto& [name, value] : server.env) command.environment[name] = Secret(value).resolve();
  return command;
}

class Unshielded final : public ServerProcess {
 public:
  explicit Unshielded(Process process) : process_(std::move(process)) {}
  Process& process() override { return process_; }
  asio::awaitable<std::string> ended() override {
    auto waiting = process_.wait();
    co_return describe(co_await std::move(waiting));
  }

 private:
  Process process_;
};

asio::awaitable<std::unique_ptr<ServerProcess>> start_unshielded(McpServer server) {
  Process::Command command = command_of(server);
  for (const char* name : kPassedOn) {
    const char* value = std::getenv(name);
    if (value != nullptr) command.environment.emplace(name, value);
  }
  auto starting = Process::start(std::move(command));
  co_return std::make_unique<Unshielded>(co_await std::move(starting));
}

}  // namespace

std::string describe(const ExitStatus& status) {
  if (status.signal != 0) return fmt::format("was killed by signal {}", status.signal);
  return fmt::format("ended with exit status {}", status.code);
}

StartServer make_starter(Environment& /*environment*/, const McpServer& server, bool /*accepts_unsandboxed*/) {
  return [server] { return start_unshielded(server); };
}

}  // namespace sennit::mcp
