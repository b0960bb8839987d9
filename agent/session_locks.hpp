// Private: which sessions have a run, across all programs that share a state folder.
//
// A lock is one byte of a file, named by the session's hash and locked by the kernel, which gives it back when a
// program dies. So nothing is left behind, and nothing has to expire.
#pragma once

#include <sennit/agent/io/error.hpp>

#include <filesystem>
#include <mutex>
#include <set>
#include <string>

namespace sennit {

/// [thread-safe]
class SessionLocks {
 public:
  /// Throws Error(errc::storage).
  explicit SessionLocks(const std::filesystem::path& folder);
  ~SessionLocks();
  SessionLocks(const SessionLocks&) = delete;
  SessionLocks& operator=(const SessionLocks&) = delete;

  /// False if a run has the session, here or in another program. Throws Error(errc::storage).
  [[nodiscard]] bool acquire(const std::string& id);
  void release(const std::string& id);
  void release_all();

 private:
  int file_ = -1;
  std::mutex mutex_;
  std::set<std::string> held_;  // guarded by mutex_; the kernel does not tell threads of one program apart
};

/// Error(errc::busy). Empty: a session without a name.
[[nodiscard]] Error session_is_busy(const std::string& id);

}  // namespace sennit
