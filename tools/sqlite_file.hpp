// Private: The file of a database, opened where it was configured and nowhere else.
//
// SQLite opens a file and its journals by path, and whoever may change a folder beside the agent (its shell) may put a
// link in the place of either. So the folder is reached without links and held open while SQLite works in it; and a
// journal that somebody planted names no further file: SQLite would delete it.
#pragma once

#include <sennit/tools/files_root.hpp>

#include <filesystem>
#include <string>

namespace sennit::sqlite {

/// Where the file is, with the links in the way of its folder resolved: for HeldFile, whatever is put there later.
[[nodiscard]] std::filesystem::path fixed_path(const std::filesystem::path& file);

class HeldFile {
 public:
  /// `file` as fixed_path() gives it. Throws Error: not_found, or denied where it is a link or no regular file, or its
  /// folder has become a link.
  explicit HeldFile(const std::filesystem::path& file);
  /// For SQLite with held_vfs(), while this lives.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  files::Descriptor folder_;
  std::string path_;
};

/// The name of the VFS that takes paths as they are and opens no super-journal.
[[nodiscard]] const char* held_vfs();

/// SQLite's code where a journal names another file: the database was rolled back, that file was left alone.
[[nodiscard]] bool is_super_journal(int code) noexcept;

}  // namespace sennit::sqlite
