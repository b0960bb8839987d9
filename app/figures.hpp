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
/// "1,204 in (85 % cached) · 56 out (12 reasoning)": what is known of it; empty if nothing is.
[[nodiscard]] std::string tokens(const Usage& usage);

}  // namespace sennit::app
