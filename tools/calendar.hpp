// Private: Time zones and moments: what the tool `clock` computes with.
//
// The calendar is std::chrono's; the zones come from the system's tz database through the date library, which stays
// behind calendar_zone.cpp. A moment keeps its zone, so that adding a day keeps the time on the wall.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace date {
class time_zone;
}

namespace sennit::calendar {

using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

class YearlyRule;

inline constexpr int kFirstYear = 1;
inline constexpr int kLastYear = 9999;

/// A zone of the tz database, or a fixed offset. A value.
class Zone {
 public:
  Zone() = default;
  [[nodiscard]] static Zone utc() { return fixed(seconds(0)); }
  [[nodiscard]] static Zone fixed(seconds offset);
  /// The zone that the environment variable TZ names, else the machine's; UTC where that cannot be found out.
  [[nodiscard]] static Zone local();
  /// By IANA name in any case ("europe/berlin"), by a city ("Tokyo", "New York", "Munich"), by a common abbreviation
  /// ("PST"), or by an offset ("+02:00", "UTC-5"). Throws Error(errc::invalid_argument) naming near ones.
  [[nodiscard]] static Zone find(std::string_view name);

  struct Rule {
    seconds offset;
    std::string abbreviation;  ///< "CEST"; empty for a fixed offset
  };
  /// What holds in this zone at `time`.
  [[nodiscard]] Rule at(sys_seconds time) const;

  /// What the clocks on the wall show at `time`.
  [[nodiscard]] local_seconds to_local(sys_seconds time) const;
  /// When the clocks on the wall show `time`. A time that a change skips is moved forward by the gap, of a time that
  /// comes twice the first is taken; `note` then says so.
  [[nodiscard]] sys_seconds to_system(local_seconds time, std::string& note) const;

  /// What a person should know where the zone was found by an abbreviation of its other season: EST is winter's, and
  /// New York has EDT at `time`. Empty otherwise.
  [[nodiscard]] std::string wrong_season(sys_seconds time) const;

  /// "Europe/Berlin", "UTC", "UTC+05:30"
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  explicit Zone(const date::time_zone& rules);

  std::string name_;
  std::string asked_;  ///< what it was found by, in capitals
  seconds offset_{0};
  const date::time_zone* rules_ = nullptr;
  std::shared_ptr<const YearlyRule> later_;  ///< after the last change that `rules_` knows; null: nothing changes
};

/// `+02:00`
[[nodiscard]] std::string write_offset(seconds offset);

/// `2026-11-24 09:22:05`
[[nodiscard]] std::string write_wall(local_seconds time);

/// A point in time as somebody somewhere would say it.
struct Moment {
  sys_seconds time;
  Zone zone;
  bool date_only = false;  ///< a day was meant, `time` is its midnight
  [[nodiscard]] local_seconds local() const { return zone.to_local(time); }
};

/// Reads a time: `now`, `2026-03-29 14:30`, `2026-03-29T14:30:00Z`, `14:30`, `3pm`, `tomorrow 9:00`, `next friday`,
/// `in 3 hours`, `2 days ago`, `25 December 2026`, `2026-W13-7`, `@1700000000` (Unix), each optionally with a zone or
/// an offset at the end. What is not said is taken from `now` in `zone`. Throws Error(errc::invalid_argument) saying
/// what was not understood. `note` receives what a person should know (see Zone::to_system).
[[nodiscard]] Moment read_moment(std::string_view text, sys_seconds now, const Zone& zone, std::string& note,
                                 bool upcoming = false);

/// Adds a span: `3 days`, `-2 months 1 week`, `+1.5 hours`, `90 minutes ago`. Months and years keep the day, or take
/// the month's last one (31 January + 1 month is 28 or 29 February); days and weeks keep the time on the wall; hours,
/// minutes and seconds are counted as they pass. Throws Error(errc::invalid_argument).
[[nodiscard]] Moment add_span(const Moment& moment, std::string_view span, std::string& note);

/// `31 days (1 month 1 day) from … to …`
[[nodiscard]] std::string describe_difference(const Moment& from, const Moment& to);

/// `Tuesday 2026-11-24 09:22:05 JST (UTC+09:00, Asia/Tokyo)`, or the day alone
[[nodiscard]] std::string describe_point(const Moment& moment);
/// The same, with the ISO week: `…, week 48`
[[nodiscard]] std::string describe(const Moment& moment);

/// strftime-like (%Y %m %d %H %M %S %A %B %V %Z …), or a name: iso, date, time, weekday, week, unix.
/// Throws Error(errc::invalid_argument) naming the conversion that is not known.
[[nodiscard]] std::string format(const Moment& moment, std::string_view pattern);

/// English, in the order of std::chrono (Sunday first, January first).
[[nodiscard]] std::string_view weekday_name(unsigned index);
[[nodiscard]] std::string_view month_name(unsigned number);

/// Throws Error(errc::invalid_argument) if the year leaves [kFirstYear, kLastYear].
void check_year(local_seconds time);

[[noreturn]] void refuse(std::string message);

}  // namespace sennit::calendar
