#include <sennit/tools/files_root.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <optional>

namespace sennit::files {
namespace {

namespace fs = std::filesystem;

/// What an error number means for whoever chose the path.
Error path_error(int number, std::string_view path) {
  switch (number) {
    case EXDEV:
    case ELOOP:
      return {errc::denied,
              fmt::format("'{}' leads outside of the folders this tool may use (by '..' or a link)", path)};
    case ENOENT:
      return {errc::not_found, fmt::format("'{}' does not exist", path)};
    case ENOTDIR:
      return {errc::invalid_argument, fmt::format("'{}': a part of the path is not a folder", path)};
    case EISDIR:
      return {errc::invalid_argument, fmt::format("'{}' is a folder, not a file", path)};
    case ENAMETOOLONG:
      return {errc::invalid_argument, fmt::format("the path is too long ({} bytes)", path.size())};
    case EACCES:
    case EPERM:
      return {errc::denied, fmt::format("'{}': the system does not permit it", path)};
    case ENOSYS:
      return {errc::config,
              "this system has no openat2 (Linux 5.6 or later), without which files cannot be kept inside "
              "their folders: remove `files` from the agent's tools here"};
    default:
      return {errc::io, fmt::format("'{}': {}", path, std::strerror(number))};
  }
}

/// openat2 beneath `directory`; -1 and errno on failure.
int open_beneath(int directory, const char* path, std::uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: something was renamed while `..` was being resolved, so the kernel could not be sure.
  constexpr int kAttempts = 32;
  long result = -1;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    result = ::syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (result >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return static_cast<int>(result);
}

struct stat status_of(const Descriptor& descriptor, std::string_view path) {
  struct stat status{};
  if (::fstat(descriptor.get(), &status) != 0) throw path_error(errno, path);
  return status;
}

std::string_view name_of_kind(mode_t mode) {
  if (S_ISREG(mode)) return "file";
  if (S_ISDIR(mode)) return "folder";
  if (S_ISLNK(mode)) return "symbolic link";
  if (S_ISFIFO(mode)) return "named pipe";
  if (S_ISSOCK(mode)) return "socket";
  return "device";
}

[[noreturn]] void refuse_kind(mode_t mode, std::string_view path) {
  throw Error(S_ISDIR(mode) ? errc::invalid_argument : errc::denied,
              fmt::format("'{}' is a {}, not a regular file", path, name_of_kind(mode)));
}

FileIdentity identity_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

/// Where a directory really is now. Used only to refuse more, never to permit.
fs::path real_path(const Descriptor& directory, const fs::path& otherwise) {
  std::error_code failed;
  fs::path path = fs::read_symlink(fmt::format("/proc/self/fd/{}", directory.get()), failed);
  return failed ? otherwise : path;
}

bool contains(const fs::path& folder, const fs::path& path) {
  const auto [rest, _] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return rest == folder.end();
}

/// Without links as far as it exists.
fs::path settled(const fs::path& path) {
  std::error_code failed;
  fs::path result = fs::weakly_canonical(path, failed);
  return failed ? fs::absolute(path).lexically_normal() : result;
}

void refuse_protected(const fs::path& target, const Protected& forbidden, std::string_view shown) {
  for (const fs::path& file : forbidden.files) {
    if (settled(file) == target) {
      throw Error(errc::denied, fmt::format("'{}' is an agent file: an agent does not change its own rules", shown));
    }
  }
  for (const fs::path& folder : forbidden.folders) {
    if (contains(settled(folder), target)) {
      throw Error(
          errc::denied,
          fmt::format("'{}' is in a folder that no agent changes: Sennit's state, or programs of agent files", shown));
    }
  }
  for (const fs::path& part : target) {
    // Hooks and filters in there are commands that somebody else's next git call would run.
    if (part == ".git") throw Error(errc::denied, fmt::format("'{}' is inside a .git folder", shown));
  }
}

void write_all(const Descriptor& file, std::string_view content, std::string_view path) {
  while (!content.empty()) {
    const ssize_t count = ::write(file.get(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw path_error(errno, path);
    content.remove_prefix(static_cast<std::size_t>(count));
  }
}

/// A file beside the target that becomes it by rename, and disappears if that does not happen.
class Replacement {
 public:
  Replacement(const Descriptor& directory, std::string_view path) : directory_(directory) {
    constexpr int kAttempts = 16;
    constexpr int kFlags = O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW;
    int failure = EEXIST;
    for (int attempt = 0; attempt < kAttempts && failure == EEXIST; ++attempt) {
      name_ = fmt::format(".sennit-{:016x}.tmp", unique());
      const int file = ::openat(directory.get(), name_.c_str(), kFlags, 0666);
      failure = file < 0 ? errno : 0;
      file_ = Descriptor(file);
    }
    if (failure != 0) throw path_error(failure, path);
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement() {
    if (!name_.empty()) ::unlinkat(directory_.get(), name_.c_str(), 0);
  }

  void fill(std::string_view content, std::optional<mode_t> mode, std::string_view path) {
    write_all(file_, content, path);
    constexpr mode_t kPermissions = 0777;  // set-user-id and the like are not carried over to new contents
    if (mode && ::fchmod(file_.get(), *mode & kPermissions) != 0) throw path_error(errno, path);
    // Without this a power cut may leave an empty file under the new name.
    if (::fsync(file_.get()) != 0) throw path_error(errno, path);
  }

  void become(const std::string& target, std::string_view path) {
    if (::renameat(directory_.get(), name_.c_str(), directory_.get(), target.c_str()) != 0) {
      throw path_error(errno, path);
    }
    name_.clear();
  }

 private:
  static std::uint64_t unique() {
    // O_EXCL is what makes the name safe; this only makes clashes rare.
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return (static_cast<std::uint64_t>(::gettid()) << 40U) ^ (static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U) ^
           static_cast<std::uint64_t>(now.tv_nsec);
  }

  const Descriptor& directory_;
  std::string name_;
  Descriptor file_;
};

/// The target's status, if it exists. Refuses what is no regular file.
std::optional<struct stat> existing_target(const Descriptor& parent, const std::string& name, std::string_view path) {
  struct stat status{};
  if (::fstatat(parent.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::nullopt;
    throw path_error(errno, path);
  }
  if (S_ISLNK(status.st_mode)) {
    throw Error(errc::denied, fmt::format("'{}' is a symbolic link: write to the file that it points to", path));
  }
  if (!S_ISREG(status.st_mode)) refuse_kind(status.st_mode, path);
  // A rename would replace a read-only file all the same: respect what the mark means.
  if (::faccessat(parent.get(), name.c_str(), W_OK, AT_EACCESS) != 0) throw path_error(errno, path);
  return status;
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Root::Root(const fs::path& folder) : folder_(fs::absolute(folder).lexically_normal()) {
  if (!folder_.has_filename() && folder_.has_parent_path() && folder_ != folder_.root_path()) {
    folder_ = folder_.parent_path();  // "dir/" and "dir" are one folder
  }
  descriptor_ = Descriptor(::open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor_) {
    throw Error(errc::config,
                fmt::format("files: the root '{}' cannot be used: {}", folder_.string(), std::strerror(errno)));
  }
  canonical_ = real_path(descriptor_, settled(folder_));
  if (!Descriptor(open_beneath(descriptor_.get(), ".", O_PATH | O_DIRECTORY))) {
    // An old kernel says ENOSYS; containers with an old filter say EPERM.
    throw path_error(errno == EPERM ? ENOSYS : errno, folder_.string());
  }
}

Descriptor Root::open(const std::string& path, std::uint64_t flags) const {
  Descriptor descriptor(open_beneath(descriptor_.get(), path.c_str(), flags));
  if (!descriptor) throw path_error(errno, path);
  return descriptor;
}

OpenFile Root::open_file(const std::string& path) const {
  // First a handle without access: merely opening a device or a pipe can already do something.
  const struct stat before = status_of(open(path, O_PATH), path);
  if (!S_ISREG(before.st_mode)) refuse_kind(before.st_mode, path);
  Descriptor file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  // What counts is what was really opened: the name may mean something else by now.
  const struct stat status = status_of(file, path);
  if (!S_ISREG(status.st_mode)) refuse_kind(status.st_mode, path);
  return {std::move(file), identity_of(status)};
}

Descriptor Root::open_directory(const std::string& path) const {
  return open(path, O_RDONLY | O_DIRECTORY);
}

bool Root::is_folder(const std::string& path) const {
  return S_ISDIR(status_of(open(path, O_PATH), path).st_mode);
}

Descriptor Root::make_parent(const fs::path& parent, const std::string& path) const {
  Descriptor directory = open(".", O_PATH | O_DIRECTORY);
  fs::path walked;
  for (auto at = parent.begin(); at != parent.end(); ++at) {
    const fs::path& part = *at;
    walked /= part;
    Descriptor next(open_beneath(descriptor_.get(), walked.c_str(), O_PATH | O_DIRECTORY));
    if (!next && errno == ENOENT) {
      // The kernel cannot say where such a path leads until its folders are there: it is refused before one is made.
      if (std::find(at, parent.end(), "..") != parent.end()) {
        throw Error(errc::invalid_argument, fmt::format("'{}' goes back (by '..') out of a folder that does not exist: "
                                                        "name the file without it",
                                                        path));
      }
      // `part` is one component of a folder that was opened beneath the root: mkdirat follows no link there.
      if (::mkdirat(directory.get(), part.c_str(), 0777) != 0 && errno != EEXIST) throw path_error(errno, path);
      next = Descriptor(open_beneath(descriptor_.get(), walked.c_str(), O_PATH | O_DIRECTORY));
    }
    if (!next) throw path_error(errno, path);
    directory = std::move(next);
  }
  return directory;
}

/// The folder that holds a file which may be changed, made where it is missing.
Descriptor Root::parent_for_change(const std::string& path, const Protected& forbidden) const {
  const fs::path target(path);
  const std::string name = target.filename().string();
  if (name.empty() || name == "." || name == "..") {
    throw Error(errc::invalid_argument, fmt::format("'{}' names a folder, not a file", path));
  }
  for (const fs::path& part : target) {
    if (part.native().size() > NAME_MAX) throw path_error(ENAMETOOLONG, path);
  }
  // Before folders are made for it, and again where it really is.
  refuse_protected(settled(canonical_ / target), forbidden, path);
  Descriptor parent = make_parent(target.parent_path(), path);
  refuse_protected(real_path(parent, canonical_ / target.parent_path()) / name, forbidden, path);
  return parent;
}

void Root::move_file(const std::string& from, const std::string& to, const Protected& forbidden) const {
  const std::string old_name = fs::path(from).filename().string();
  const std::string new_name = fs::path(to).filename().string();
  (void)open_file(from);  // before folders are made for a file that is not there
  const Descriptor source = parent_for_change(from, forbidden);
  if (!existing_target(source, old_name, from)) throw path_error(ENOENT, from);
  const Descriptor target = parent_for_change(to, forbidden);
  if (::renameat2(source.get(), old_name.c_str(), target.get(), new_name.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno == EEXIST) throw Error(errc::invalid_argument, fmt::format("'{}' exists already", to));
  throw path_error(errno, from);
}

void Root::remove_file(const std::string& path, const Protected& forbidden) const {
  (void)open_file(path);
  const Descriptor parent = parent_for_change(path, forbidden);
  const std::string name = fs::path(path).filename().string();
  if (!existing_target(parent, name, path)) throw path_error(ENOENT, path);
  if (::unlinkat(parent.get(), name.c_str(), 0) != 0) throw path_error(errno, path);
}

Written Root::write_file(const std::string& path, std::string_view content, const Protected& forbidden,
                         const FileIdentity* expected) const {
  const Descriptor parent = parent_for_change(path, forbidden);
  const std::string name = fs::path(path).filename().string();
  const std::optional<struct stat> existing = existing_target(parent, name, path);
  Replacement replacement(parent, path);
  replacement.fill(content, existing ? std::optional(existing->st_mode) : std::nullopt, path);
  if (expected != nullptr) {
    const std::optional<struct stat> now = existing_target(parent, name, path);
    if (!now || identity_of(*now) != *expected) {
      throw Error(errc::io, fmt::format("'{}' was changed by somebody else meanwhile: read it again", path));
    }
  }
  replacement.become(name, path);
  return {!existing, existing ? existing->st_size : 0};
}

Roots::Roots(const std::vector<fs::path>& folders) {
  roots_.reserve(folders.size());
  for (const fs::path& folder : folders) roots_.emplace_back(folder);
  if (roots_.empty()) throw Error(errc::config, "files: `roots` is empty: name at least one folder");
}

Place Roots::place(std::string_view path) const {
  if (path.find('\0') != std::string_view::npos) {
    throw Error(errc::invalid_argument, "a path cannot hold a NUL character");
  }
  if (path.size() >= kMaxPath) throw path_error(ENAMETOOLONG, path);
  const fs::path wanted(path);
  if (wanted.is_relative()) {
    return {&roots_.front(), path.empty() ? "." : std::string(path), path.empty() ? "." : std::string(path)};
  }
  for (const Root& root : roots_) {
    for (const fs::path* folder : {&root.folder(), &root.canonical()}) {
      const auto [rest_of_folder, rest] = std::mismatch(folder->begin(), folder->end(), wanted.begin(), wanted.end());
      if (rest_of_folder != folder->end()) continue;
      // Only names the root: whether the rest stays inside is for the kernel to say.
      fs::path relative;
      for (auto part = rest; part != wanted.end(); ++part) relative /= *part;
      return {&root, relative.empty() ? "." : relative.string(), std::string(path)};
    }
  }
  std::string known;
  for (const Root& root : roots_) known += (known.empty() ? "'" : ", '") + root.folder().string() + "'";
  throw Error(errc::denied, fmt::format("'{}' is outside of the folders this tool may use: {}", path, known));
}

std::string read_whole(const OpenFile& file, std::size_t limit, std::string_view shown) {
  std::string content;
  constexpr std::size_t kChunk = 64U << 10U;
  while (true) {
    const std::size_t old = content.size();
    content.resize(old + kChunk);
    const ssize_t count = ::read(file.descriptor.get(), content.data() + old, kChunk);
    if (count < 0 && errno != EINTR) throw path_error(errno, shown);
    content.resize(old + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (content.size() > limit) {
      throw Error(
          errc::too_large,
          fmt::format("'{}' is larger than {} bytes, which is the most this tool handles at once", shown, limit));
    }
    if (count == 0) return content;
  }
}

}  // namespace sennit::files
