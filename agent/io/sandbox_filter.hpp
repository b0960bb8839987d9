// Private: the system calls that a sandboxed program has no business with.
#pragma once

#include <string>

namespace sennit::sandbox {

/// The filter as the kernel takes it (an array of sock_filter). Made once. Throws Error: internal, io. [thread-safe]
[[nodiscard]] const std::string& filter();

}  // namespace sennit::sandbox
