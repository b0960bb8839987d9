// Private: what a tree of processes uses, for where no control group bounds it.
#pragma once

#include <cstdint>

namespace sennit::sandbox {

struct Use {
  std::int64_t tasks = 0;   ///< processes and their threads
  std::int64_t memory = 0;  ///< bytes that are nobody else's: anonymous, and shared without a file
};

/// Whether the kernel says who descends from whom.
[[nodiscard]] bool can_watch();

/// Of everybody below the process `root`, without it. Blocking, some ten microseconds a process; stops counting above
/// `most` tasks.
[[nodiscard]] Use measure(int root, std::int64_t most);

}  // namespace sennit::sandbox
