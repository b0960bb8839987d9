#include <sennit/backends/catalogue/week_hours.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace sennit {
namespace {

constexpr std::array<std::string_view, 7> kDays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr int kMinutesOfDay = 24 * 60;

std::optional<int> parse_digits(std::string_view text, std::size_t count) {
  int value = 0;
  if (text.size() != count || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return {};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<int> parse_day(std::string_view text) {
  const auto* found = std::ranges::find(kDays, text);
  return found == kDays.end() ? std::nullopt : std::optional<int>(static_cast<int>(found - kDays.begin()));
}

/// "01:30" as minutes; 24:00 is the end of a day.
std::optional<int> parse_minute(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return {};
  const auto hour = parse_digits(text.substr(0, 2), 2);
  const auto minute = parse_digits(text.substr(3), 2);
  if (!hour || !minute || *minute > 59 || *hour * 60 + *minute > kMinutesOfDay) return {};
  return *hour * 60 + *minute;
}

/// The two sides of "A-B"; A alone is both.
std::pair<std::string_view, std::string_view> sides(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return {text, text};
  return {text.substr(0, dash), text.substr(dash + 1)};
}

bool take_word(std::string_view word, WeekHours& hours, bool& named_days) {
  const auto [first, last] = sides(word);
  if (const auto from = parse_day(first), until = parse_day(last); from && until) {
    if (!named_days) hours.days = 0;
    named_days = true;
    for (int day = *from;; day = (day + 1) % 7) {
      hours.days = static_cast<std::uint8_t>(hours.days | (1U << static_cast<unsigned>(day)));
      if (day == *until) return true;
    }
  }
  const auto from = parse_minute(first);
  const auto until = parse_minute(last);
  if (!from || !until || *from >= *until) return false;
  hours.spans.push_back({*from, *until});
  return true;
}

}  // namespace

std::optional<WallTime> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return {};
  const auto year = parse_digits(text.substr(0, 4), 4);
  const auto month = parse_digits(text.substr(5, 2), 2);
  const auto day = parse_digits(text.substr(8), 2);
  if (!year || !month || !day) return {};
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return {};
  return WallTime(std::chrono::sys_days(date));
}

std::optional<WeekHours> parse_week_hours(std::string_view text) {
  WeekHours hours;
  bool named_days = false;
  bool any = false;
  while (!text.empty()) {
    const std::size_t gap = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, gap);
    text.remove_prefix(std::min(gap + 1, text.size()));
    if (word.empty()) continue;
    if (!take_word(word, hours, named_days)) return {};
    any = true;
  }
  if (!any) return {};
  return hours;
}

bool WeekHours::contains(WallTime time) const {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const unsigned weekday = std::chrono::weekday(std::chrono::sys_days(day)).iso_encoding() - 1;
  if ((this->days & (1U << weekday)) == 0) return false;
  if (spans.empty()) return true;
  const auto minute = std::chrono::floor<std::chrono::minutes>(time - day).count();
  return std::ranges::any_of(spans, [&](const Span& span) { return span.from <= minute && minute < span.until; });
}

}  // namespace sennit
