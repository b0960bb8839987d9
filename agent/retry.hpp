// Private: When a request that failed is sent again.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/io/error.hpp>

#include <cstdint>

namespace sennit {

/// How long to wait before `attempt`: what the server asked for, else doubling with jitter, `random` bits of it.
/// REQUIRES: `attempt` is 2 or more.
[[nodiscard]] milliseconds retry_delay(const RetrySettings& retry, std::uint32_t attempt, const Error& error,
                                       std::uint64_t random);

}  // namespace sennit
