// The tool `clock`: what time it is, somewhere, then, and how long until (calendar.hpp).
#pragma once

#include <sennit/agent/registry.hpp>

#include <memory>
#include <vector>

namespace sennit {

/// The factory of `clock`. Options: `zone`, the zone that is meant where none is said (default: the machine's own).
/// Throws Error(errc::config) for another option or a zone that does not exist.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_clock(const json::object& options, const PartContext& context);

}  // namespace sennit
