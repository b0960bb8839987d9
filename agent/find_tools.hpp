// Private: asks an agent's sources which tools there are: an effect, so that a run is told again with the tools it had.
#pragma once

#include <sennit/agent/effects_state.hpp>

namespace sennit {

/// Fills `state.sourced`. Throws Error of a source that is required; of others it tells.
[[nodiscard]] asio::awaitable<void> find_tools(Effects::State& state);

/// What a call of tool_search found is shown to the model from now on.
void show_found(Effects::State& state, const ToolCall& call);

}  // namespace sennit
