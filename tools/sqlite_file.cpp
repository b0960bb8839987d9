#include <sennit/tools/sqlite_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace sennit::sqlite {
namespace {

namespace fs = std::filesystem;

// Extended codes are SQLite's own up to a few; the rest of the byte is free.
constexpr int kSuperJournal = SQLITE_CANTOPEN | (0x7F << 8);

int take_path(sqlite3_vfs* /*vfs*/, const char* path, int size, char* out) {
  const std::string_view text(path);
  if (text.size() >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(out, path, text.size() + 1);
  return SQLITE_OK;
}

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* opened) {
  if ((flags & SQLITE_OPEN_SUPER_JOURNAL) != 0) {
    file->pMethods = nullptr;
    return kSuperJournal;
  }
  return sqlite3_vfs_find("unix")->xOpen(vfs, path, file, flags, opened);
}

/// Each step by itself, so that no link is followed on the way.
files::Descriptor open_folder(const fs::path& folder) {
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  files::Descriptor at(::open("/", kFlags));
  for (const fs::path& name : folder.relative_path()) {
    if (at) at = files::Descriptor(::openat(at.get(), name.c_str(), kFlags));
  }
  return at;
}

}  // namespace

fs::path fixed_path(const fs::path& file) {
  const fs::path whole = fs::absolute(file).lexically_normal();
  return fs::weakly_canonical(whole.parent_path()) / whole.filename();
}

HeldFile::HeldFile(const fs::path& file) : folder_(open_folder(file.parent_path())) {
  const std::string name = file.filename().string();
  struct stat status{};
  const bool found = folder_ && ::fstatat(folder_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (!found && errno == ENOENT) throw Error(errc::not_found, fmt::format("there is no database '{}'", name));
  if (!folder_ && (errno == ENOTDIR || errno == ELOOP)) {
    throw Error(errc::denied, fmt::format("the folder of '{}' has become a link, or a file", name));
  }
  if (!found) throw Error(errc::denied, fmt::format("'{}' cannot be reached: {}", name, std::strerror(errno)));
  if (S_ISLNK(status.st_mode)) {
    throw Error(errc::denied, fmt::format("'{}' is a link: name the file itself in the agent file", name));
  }
  // To open a pipe would wait for its other end, for ever.
  if (!S_ISREG(status.st_mode)) throw Error(errc::denied, fmt::format("'{}' is no regular file", name));
  path_ = fmt::format("/proc/self/fd/{}/{}", folder_.get(), name);
}

const char* held_vfs() {
  static sqlite3_vfs kVfs = *sqlite3_vfs_find("unix");
  static const bool kRegistered = [] {
    kVfs.zName = "sennit-held";
    kVfs.xFullPathname = &take_path;
    kVfs.xOpen = &open_file;
    return sqlite3_vfs_register(&kVfs, 0) == SQLITE_OK;
  }();
  return kRegistered ? kVfs.zName : nullptr;
}

bool is_super_journal(int code) noexcept {
  return code == kSuperJournal;
}

}  // namespace sennit::sqlite
