// Private: placeholders of children whose end nobody waited for.
#pragma once

#include <sennit/agent/io/sandbox_roots.hpp>

#include <vector>

namespace sennit::sandbox {

/// Keeps them until the process `keeper`, and with it its tree, has ended. [thread-safe]
void leave_behind(int keeper, std::vector<Placeholder> placeholders);
/// Removes those of the trees that have. To be called with each start. [thread-safe]
void clear_leftovers();

}  // namespace sennit::sandbox
