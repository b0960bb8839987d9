// Private: what must be held until children have ended whose end nobody waited for.
#pragma once

#include <sennit/agent/io/sandbox_gate.hpp>
#include <sennit/agent/io/sandbox_roots.hpp>

#include <memory>
#include <vector>

namespace sennit::sandbox {

/// Keeps them until the process `keeper`, and with it its tree, has ended. `gate`: null where the program has begun.
/// [thread-safe]
void leave_behind(int keeper, std::vector<Placeholder> placeholders, std::unique_ptr<Gate> gate);
/// Removes those of the trees that have. To be called with each start. [thread-safe]
void clear_leftovers();

}  // namespace sennit::sandbox
