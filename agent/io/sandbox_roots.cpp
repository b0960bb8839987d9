#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/sandbox_roots.hpp>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

namespace sennit::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPlaceholder =
    "A placeholder: a sandboxed program must not make this file. It may be deleted when no agent runs.\n";

std::string words(int error) {
  return std::generic_category().message(error);
}

bool contains(const fs::path& folder, const fs::path& path) {
  const auto [rest, _] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return rest == folder.end();
}

// `/proc` and `/dev` are the sandbox's own; sockets in `/run` lead to services that do what they are told.
void refuse_system(const fs::path& path, bool writable) {
  constexpr std::array<std::string_view, 3> kNever{"/proc", "/sys", "/dev"};
  constexpr std::array<std::string_view, 9> kNotWritable{"/usr",  "/etc",   "/bin",   "/sbin",  "/lib",
                                                         "/boot", "/lib32", "/lib64", "/libx32"};
  const auto refuse = [&](std::string_view why) {
    throw Error(errc::config, "sandbox: '" + path.string() + "' cannot be given to a sandboxed program: " +
                                  std::string(why) + "; name a folder of your own");
  };
  if (path == "/") refuse("it is the whole system");
  for (const std::string_view folder : kNever) {
    if (contains(folder, path)) refuse("it belongs to the kernel");
  }
  if (path == "/run" || path == "/var/run" || path == "/var") refuse("services listen on sockets in it");
  for (const std::string_view folder : kNotWritable) {
    if (writable && contains(folder, path)) refuse("programs of the system are in it");
  }
}

Shown find(const fs::path& given, bool writable) {
  std::error_code failed;
  Shown shown;
  shown.path = fs::canonical(given, failed);
  struct stat status{};
  process::Descriptor held(failed ? -1 : ::open(shown.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (failed || held.get() < 0 || ::fstat(held.get(), &status) != 0) {
    throw Error(errc::config, "sandbox: '" + given.string() + "' cannot be used: " +
                                  (failed ? failed.message() : words(errno)) + "; make it, or leave it out");
  }
  refuse_system(shown.path, writable);
  shown.writable = writable;
  shown.folder = S_ISDIR(status.st_mode);
  if (!shown.folder && (writable || !S_ISREG(status.st_mode))) {
    throw Error(errc::config, "sandbox: '" + given.string() + "' is no " +
                                  (writable ? "folder: only folders can be written to" : "folder or regular file"));
  }
  shown.device = status.st_dev;
  shown.inode = status.st_ino;
  shown.held = std::make_shared<const process::Descriptor>(std::move(held));
  return shown;
}

std::size_t depth(const fs::path& path) {
  return static_cast<std::size_t>(std::distance(path.begin(), path.end()));
}

// As far as it exists without its links; the rest as it is written.
fs::path settled(const fs::path& path) {
  std::error_code failed;
  fs::path result = fs::weakly_canonical(path, failed);
  return failed ? fs::absolute(path).lexically_normal() : result;
}

// The innermost root around `path`.
const Shown* root_of(const std::vector<Shown>& roots, const fs::path& path) {
  const Shown* innermost = nullptr;
  for (const Shown& root : roots) {
    if (root.folder && contains(root.path, path)) innermost = &root;  // parents come first
  }
  return innermost;
}

// A link in a folder that a child may write to could be replaced by it: then what is kept is not what is meant by
// `path`.
void refuse_links(const std::vector<Shown>& roots, const fs::path& path) {
  fs::path walked = "/";
  for (const fs::path& part : path.lexically_normal().relative_path()) {
    const fs::path next = walked / part;
    std::error_code failed;
    if (fs::is_symlink(next, failed)) {
      const Shown* root = root_of(roots, walked);
      if (root != nullptr && root->writable) {
        throw Error(errc::config, "sandbox: '" + path.string() + "' must not change, and is reached by the link '" +
                                      next.string() + "', which is in a folder that may be written to: put the file " +
                                      "itself there");
      }
    }
    walked = settled(next);
  }
}

bool is_placeholder(const fs::path& path) {
  const process::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  std::array<char, kPlaceholder.size() + 1> content{};
  const ssize_t size = file.get() < 0 ? -1 : ::pread(file.get(), content.data(), content.size(), 0);
  return size >= 0 && std::string_view(content.data(), static_cast<std::size_t>(size)) == kPlaceholder;
}

void add(std::vector<fs::path>& paths, const fs::path& path) {
  if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
}

// `path` is in `root`, which is writable.
void keep_one(Kept& kept, const Shown& root, const fs::path& path) {
  fs::path walked = root.path;
  auto part = std::mismatch(root.path.begin(), root.path.end(), path.begin(), path.end()).second;
  for (; part != path.end(); ++part) {
    walked /= *part;
    struct stat status{};
    // It, or a folder above it, is not there; or only because another child must not make it.
    if (::lstat(walked.c_str(), &status) != 0 || (S_ISREG(status.st_mode) && is_placeholder(walked))) {
      kept.placeholders.emplace_back(walked);
      return add(kept.fixed, walked);
    }
    if (walked != path) add(kept.pinned, walked);
  }
  add(kept.fixed, path);
}

Meant meant_below(const Shown& root, const fs::path& path) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const std::string below = path.lexically_relative(root.path).string();
  const process::Descriptor place(
      static_cast<int>(::syscall(SYS_openat2, root.held->get(), below.c_str(), &how, sizeof how)));
  struct stat status{};
  if (place.get() < 0 || ::fstat(place.get(), &status) != 0 || S_ISLNK(status.st_mode)) {
    throw Error(errc::denied, "sandbox: '" + path.string() + "' must not change, and does: " +
                                  (place.get() < 0 ? words(errno) : "it is a link") + "; look at it, then try again");
  }
  return {path, status.st_dev, status.st_ino};
}

}  // namespace

