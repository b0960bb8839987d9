#include <sennit/agent/io/sandbox.hpp>
#include <sennit/agent/secret.hpp>
#include <sennit/mcp/client/server_process.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
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

class Shielded final : public ServerProcess {
 public:
  explicit Shielded(sandbox::Child child) : child_(std::move(child)) {}
  Process& process() override { return child_.process(); }
  asio::awaitable<std::string> ended() override {
    auto waiting = child_.wait();
    const sandbox::Ending ending = co_await std::move(waiting);
    std::string how = describe(ending.status);
    if (ending.bound == sandbox::Bound::memory) how += " (its sandbox has no more memory for it)";
    if (ending.bound == sandbox::Bound::processes) how += " (its sandbox has no more processes for it)";
    if (ending.bound == sandbox::Bound::unwatched) how += " (what it used could not be measured any more)";
    if (!ending.refused.empty()) {
      how += fmt::format(" (its sandbox does not let it reach {})", fmt::join(ending.refused, ", "));
    }
    co_return how;
  }

 private:
  sandbox::Child child_;
};

asio::awaitable<std::unique_ptr<ServerProcess>> start_shielded(Environment& environment,
                                                               std::shared_ptr<const sandbox::Box> box,
                                                               McpServer server) {
  auto starting = sandbox::Child::start(environment, std::move(box), command_of(server));
  co_return std::make_unique<Shielded>(co_await std::move(starting));
}

bool is_below(const std::filesystem::path& path, const std::filesystem::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

bool is_shown(const std::filesystem::path& path, const sandbox::Settings& settings) {
  const auto holds = [&](const auto& folders) {
    return std::any_of(folders.begin(), folders.end(), [&](const auto& folder) { return is_below(path, folder); });
  };
  return holds(settings.read) || holds(settings.write);
}

sandbox::Settings settings_of(const McpServer& server) {
  sandbox::Settings settings;
  settings.read = server.sandbox.read;
  settings.write = server.sandbox.write;
  settings.hosts = server.sandbox.hosts;
  settings.memory = server.sandbox.memory;
  settings.disk = server.sandbox.disk;
  settings.processes = server.sandbox.processes;
  settings.cpu = server.sandbox.cpu;
  // A program that is named by its path is meant to be seen.
  const std::filesystem::path program = server.command.front();
  std::error_code failed;
  if (program.is_absolute() && std::filesystem::exists(program, failed)) settings.read.push_back(program);
  return settings;
}

}  // namespace

std::string describe(const ExitStatus& status) {
  if (status.signal != 0) return fmt::format("was killed by signal {}", status.signal);
  return fmt::format("ended with exit status {}", status.code);
}

StartServer make_starter(Environment& environment, const McpServer& server, bool accepts_unsandboxed,
                         std::vector<std::filesystem::path> keep) {
  if (!server.sandbox.enabled) return [server] { return start_unshielded(server); };
  sandbox::Settings settings = settings_of(server);
  settings.keep = std::move(keep);
  const sandbox::Support& support = sandbox::support();
  if (!support.possible) {
    if (!accepts_unsandboxed) {
      throw Error(errc::config,
                  fmt::format("the MCP server '{}' is to run in a sandbox, and there can be none here: {}. "
                              "Mend that, or accept it with `policy: {{unsandboxed: true}}`",
                              server.name, support.obstacle));
    }
    settings.walls = false;
  }
  McpServer inside = server;
  // The folder of the agent file is shown only where it is said to be.
  if (settings.walls && !is_shown(server.directory, settings)) inside.directory.clear();
  auto box = std::make_shared<const sandbox::Box>(std::move(settings));
  return [&environment, box = std::move(box), inside = std::move(inside)] {
    return start_shielded(environment, box, inside);
  };
}

}  // namespace sennit::mcp
