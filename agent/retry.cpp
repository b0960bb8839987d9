#include <sennit/agent/retry.hpp>

#include <algorithm>

namespace sennit {

milliseconds retry_delay(const RetrySettings& retry, std::uint32_t attempt, const Error& error, std::uint64_t random) {
  if (error.retry_after()) return *error.retry_after();
  const milliseconds base = std::min(retry.delay * (1U << std::min(attempt - 2, 16U)), retry.longest);
  if (base < milliseconds(2)) return base;
  const auto jitter = static_cast<std::int64_t>(random % static_cast<std::uint64_t>(base.count()));
  return std::min(base / 2 + milliseconds(jitter), retry.longest);
}

}  // namespace sennit
