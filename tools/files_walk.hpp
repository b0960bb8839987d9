// Going through a folder: names, globs and bounds, shared by listing and searching.
#pragma once

#include <sennit/tools/files_root.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sennit::files {

inline constexpr std::size_t kMaxVisited = 200'000;  ///< names looked at by one call: a whole disk is a mistake
inline constexpr std::size_t kMaxWalkDepth = 64;     ///< nesting of folders: each one costs a descriptor

/// Set when nobody waits for the result any more: work on a pool thread looks at it and ends early.
using StopFlag = std::shared_ptr<const std::atomic<bool>>;

/// `*` and `?` stay within a name, `**` crosses folders, `[…]` and `{a,b}` are sets. A pattern without `/` is matched
/// against the last name only, so that `*.cpp` finds sources in every folder. Immutable. [thread-safe]
class Glob {
 public:
  /// Throws Error(errc::invalid_argument) if it cannot be understood. Empty: matches everything.
  explicit Glob(std::string_view pattern);
  ~Glob();
  /// `path` is relative to where the walk began.
  [[nodiscard]] bool matches(std::string_view path) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

enum class EntryKind { file, folder, link, other };

/// Valid during the visit.
struct Entry {
  EntryKind kind = EntryKind::other;
  std::string_view path;  ///< relative to where the walk began
  std::int64_t size = 0;  ///< files
  int directory = -1;     ///< the folder that holds it, open
  const char* name = nullptr;
};

/// Whether to leave out what lies at this path below the folder where the walk began. Empty: nothing.
using Omit = std::function<bool(std::string_view path)>;

enum class Visit { go_on, skip, stop };  ///< skip: do not enter this folder

struct Walk {
  bool whole = true;  ///< false: kMaxVisited or kMaxWalkDepth was reached, or `stop` was set
};

/// What is said where `omitted` entries were.
[[nodiscard]] std::string omitted_text(std::size_t omitted);

/// Visits what is in `directory`, each folder's names in order; folders before what is in them. Links are shown and
/// never followed. `depth` 1 stays in `directory`. Folders that cannot be read are passed over.
Walk walk(Descriptor directory, std::size_t depth, const StopFlag& stop,
          const std::function<Visit(const Entry&)>& visit);

}  // namespace sennit::files
