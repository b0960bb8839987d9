// Private: Looking at files: a folder's contents, a file's lines. Blocking; belongs on a pool thread.
#pragma once

#include <sennit/agent/schema/described.hpp>
#include <sennit/tools/files_root.hpp>
#include <sennit/tools/files_walk.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sennit::files {

inline constexpr std::size_t kMaxListed = 1000;          ///< entries of one listing
inline constexpr std::size_t kMaxRead = 48U << 10U;      ///< bytes of one reading: about 12,000 tokens
inline constexpr std::size_t kMaxScanned = 256U << 20U;  ///< bytes passed over to reach the first line
inline constexpr std::size_t kBinaryProbe = 8U << 10U;   ///< a NUL in the first bytes means that it is no text

struct ListArguments {
  std::string path = ".";
  std::optional<std::string> glob;
  std::optional<std::size_t> depth;
};
SENNIT_DESCRIBE(ListArguments, (path, "folder to list"),
                (glob, "list only what matches, in all folders below: *.md, src/**/*.cpp, *.{h,hpp}"),
                (depth, "levels of folders; 1 if left out, all with a glob", {.minimum = 1, .maximum = 64}))

/// One entry a line: `src/`, `notes.txt  120 bytes`, `latest -> v2`. Says how many were left out by `omit`.
[[nodiscard]] std::string list(const Roots& roots, const ListArguments& arguments, const StopFlag& stop,
                               const Omit& omit = {});

struct ReadArguments {
  std::string path;
  std::size_t from = 1;
  std::optional<std::size_t> lines;
};
SENNIT_DESCRIBE(ReadArguments, (path, "file to read"), (from, "first line, counted from 1", {.minimum = 1}),
                (lines, "number of lines; as many as fit if left out", {.minimum = 1}))

/// The lines as they are, and a last line in brackets where something was left out.
[[nodiscard]] std::string read(const Roots& roots, const ReadArguments& arguments, const StopFlag& stop);

/// True if the beginning of a file says that it is no text.
[[nodiscard]] bool looks_binary(std::string_view beginning);

/// A file's name on one line, whatever it holds.
[[nodiscard]] std::string printable(std::string_view name);

}  // namespace sennit::files
