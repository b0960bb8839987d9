// Private: what a run is bound to. A run that goes on with another agent than it began with would be neither of both.
#pragma once

#include <sennit/agent/agent_parts.hpp>

#include <string>
#include <string_view>

namespace sennit {

/// The agent's settings, its tools as the model is told of them, its planner and its version, and by digest its
/// sub-agents ("agents": {NAME: {"pin": DIGEST}}).
[[nodiscard]] json::value make_pin(const Agent::Parts& parts, json::object agents);

/// What differs, for people; empty: nothing.
[[nodiscard]] std::string pin_difference(const json::value& was, const json::value& is);

/// The same for what decides how a recorded run is told again: what the model is asked, and who asks. Limits, policy
/// and the way to the server may change: where they make a difference, the effects tell.
[[nodiscard]] std::string prompt_difference(const json::value& was, const json::value& is);

}  // namespace sennit
