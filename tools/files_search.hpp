// Private: Finding text in files. The pattern comes from a model, so it is matched by RE2: its time grows with the text
// alone, where a backtracking engine (std::regex) can be made to run for ever or to overflow the stack.
#pragma once

#include <sennit/agent/schema/described.hpp>
#include <sennit/tools/files_root.hpp>
#include <sennit/tools/files_walk.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace sennit::files {

inline constexpr std::size_t kMaxMatches = 1000;             ///< lines that match
inline constexpr std::size_t kMaxSearchOutput = 28U << 10U;  ///< bytes: fits into what a model is handed by default
inline constexpr std::size_t kMaxSearchedFile = 8U << 20U;   ///< larger files are data, not text to read
inline constexpr std::size_t kMaxSearched = 512U << 20U;     ///< bytes of all files together
inline constexpr std::size_t kMaxShownLine = 300;            ///< bytes of a line that are shown around the match

struct SearchArguments {
  std::string pattern;
  bool regex = false;
  bool ignore_case = false;
  std::string path = ".";
  std::optional<std::string> glob;
  std::size_t context = 0;
  std::size_t limit = 100;
};
SENNIT_DESCRIBE(SearchArguments,
                (pattern, "text to find, matched within one line", {.min_length = 1, .max_length = 1000}),
                (regex, "the pattern is a regular expression (RE2 syntax)", {.required = false}),
                (ignore_case, "upper and lower case are the same", {.required = false}),
                (path, "folder to search, or one file"),
                (glob, "search only files that match: *.md, src/**/*.cpp, *.{h,hpp}"),
                (context, "lines to show around each match", {.maximum = 20, .required = false}),
                (limit, "stop after this many matches", {.minimum = 1, .maximum = 1000}))

/// `path:line: text` for a match, `path-line- text` for its context.
/// Says how many files were left out by `omit`.
[[nodiscard]] std::string search(const Roots& roots, const SearchArguments& arguments, const StopFlag& stop,
                                 const Omit& omit = {});

}  // namespace sennit::files
