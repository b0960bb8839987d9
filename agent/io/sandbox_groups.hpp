// Private: control groups, which bound the memory and the processes of a whole tree, root's as well. Both versions;
// only where the system lets us make groups: a delegated one, a container's own, or as root.
#pragma once

#include <sennit/agent/io/process_pipes.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sennit::sandbox {

/// Where groups can be made.
struct GroupPlaces {
  std::filesystem::path memory;  ///< the folder to make them in; empty: nowhere
  std::filesystem::path processes;
  bool unified = false;  ///< version 2: both are the same folder
};

/// Looked for by making one; leftovers of programs that were killed are removed.
[[nodiscard]] GroupPlaces find_group_places();

/// The groups of one tree. Removed when they are empty, at the latest with a later one's beginning.
class Groups {
 public:
  /// Those that can be made; of the others nothing. `processes`: tasks.
  Groups(const GroupPlaces& places, std::int64_t memory, std::int64_t processes);
  Groups(Groups&&) noexcept = default;
  Groups& operator=(Groups&&) = delete;
  ~Groups();

  [[nodiscard]] bool bounds_memory() const noexcept { return !memory_.empty(); }
  [[nodiscard]] bool bounds_processes() const noexcept { return !processes_.empty(); }
  /// Descriptors for Process::Command::groups; they are closed by close_descriptors().
  [[nodiscard]] std::vector<int> descriptors() const;
  void close_descriptors() { joining_.clear(); }
  /// Whether the kernel killed something in it for want of memory, or refused it a process.
  [[nodiscard]] bool memory_ran_out() const;
  [[nodiscard]] bool processes_ran_out() const;

 private:
  std::filesystem::path memory_;
  std::filesystem::path processes_;
  bool unified_ = false;
  std::vector<process::Descriptor> joining_;
};

}  // namespace sennit::sandbox
