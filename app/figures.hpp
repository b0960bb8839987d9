// Numbers as a person reads them: tokens, money, time.
#pragma once

#include <sennit/agent/usage.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace sennit::app {

/// 12,345
[[nodiscard]] std::string grouped(std::int64_t number);
/// 0.4 ms, 12 ms, 3.2 s, 2 min 5 s
[[nodiscard]] std::string duration(std::chrono::microseconds time);
/// $0.0012, €1.50, 3.20 CNY: at least two digits that matter.
[[nodiscard]] std::string money(const Cost& cost);
/// "83 %" of the input came from the provider's cache; empty if none did, or that is not known.
[[nodiscard]] std::string cached_share(const Usage& usage);
/// "1,204 in (85 % cached) · 56 out (12 reasoning)": what is known of it; empty if nothing is.
[[nodiscard]] std::string tokens(const Usage& usage);

}  // namespace sennit::app
