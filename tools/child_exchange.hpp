// Private: What a child program is given to read, and what it writes, at the same time: a pipe that nobody empties
// would stop it.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/process.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace sennit {

struct ChildOutput {
  std::string output;
  std::string errors;  ///< the first 4 KiB of its standard error
  bool cut = false;    ///< there was more output; the child was killed
};

/// Writes `input`, closes it, and reads at most `most` bytes of output, until the child closes it. The child's end is
/// still to be waited for. A child that does not read its input is no failure. `owner` keeps `process` alive.
/// Cancellation: terminal; the child goes on, to its owner.
[[nodiscard]] asio::awaitable<ChildOutput> exchange(Environment& environment, std::shared_ptr<void> owner,
                                                    Process& process, std::string input, std::size_t most);

}  // namespace sennit
