// Private: A patch on the files of an agent's roots: all of it or nothing. Blocking; belongs on a pool thread.
#pragma once

#include <sennit/tools/files_access.hpp>
#include <sennit/tools/patch_parse.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sennit::patch {

/// Reads every file and works everything out before the first is written; where a write fails, what was done before is
/// undone. Gives a line for each file. `random` names files that are on their way out. Throws Error as the files' own
/// functions and apply() do; the message names the file.
[[nodiscard]] std::string apply_to_files(const files::Access& access, const std::vector<Change>& changes,
                                         std::uint64_t random, const files::StopFlag& stop);

}  // namespace sennit::patch
