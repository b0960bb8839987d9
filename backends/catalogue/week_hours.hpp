// Private: The notations of days and hours in the catalogue.
#pragma once

#include <sennit/backends/catalogue/catalogue.hpp>

#include <optional>
#include <string_view>

namespace sennit {

/// "2026-11-26": its first moment, in UTC.
[[nodiscard]] std::optional<WallTime> parse_date(std::string_view text);

/// "mon-fri 01:00-04:00 06:00-10:00", "01:00-04:00", "sat-sun". Hours do not reach over midnight.
[[nodiscard]] std::optional<WeekHours> parse_week_hours(std::string_view text);

}  // namespace sennit
