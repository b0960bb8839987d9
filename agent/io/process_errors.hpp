// Private: why a command could not be started, in words that name it and say what to do.
#pragma once

#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/process_keeper.hpp>

#include <string>

namespace sennit::process {

/// The system's words for an errno.
[[nodiscard]] std::string words(int error);

/// Out of processes, descriptors or memory.
[[nodiscard]] Error scarce(const std::string& program, int error);

/// `step` failed with the errno `error`.
[[nodiscard]] Error failure_to_start(const std::string& program, const std::string& directory, keeper::Step step,
                                     int error);

}  // namespace sennit::process
