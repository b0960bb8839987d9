// What a child program may reach, as data: the `sandbox:` of an MCP server, options of the tools that start programs.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sennit {

/// Paths are relative to the agent file. The system's programs and libraries can always be read; nothing else can be
/// reached but what is named here.
struct SandboxSpec {
  bool enabled = true;                       ///< false: it runs as we do
  std::vector<std::filesystem::path> read;   ///< folders and files that it may read
  std::vector<std::filesystem::path> write;  ///< folders that it may change
  std::vector<std::string> hosts;            ///< that it may reach, through our proxy; empty: no network
  std::int64_t memory = 1LL << 30U;          ///< bytes, of the whole tree
  std::int64_t disk = 256LL << 20U;          ///< bytes of its own temporary folder
  std::int64_t processes = 128;              ///< at a time, threads included
  std::chrono::milliseconds cpu{0};          ///< time of each process; 0: no limit
  friend bool operator==(const SandboxSpec&, const SandboxSpec&) = default;
};

}  // namespace sennit
