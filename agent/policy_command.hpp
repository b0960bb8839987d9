// Private: Command lines as a policy reads them. Of a line for a shell it reads what the shell need not run to know:
// words, quotes, and one command after another.
#pragma once

#include <sennit/agent/policy_match.hpp>

#include <string_view>

namespace sennit {

/// A rule that allows takes a single command, as it is written. One that asks or denies looks at each command, without
/// its quotes and without its program's folder, and takes every script that cannot be read.
[[nodiscard]] bool fits_command(std::string_view pattern, std::string_view line, bool script, Reading reading);

}  // namespace sennit
