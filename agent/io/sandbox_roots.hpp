// Private: the folders that a sandbox shows, found once and recognised again; and what must not change in them.
#pragma once

#include <sennit/agent/io/process_pipes.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace sennit::sandbox {

/// A file or folder as it was when the sandbox was configured.
struct Shown {
  std::filesystem::path path;  ///< without links
  bool writable = false;
  bool folder = false;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::shared_ptr<const process::Descriptor> held{};  ///< open, so that no other gets its number
};

/// Parents before what is in them; what another one shows already is left out. Throws Error(errc::config).
[[nodiscard]] std::vector<Shown> find_roots(const std::vector<std::filesystem::path>& read,
                                            const std::vector<std::filesystem::path>& write);

/// Throws Error(errc::denied) if it is not at its place any more: a child with a folder above it may have put a link
/// there.
void check_unchanged(const Shown& shown);

/// What stands where something must not be made: a file of ours that says so, locked while it is needed, and removed
/// with the last of its users.
class Placeholder {
 public:
  /// Makes it or shares it. Throws Error(errc::io), Error(errc::busy) if somebody holds its lock for himself.
  explicit Placeholder(std::filesystem::path path);
  Placeholder(Placeholder&&) noexcept = default;
  Placeholder& operator=(Placeholder&&) = delete;
  ~Placeholder();

 private:
  std::filesystem::path path_;
  process::Descriptor file_;
};

/// What one child must not change, made ready.
struct Kept {
  std::vector<std::filesystem::path> pinned;  ///< folders above it: bound onto themselves they cannot be renamed
  std::vector<std::filesystem::path> fixed;   ///< bound read-only
  std::vector<Placeholder> placeholders;
};

/// `keep`: as in Settings. Throws Error(errc::config) for what may be written to itself, and for what is reached by a
/// link in a folder that may be written to: the link could be replaced.
void check_kept(const std::vector<std::filesystem::path>& keep, const std::vector<Shown>& roots);

/// For one child. Throws what check_kept() and Placeholder throw.
[[nodiscard]] Kept keep(const std::vector<std::filesystem::path>& keep, const std::vector<Shown>& roots);

/// What a child must find at a path.
struct Meant {
  std::filesystem::path path;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

/// Of all that is bound: the roots, and what is kept as it stands in them, reached without a link. Throws
/// Error(errc::denied) if it is not.
[[nodiscard]] std::vector<Meant> meant_by(const std::vector<Shown>& roots, const Kept& kept);

}  // namespace sennit::sandbox
