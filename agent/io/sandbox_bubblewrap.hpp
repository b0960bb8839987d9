// Private: bubblewrap's view of a sandbox: its arguments, and the small files that it is handed.
#pragma once

#include <sennit/agent/io/process_pipes.hpp>
#include <sennit/agent/io/sandbox_gate.hpp>
#include <sennit/agent/io/sandbox_roots.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sennit::sandbox {

inline constexpr const char* kHome = "/home/sandbox";  ///< inside

struct Walls {
  std::vector<Shown> roots;
  Kept kept{};
  std::int64_t disk = 0;
  bool own_network = false;  ///< it is in a network of its own already
  std::map<std::string, std::string> environment;
  std::string directory;  ///< where it works, seen from inside
};

/// bubblewrap's program. Throws Error(errc::not_found) saying what to install.
[[nodiscard]] std::string find_bubblewrap();

/// A bubblewrap command that runs another one, and the descriptors that it must be given, in this order.
struct Wrapped {
  std::vector<std::string> arguments;
  std::vector<process::Descriptor> descriptors;
  std::unique_ptr<Gate> gate;  ///< closed
};
[[nodiscard]] Wrapped wrap(const std::vector<std::string>& command, const Walls& walls);

}  // namespace sennit::sandbox
