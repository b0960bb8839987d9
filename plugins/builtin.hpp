// Everything that ships with Sennit, as one Registry. A program that wants less fills its own.
#pragma once

#include <sennit/agent/registry.hpp>

namespace sennit {

/// Backends: auto, scripted, replay, and chat-completions under its providers' names. Tools: calculator, clock,
/// files, http, ask. Memory: notes. Planner: tool-loop.
[[nodiscard]] Registry builtin();

}  // namespace sennit
