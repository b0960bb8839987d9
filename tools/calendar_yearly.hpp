// Private: The rule that a tz file ends with: what holds in every year after its table of changes.
//
// The date library reads the table alone, which ends in 2037 at the latest: without the rule no summer comes after
// that.
#pragma once

#include <sennit/tools/calendar.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace sennit::calendar {

/// Summer time that begins and ends by the same rule every year. A value.
class YearlyRule {
 public:
  /// From the form of POSIX that RFC 8536 (3.3) puts at the end of a file: `CET-1CEST,M3.5.0,M10.5.0/3`. Nothing if
  /// there is no summer time in it.
  [[nodiscard]] static std::optional<YearlyRule> parse(std::string_view text);
  /// Of a zone of the system's database. Nothing if there is none, or the file cannot be read.
  [[nodiscard]] static std::optional<YearlyRule> of_zone(const std::string& name);

  [[nodiscard]] Zone::Rule at(sys_seconds time) const;

 private:
  class Reader;

  /// A day of the year, and the time on the wall until then.
  struct Change {
    unsigned month = 0;    ///< 0: `day` counts the days of a year from 1 January, which is 0
    unsigned week = 0;     ///< the n-th `day`, a day of the week, of the month; 5: the last one
    unsigned day = 0;      ///< from Sunday, which is 0
    bool no_leap = false;  ///< 29 February is not counted
    seconds time = std::chrono::hours(2);
    [[nodiscard]] local_seconds in(std::chrono::year year) const;
  };

  Zone::Rule standard_;
  Zone::Rule summer_;
  Change begin_;  ///< of summer
  Change end_;
};

}  // namespace sennit::calendar
