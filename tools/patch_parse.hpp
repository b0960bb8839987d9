// Private: A unified diff, as `diff -u` and git write it and models imitate it, taken apart. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::patch {

inline constexpr std::size_t kMaxPatch = 1U << 20U;  ///< bytes of a patch
inline constexpr std::size_t kMaxFiles = 100;

/// A line of a hunk, without its line end.
struct Line {
  enum class Kind { context, removed, added } kind = Kind::context;
  std::string text;
  bool no_newline = false;  ///< it is the file's last one and has no line end
};

struct Hunk {
  std::size_t line = 0;  ///< where it stands in the old file, from 1; 0: in an empty one
  std::vector<Line> lines;
  std::size_t number = 0;    ///< among the hunks of its file, from 1
  std::string miscounted{};  ///< what was wrong with the counts in its header; empty: nothing
};

/// What happens to one file.
struct Change {
  enum class Kind { modify, create, remove, rename } kind = Kind::modify;
  std::string from;  ///< empty for create
  std::string to;    ///< empty for remove
  std::vector<Hunk> hunks;
  std::string mode{};  ///< that the patch wants for the file, "100755"; empty: none was named
};

/// Throws Error(errc::invalid_argument) that names the line of the patch: no diff at all, binary, a copy, a hunk
/// without a file, a file changed twice; Error(errc::too_large).
[[nodiscard]] std::vector<Change> parse(std::string_view text);

/// The paths that a text means to touch, as far as it can be read; never throws.
[[nodiscard]] std::vector<std::string> paths_in(std::string_view text);

}  // namespace sennit::patch
