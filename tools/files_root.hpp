// Folders that a model may use, and nothing outside of them.
//
// Every look-up is done by the kernel: openat2 from a held directory, refusing to leave it (RESOLVE_BENEATH) and to
// follow /proc's magic links. Comparing path strings is never what keeps a path inside: links, `..` and swaps between
// check and use defeat that (CVE-2025-53109, CVE-2025-53110).
#pragma once

#include <sennit/agent/io/error.hpp>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit::files {

inline constexpr std::size_t kMaxPath = 4096;        ///< bytes of a path; the kernel's own bound
inline constexpr std::size_t kMaxWrite = 8U << 20U;  ///< bytes of a file that is written or edited

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept { return std::swap(number_, other.number_), *this; }
  ~Descriptor();
  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }
  explicit operator bool() const noexcept { return number_ >= 0; }

 private:
  int number_ = -1;
};

/// Which version of a file was read: a write that follows can tell whether it still is that one.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_seconds = 0;
  std::int64_t modified_nanoseconds = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// An open regular file.
struct OpenFile {
  Descriptor descriptor;
  FileIdentity identity;
};

/// What writing did.
struct Written {
  bool created = false;
  std::int64_t previous_size = 0;
};

/// What is never written, even inside a root: a model must not change the rules that it runs under.
struct Protected {
  std::vector<std::filesystem::path> files;    ///< agent files; also where they do not exist yet
  std::vector<std::filesystem::path> folders;  ///< the state folder
};

/// One folder, held open. Immutable after construction. [thread-safe]
class Root {
 public:
  /// Throws Error(errc::config) if `folder` is not a directory that can be opened.
  explicit Root(const std::filesystem::path& folder);

  /// All take paths relative to the root and throw Error: not_found, denied (it leads out of the root, or is no
  /// regular file), invalid_argument, io.
  [[nodiscard]] OpenFile open_file(const std::string& path) const;
  [[nodiscard]] Descriptor open_directory(const std::string& path) const;
  [[nodiscard]] bool is_folder(const std::string& path) const;
  /// Replaces or creates the file in one step (a reader sees the old text or the new, never a part), making parent
  /// folders. `expected` (optional) refuses where the file is not that one any more.
  Written write_file(const std::string& path, std::string_view content, const Protected& forbidden,
                     const FileIdentity* expected = nullptr) const;
  /// Gives the file another name; never that of a file that exists (errc::invalid_argument). Folders are made for it.
  void move_file(const std::string& from, const std::string& to, const Protected& forbidden) const;
  void remove_file(const std::string& path, const Protected& forbidden) const;

  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }        ///< as configured
  [[nodiscard]] const std::filesystem::path& canonical() const noexcept { return canonical_; }  ///< without links

 private:
  [[nodiscard]] Descriptor open(const std::string& path, std::uint64_t flags) const;
  [[nodiscard]] Descriptor make_parent(const std::filesystem::path& parent, const std::string& path) const;
  [[nodiscard]] Descriptor parent_for_change(const std::string& path, const Protected& forbidden) const;

  std::filesystem::path folder_;
  std::filesystem::path canonical_;
  Descriptor descriptor_;
};

/// A path as a model wrote it, brought to the root that it means. Points into a Roots.
struct Place {
  const Root* root = nullptr;
  std::string path;   ///< relative to the root
  std::string shown;  ///< how it is named to the model
};

/// The roots of one agent. The first is where relative paths start; the others are reached by absolute paths.
class Roots {
 public:
  /// Throws Error(errc::config).
  explicit Roots(const std::vector<std::filesystem::path>& folders);

  /// Throws Error(errc::invalid_argument) for a path that cannot be one, Error(errc::denied) for an absolute path that
  /// is in no root.
  [[nodiscard]] Place place(std::string_view path) const;
  [[nodiscard]] const std::vector<Root>& all() const noexcept { return roots_; }

 private:
  std::vector<Root> roots_;
};

/// Reads a file whole. Throws Error(errc::too_large) above `limit` bytes.
[[nodiscard]] std::string read_whole(const OpenFile& file, std::size_t limit, std::string_view shown);

}  // namespace sennit::files
