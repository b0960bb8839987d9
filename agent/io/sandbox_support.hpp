// Private: what was found out about this machine.
#pragma once

#include <sennit/agent/io/sandbox.hpp>
#include <sennit/agent/io/sandbox_groups.hpp>

namespace sennit::sandbox {

/// Where control groups can be made; looked for once. [thread-safe]
[[nodiscard]] const GroupPlaces& group_places();

}  // namespace sennit::sandbox
