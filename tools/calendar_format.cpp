// How moments are written down.
#include <sennit/tools/calendar.hpp>

#include <fmt/format.h>

#include <array>

namespace sennit::calendar {
namespace {

using std::chrono::days;
using std::chrono::local_days;

constexpr std::size_t kMaxPattern = 200;
constexpr std::array<std::string_view, 7> kWeekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};

/// A moment taken apart.
struct Parts {
  year_month_day date;
  std::chrono::hh_mm_ss<seconds> time;
  unsigned weekday;  ///< 0 is Sunday
  int day_of_year;   ///< from 1
  int week;          ///< ISO 8601
  int week_year;
  Zone::Rule rule;
};

Parts take_apart(const Moment& moment) {
  const local_seconds local = moment.local();
  const local_days day = std::chrono::floor<days>(local);
  const year_month_day date(day);
  const unsigned weekday = std::chrono::weekday(day).c_encoding();
  // The ISO week belongs to the year of its Thursday.
  const local_days thursday = day + days(4 - static_cast<int>(weekday == 0 ? 7 : weekday));
  const auto week_year = year_month_day(thursday).year();
  const auto week = (thursday - local_days(week_year / 1 / 1)).count() / 7 + 1;
  const auto day_of_year = (day - local_days(date.year() / 1 / 1)).count() + 1;
  return {date,
          std::chrono::hh_mm_ss<seconds>(local - day),
          weekday,
          static_cast<int>(day_of_year),
          static_cast<int>(week),
          static_cast<int>(week_year),
          moment.zone.at(moment.time)};
}

std::string compact_offset(seconds offset) {
  std::string text = write_offset(offset);
  std::erase(text, ':');
  return text;
}

std::string convert(char conversion, const Moment& moment, const Parts& parts) {
  const int year = static_cast<int>(parts.date.year());
  const unsigned month = static_cast<unsigned>(parts.date.month());
  const unsigned day = static_cast<unsigned>(parts.date.day());
  const auto hour = parts.time.hours().count();
  const auto minute = parts.time.minutes().count();
  const auto second = parts.time.seconds().count();
  switch (conversion) {
    case 'Y':
      return fmt::format("{:04}", year);
    case 'y':
      return fmt::format("{:02}", year % 100);
    case 'm':
      return fmt::format("{:02}", month);
    case 'd':
      return fmt::format("{:02}", day);
    case 'e':
      return fmt::format("{:2}", day);
    case 'H':
      return fmt::format("{:02}", hour);
    case 'I':
      return fmt::format("{:02}", hour % 12 == 0 ? 12 : hour % 12);
    case 'M':
      return fmt::format("{:02}", minute);
    case 'S':
      return fmt::format("{:02}", second);
    case 'p':
      return hour < 12 ? "AM" : "PM";
    case 'A':
      return std::string(kWeekdays[parts.weekday]);
    case 'a':
      return std::string(kWeekdays[parts.weekday].substr(0, 3));
    case 'B':
      return std::string(month_name(month));
    case 'b':
      return std::string(month_name(month).substr(0, 3));
    case 'j':
      return fmt::format("{:03}", parts.day_of_year);
    case 'u':
      return fmt::format("{}", parts.weekday == 0 ? 7 : parts.weekday);
    case 'w':
      return fmt::format("{}", parts.weekday);
    case 'V':
      return fmt::format("{:02}", parts.week);
    case 'G':
      return fmt::format("{:04}", parts.week_year);
    case 'F':
      return fmt::format("{:04}-{:02}-{:02}", year, month, day);
    case 'T':
      return fmt::format("{:02}:{:02}:{:02}", hour, minute, second);
    case 'R':
      return fmt::format("{:02}:{:02}", hour, minute);
    case 'z':
      return compact_offset(parts.rule.offset);
    case 'Z':
      return parts.rule.abbreviation.empty() ? moment.zone.name() : parts.rule.abbreviation;
    case 's':
      return fmt::format("{}", moment.time.time_since_epoch().count());
    case 'n':
      return "\n";
    case '%':
      return "%";
    default:
      refuse(fmt::format(
          "unknown conversion %{} in a format: known are %Y %y %m %d %e %H %I %M %S %p %A %a %B %b %j %u %w "
          "%V %G %F %T %R %z %Z %s %%",
          conversion));
  }
}

/// `JST (UTC+09:00, Asia/Tokyo)`, `UTC`, `UTC+05:30`, `UTC-03:00 (America/Sao_Paulo)`
std::string describe_zone(const Moment& moment, const Zone::Rule& rule) {
  const std::string& name = moment.zone.name();
  if (rule.abbreviation.empty()) return name;
  // Zones without letters of their own are abbreviated by numbers ("-03"): the offset says the same.
  const bool letters = rule.abbreviation[0] >= 'A';
  if (!letters) return fmt::format("UTC{} ({})", write_offset(rule.offset), name);
  return fmt::format("{} (UTC{}, {})", rule.abbreviation, write_offset(rule.offset), name);
}

}  // namespace

std::string_view weekday_name(unsigned index) {
  return kWeekdays[index % 7];
}
std::string_view month_name(unsigned number) {
  return kMonths[(number + 11) % 12];
}

std::string write_wall(local_seconds time) {
  return format({sys_seconds(time.time_since_epoch()), Zone::utc(), false}, "%F %T");
}

std::string describe_point(const Moment& moment) {
  std::string text = format(moment, "%A %F");
  if (moment.date_only) return text;
  return text + fmt::format(" {} {}", format(moment, "%T"), describe_zone(moment, moment.zone.at(moment.time)));
}

std::string describe(const Moment& moment) {
  const Parts parts = take_apart(moment);
  std::string text = fmt::format("{}, week {}", describe_point(moment), parts.week);
  if (parts.week_year != static_cast<int>(parts.date.year())) text += fmt::format(" of {}", parts.week_year);
  return text;
}

std::string format(const Moment& moment, std::string_view pattern) {
  if (pattern.size() > kMaxPattern) refuse(fmt::format("a format of more than {} characters", kMaxPattern));
  const Parts parts = take_apart(moment);
  if (pattern == "iso")
    return format(moment, "%FT%T") + (parts.rule.offset.count() == 0 ? "Z" : write_offset(parts.rule.offset));
  if (pattern == "date") pattern = "%F";
  if (pattern == "time") pattern = "%T";
  if (pattern == "weekday") pattern = "%A";
  if (pattern == "week") pattern = "%G-W%V";
  if (pattern == "unix") pattern = "%s";
  std::string text;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      text += pattern[i];
    } else if (++i == pattern.size()) {
      refuse("a format ends in a lone %; write %% for a percent sign");
    } else {
      text += convert(pattern[i], moment, parts);
    }
  }
  if (text == pattern)
    refuse(fmt::format("a format without any conversion: \"{}\"; write for example %A %H:%M, or iso", pattern));
  return text;
}

}  // namespace sennit::calendar
