#include <sennit/agent/io/error.hpp>
#include <sennit/agent/session_locks.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace sennit {
namespace {

/// FNV-1a: the same in every build, as programs of different versions share the file.
off_t byte_of(const std::string& id) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return static_cast<off_t>(hash >> 2U);
}

/// An "open file description" lock: it belongs to the open file, where the older kind belongs to the whole process.
int set_lock(int file, const std::string& id, short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte_of(id);
  lock.l_len = 1;
  return fcntl(file, F_OFD_SETLK, &lock);
}

}  // namespace

SessionLocks::SessionLocks(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "sessions.lock";
  file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file_ < 0) throw Error(errc::storage, std::string("cannot open: ") + std::strerror(errno)).at(path.string());
}

SessionLocks::~SessionLocks() {
  close(file_);
}

bool SessionLocks::acquire(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (held_.contains(id)) return false;
  if (set_lock(file_, id, F_WRLCK) != 0) {
    if (errno == EAGAIN || errno == EACCES) return false;
    throw Error(errc::storage, std::string("the state folder's file system cannot lock: ") + std::strerror(errno));
  }
  held_.insert(id);
  return true;
}

void SessionLocks::release(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (held_.erase(id) > 0) set_lock(file_, id, F_UNLCK);
}

void SessionLocks::release_all() {
  const std::lock_guard lock(mutex_);
  for (const std::string& id : std::exchange(held_, {})) set_lock(file_, id, F_UNLCK);
}

Error session_is_busy(const std::string& id) {
  const std::string whose = id.empty() ? "the session has a run already"
                                       : "the session '" + id + "' has a run already, here or in another program";
  return Error(errc::busy, whose + "; wait for its end").retry();
}

}  // namespace sennit
