// Private: small files of the state folder that hold what others must not read or change: mode 0600, whole or not at
// all. Everything here blocks: it belongs on the pool, not on a loop.
#pragma once

#include <sennit/agent/io/error.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sennit::mcp {

inline constexpr std::size_t kMaxStateFile = 4ULL << 20U;            ///< bytes
inline constexpr std::chrono::milliseconds kPatienceForLock{5'000};  ///< with other programs

/// Nothing if there is none. Throws Error(errc::storage).
[[nodiscard]] std::optional<std::string> read_state_file(const std::filesystem::path& file);
/// In the place of what was there; folders are made (mode 0700). Throws Error(errc::storage), also for what
/// read_state_file() would not take back.
void write_state_file(const std::filesystem::path& file, std::string_view content);

/// Another program holds a file's lock.
class StateFileBusy : public Error {
 public:
  explicit StateFileBusy(Error error) : Error(std::move(error)) {}
};

/// Held while a file is read, changed and written: against other programs.
class StateFileLock {
 public:
  /// Throws Error(errc::storage): StateFileBusy where another one holds it for longer than `patience`.
  explicit StateFileLock(const std::filesystem::path& file, std::chrono::milliseconds patience = kPatienceForLock);
  ~StateFileLock();
  StateFileLock(const StateFileLock&) = delete;
  StateFileLock& operator=(const StateFileLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace sennit::mcp