std::vector<Shown> find_roots(const std::vector<fs::path>& read, const std::vector<fs::path>& write) {
  std::vector<Shown> found;
  for (const fs::path& path : write) found.push_back(find(path, true));
  for (const fs::path& path : read) found.push_back(find(path, false));
  std::sort(found.begin(), found.end(), [](const Shown& a, const Shown& b) {
    return std::tuple(depth(a.path), a.path, !a.writable) < std::tuple(depth(b.path), b.path, !b.writable);
  });
  std::vector<Shown> roots;
  for (Shown& shown : found) {
    const Shown* around = root_of(roots, shown.path);
    if (around != nullptr && (around->writable == shown.writable || around->path == shown.path)) continue;
    const bool again =
        std::any_of(roots.begin(), roots.end(), [&](const Shown& other) { return other.path == shown.path; });
    if (!again) roots.push_back(std::move(shown));
  }
  return roots;
}

void check_unchanged(const Shown& shown) {
  std::error_code failed;
  const fs::path now = fs::canonical(shown.path, failed);
  struct stat status{};
  if (!failed && now == shown.path && ::lstat(now.c_str(), &status) == 0 && status.st_dev == shown.device &&
      status.st_ino == shown.inode) {
    return;
  }
  throw Error(errc::denied, "sandbox: '" + shown.path.string() +
                                "' is not what it was when the agent was loaded: it was moved, replaced or deleted; "
                                "look at it, then load the agent again");
}

Placeholder::Placeholder(fs::path path) : path_(std::move(path)) {
  constexpr int kAttempts = 64;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    process::Descriptor file(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (file.get() < 0) {
      // Somebody has just made it: then it is kept as it is.
      if (errno == EISDIR || errno == ELOOP || errno == EACCES) return;
      throw Error(errc::io, "sandbox: '" + path_.string() +
                                "' must not be made by a sandboxed program, and cannot be made by this one to prevent "
                                "that: " +
                                words(errno));
    }
    if (::flock(file.get(), LOCK_SH | LOCK_NB) != 0) continue;  // its last user is about to remove it
    struct stat status{};
    struct stat there{};
    if (::fstat(file.get(), &status) != 0 || ::lstat(path_.c_str(), &there) != 0 || status.st_ino != there.st_ino) {
      continue;  // he has
    }
    if (status.st_size == 0) {
      [[maybe_unused]] const ssize_t written = ::pwrite(file.get(), kPlaceholder.data(), kPlaceholder.size(), 0);
    }
    file_ = std::move(file);
    return;
  }
  throw Error(errc::busy, "sandbox: '" + path_.string() + "' is locked by another program").retry();
}

Placeholder::~Placeholder() {
  if (file_.get() < 0 || ::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) return;  // others use it
  if (!is_placeholder(path_)) return;
  struct stat ours{};
  struct stat there{};
  if (::fstat(file_.get(), &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
      ours.st_dev == there.st_dev) {
    ::unlink(path_.c_str());
  }
}

void check_kept(const std::vector<fs::path>& keep, const std::vector<Shown>& roots) {
  for (const fs::path& given : keep) {
    refuse_links(roots, given);
    const fs::path path = settled(given);
    const Shown* root = root_of(roots, path);
    if (root == nullptr || !root->writable || path != root->path) continue;
    throw Error(errc::config, "sandbox: '" + path.string() +
                                  "' may be written to, and must not be changed: name a folder inside it for writing");
  }
}

Kept keep(const std::vector<fs::path>& keep, const std::vector<Shown>& roots) {
  check_kept(keep, roots);
  Kept kept;
  for (const fs::path& given : keep) {
    const fs::path path = settled(given);
    const Shown* root = root_of(roots, path.parent_path());
    if (root != nullptr && root->writable) keep_one(kept, *root, path);
  }
  return kept;
}

std::vector<Meant> meant_by(const std::vector<Shown>& roots, const Kept& kept) {
  std::vector<Meant> all;
  for (const Shown& root : roots) all.push_back({root.path, root.device, root.inode});
  for (const auto* paths : {&kept.pinned, &kept.fixed}) {
    for (const fs::path& path : *paths) {
      const Shown* root = root_of(roots, path.parent_path());
      if (root != nullptr) all.push_back(meant_below(*root, path));
    }
  }
  return all;
}

}  // namespace sennit::sandbox
