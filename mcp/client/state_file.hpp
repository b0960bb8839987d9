// Private: small files of the state folder that hold what others must not read or change: mode 0600, whole or not at
// all.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sennit::mcp {

/// Nothing if there is none. Throws Error(errc::storage).
[[nodiscard]] std::optional<std::string> read_state_file(const std::filesystem::path& file);
/// In the place of what was there; folders are made (mode 0700). Throws Error(errc::storage).
void write_state_file(const std::filesystem::path& file, std::string_view content);

/// Held while a file is read, changed and written: against other programs. Blocks.
class StateFileLock {
 public:
  explicit StateFileLock(const std::filesystem::path& file);
  ~StateFileLock();
  StateFileLock(const StateFileLock&) = delete;
  StateFileLock& operator=(const StateFileLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace sennit::mcp
