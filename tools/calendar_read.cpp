// How times are read: word by word, each word deciding for itself what it is.
#include <sennit/tools/calendar.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace sennit::calendar {
namespace {

using std::chrono::days;
using std::chrono::local_days;

constexpr std::size_t kMaxText = 100;               // bytes of a time
constexpr std::int64_t kMaxUnix = 253'402'300'799;  // 9999-12-31 23:59:59

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return result;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes a number of `least` to `most` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t least, std::size_t most) {
  std::size_t length = 0;
  while (length < text.size() && length < most && is_digit(text[length])) ++length;
  if (length < least || (length < text.size() && is_digit(text[length]))) return std::nullopt;
  int value = 0;
  std::from_chars(text.data(), text.data() + length, value);
  text.remove_prefix(length);
  return value;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// "mon", "monday", "tues": an unambiguous beginning of at least three letters.
template <class Name>
std::optional<unsigned> find_name(std::string_view word, unsigned first, unsigned count, Name name) {
  if (word.ends_with('.')) word.remove_suffix(1);
  if (word.size() < 3) return std::nullopt;
  for (unsigned i = first; i < first + count; ++i) {
    if (lower(name(i)).starts_with(word)) return i;
  }
  return std::nullopt;
}

class Reader {
 public:
  Reader(std::string_view text, sys_seconds now, const Zone& zone, bool upcoming)
      : text_(text), now_(now), zone_(zone), upcoming_(upcoming) {}

  Moment run(std::string& note) {
    if (text_.size() > kMaxText) refuse(fmt::format("a time of {} characters", text_.size()));
    split();
    for (at_ = 0; at_ < words_.size(); ++at_) {
      if (!read_word(lower(words_[at_]))) read_zone();
    }
    return finish(note);
  }

 private:
  [[noreturn]] void fail(std::string_view reason) const {
    refuse(fmt::format("\"{}\" is not understood as a time: {}", text_, reason));
  }

  void split() {
    std::string word;
    for (const char c : text_) {
      const bool space = c == ' ' || c == ',' || c == '\t' || c == '\n';
      if (!space) word += c;
      if (space && !word.empty()) words_.push_back(std::exchange(word, {}));
    }
    if (!word.empty()) words_.push_back(word);
    if (words_.empty()) fail("it is empty");
  }

  bool read_word(const std::string& word) {
    return read_filler(word) || read_relative(word) || read_weekday(word) || read_month(word) || read_date(word) ||
           read_clock(word) || read_half(word) || read_unix(word) || read_number(word);
  }

  static bool read_filler(std::string_view word) {
    constexpr std::string_view kFillers[] = {"at", "on", "the", "of", "o'clock", "time", "in"};
    return std::find(std::begin(kFillers), std::end(kFillers), word) != std::end(kFillers);
  }

  bool read_relative(std::string_view word) {
    if (word == "now") return absolute_ = now_, true;
    if (word == "today") return set_day(days(0));
    if (word == "tomorrow") return set_day(days(1));
    if (word == "yesterday") return set_day(days(-1));
    if (word == "day") return read_day_beyond();
    if (word == "noon" || word == "midday") return set_clock(std::chrono::hours(12));
    if (word == "midnight") return set_clock(seconds(0));
    if (word == "next") return direction_ = Direction::next, true;
    if (word == "last" || word == "previous") return direction_ = Direction::last, true;
    if (word == "this") return direction_ = Direction::here, true;
    return false;
  }

  /// The day after tomorrow, the day before yesterday.
  bool read_day_beyond() {
    if (at_ + 2 >= words_.size()) return false;
    const std::string side = lower(words_[at_ + 1]);
    const std::string day = lower(words_[at_ + 2]);
    const bool after = side == "after" && day == "tomorrow";
    if (!after && !(side == "before" && day == "yesterday")) return false;
    at_ += 2;
    return set_day(days(after ? 2 : -2));
  }

  bool read_weekday(std::string_view word) {
    const auto name = [](unsigned i) { return weekday_name(i); };
    const auto weekday = find_name(word, 0, 7, name);
    if (weekday) weekday_ = std::chrono::weekday(*weekday);
    return weekday.has_value();
  }

  bool read_month(std::string_view word) {
    const auto name = [](unsigned i) { return month_name(i); };
    const auto month = find_name(word, 1, 12, name);
    if (month) month_ = month;
    return month.has_value();
  }

  /// 2026-03-29, 2026/03/29, 2026-W13-7, 29.03.2026; a time may follow after a T.
  bool read_date(std::string_view word) {
    std::string_view rest = word;
    const auto year = take_number(rest, 4, 4);
    if (year && take(rest, "-w")) return read_week(*year, rest);
    const char separator = !year || rest.empty() ? '\0' : rest[0];
    if (separator == '-' || separator == '/') {
      rest.remove_prefix(1);
      const auto month = take_number(rest, 1, 2);
      if (!month || rest.empty() || rest[0] != separator) fail("a date is written 2026-03-29");
      rest.remove_prefix(1);
      const auto day = take_number(rest, 1, 2);
      if (!day) fail("a date is written 2026-03-29");
      set_day(*year, *month, *day);
      return read_after_date(rest);
    }
    rest = word;
    const auto first = take_number(rest, 1, 2);
    if (!first || rest.empty() || (rest[0] != '.' && rest[0] != '/')) return false;
    const bool slash = rest[0] == '/';
    rest.remove_prefix(1);
    const auto second = take_number(rest, 1, 2);
    if (!second || rest.size() < 2 || (rest[0] != '.' && rest[0] != '/')) return false;
    rest.remove_prefix(1);
    const auto third = take_number(rest, 4, 4);
    if (!third) return false;
    if (slash) fail("it can be read in two ways: write 2026-03-29");
    set_day(*third, *second, *first);
    return read_after_date(rest);
  }

  bool read_week(int year, std::string_view rest) {
    const auto week = take_number(rest, 2, 2);
    if (!week || *week < 1 || *week > 53) fail("a week is written 2026-W13 or 2026-W13-7");
    int weekday = 1;
    if (take(rest, "-")) weekday = take_number(rest, 1, 1).value_or(0);
    if (weekday < 1 || weekday > 7) fail("the days of a week are 1 (Monday) to 7");
    // Week 1 holds 4 January.
    const local_days fourth{std::chrono::year(year) / 1 / 4};
    const local_days monday = fourth - (std::chrono::weekday(fourth) - std::chrono::Monday);
    const local_days day = monday + days(7 * (*week - 1) + weekday - 1);
    if (year_month_day(day + days(4 - weekday)).year() != std::chrono::year(year)) fail("that year has 52 weeks");
    set_day(day);
    return read_after_date(rest);
  }

  bool read_after_date(std::string_view rest) {
    if (rest.empty()) return true;
    if (!take(rest, "t") && !take(rest, "_")) fail("after the date");
    if (!read_clock(rest)) fail(fmt::format("\"{}\" is no time of day", rest));
    return true;
  }

  /// 14:30, 14:30:05.25, 3pm, 3:30am, 14:30z, 14:30+02:00
  bool read_clock(std::string_view word) {
    std::string_view rest = word;
    const auto hour = take_number(rest, 1, 2);
    if (!hour) return false;
    int minute = 0;
    int second = 0;
    const bool colon = take(rest, ":");
    if (colon) {
      const auto minutes = take_number(rest, 2, 2);
      if (!minutes) return false;
      minute = *minutes;
      if (take(rest, ":")) second = take_number(rest, 2, 2).value_or(99);
      if (take(rest, ".")) rest.remove_prefix(std::min(rest.find_first_not_of("0123456789"), rest.size()));
    }
    if (!colon && !rest.starts_with("am") && !rest.starts_with("pm") && !(rest == "h" || rest == "z")) return false;
    take(rest, "h");
    const bool midnight_after = *hour == 24 && minute == 0 && second == 0;
    if ((*hour > 23 && !midnight_after) || minute > 59 || second > 59)
      fail("times of day go from 00:00:00 to 23:59:59");
    set_clock(std::chrono::hours(*hour) + std::chrono::minutes(minute) + seconds(second));
    if (take(rest, "am")) return apply_half(false);
    if (take(rest, "pm")) return apply_half(true);
    if (!rest.empty()) set_zone(Zone::find(rest));
    return true;
  }

  bool read_half(std::string_view word) {
    const bool am = word == "am" || word == "a.m.";
    if (!am && word != "pm" && word != "p.m.") return false;
    if (!clock_ && number_) {  // "3 pm"
      set_clock(std::chrono::hours(*number_));
      number_.reset();
    }
    if (!clock_) fail("am and pm follow an hour");
    return apply_half(!am);
  }

  bool apply_half(bool afternoon) {
    const auto hour = std::chrono::duration_cast<std::chrono::hours>(*clock_).count();
    if (hour < 1 || hour > 12) fail("with am or pm, hours go from 1 to 12");
    if (hour == 12) *clock_ -= std::chrono::hours(12);
    if (afternoon) *clock_ += std::chrono::hours(12);
    return true;
  }

  bool read_unix(std::string_view word) {
    const bool marked = take(word, "@");
    if (!marked && word.size() < 9) return false;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (end != word.data() + word.size() || word.empty()) return false;
    if (error != std::errc() || value > kMaxUnix || value < -kMaxUnix / 4) fail("that many seconds leave the calendar");
    absolute_ = sys_seconds(seconds(value));
    return true;
  }

  /// 25, 25th, 2026
  bool read_number(std::string_view word) {
    std::string_view rest = word;
    if (const auto year = take_number(rest, 4, 4); year && rest.empty()) return year_ = year, true;
    rest = word;
    const auto value = take_number(rest, 1, 2);
    if (!value || !(rest.empty() || rest == "st" || rest == "nd" || rest == "rd" || rest == "th" || rest == "."))
      return false;
    if (number_) fail("two numbers without a month");
    return number_ = value, true;
  }

  /// The rest of the words is a zone.
  void read_zone() {
    std::string name = words_[at_];
    for (std::size_t i = at_ + 1; i < words_.size(); ++i) name += " " + words_[i];
    if (at_ == 0) fail("expected something like 2026-03-29 14:30, 14:30, tomorrow 9:00, next friday or now");
    while (name.size() > 1 && (name.front() == '(' || name.front() == '[')) name.erase(0, 1);
    while (name.size() > 1 && (name.back() == ')' || name.back() == ']')) name.pop_back();
    set_zone(Zone::find(name));
    at_ = words_.size();
  }

  /// From today, which is known when the zone is: it may come last.
  bool set_day(days ahead) { return ahead_ = ahead, true; }
  bool set_day(local_days day) {
    if (day_) fail("two dates");
    return day_ = day, true;
  }
  void set_day(int year, int month, int day) {
    if (year < kFirstYear) fail("years go from 0001 to 9999");
    if (month < 1 || month > 12) fail(fmt::format("there is no month {}", month));
    const auto date = std::chrono::year(year) / month / day;
    if (!date.ok()) fail(fmt::format("{} {} has no day {}", month_name(static_cast<unsigned>(month)), year, day));
    set_day(local_days(date));
  }
  bool set_clock(seconds time) {
    if (clock_) fail("two times of day");
    return clock_ = time, true;
  }
  void set_zone(Zone zone) { zone_ = std::move(zone); }

  Moment finish(std::string& note) {
    if (absolute_) {
      if (clock_ || day_ || ahead_ || weekday_ || month_) fail("a moment and parts of another");
      check_year(zone_.to_local(*absolute_));
      return {*absolute_, zone_, false};
    }
    const local_days today = std::chrono::floor<days>(zone_.to_local(now_));
    if (directed() && !weekday_ && !month_ && !number_)
      fail("next and last go with a weekday, or with a day and its month: next friday, last 25 December");
    if (month_ || number_) set_named_day(today);
    if (ahead_) set_day(today + *ahead_);
    if (!day_ && year_) fail("a year needs a month and a day");
    if (weekday_ && !day_) {
      // "friday" is the next one from tomorrow on, "last friday" the one before today, "this friday" may be today.
      const local_days from = direction_ == Direction::last   ? today - days(7)
                              : direction_ == Direction::here ? today
                                                              : today + days(1);
      day_ = from + (*weekday_ - std::chrono::weekday(from));
    } else if (weekday_ && std::chrono::weekday(*day_) != *weekday_) {
      fail(fmt::format("that day is a {}", weekday_name(std::chrono::weekday(*day_).c_encoding())));
    }
    const bool date_only = !clock_;
    local_seconds wall = day_.value_or(today) + clock_.value_or(seconds(0));
    if (upcoming_ && !day_ && wall < zone_.to_local(now_)) wall += days(1);
    check_year(wall);
    std::string ignored;
    return {zone_.to_system(wall, date_only ? ignored : note), zone_, date_only};
  }

  /// Whether a word asks for another one than the nearest.
  [[nodiscard]] bool directed() const { return direction_ == Direction::next || direction_ == Direction::last; }

  /// 25 December 2026; without a year this year's, or the next or last one.
  void set_named_day(local_days today) {
    if (!month_) fail("a day needs its month: 25 December, or 2026-12-25");
    if (!number_) fail(fmt::format("a month needs a day: 1 {0}, or {0} 1", month_name(*month_)));
    const int this_year = static_cast<int>(year_month_day(today).year());
    int year = year_.value_or(this_year);
    constexpr int kFarthest = 8;  // 29 February may be eight years away
    for (int away = 0; directed() && !year_ && away <= kFarthest; ++away) {
      const bool next = direction_ == Direction::next;
      const int candidate = next ? this_year + away : this_year - away;
      const auto date = std::chrono::year(candidate) / static_cast<int>(*month_) / *number_;
      if (!date.ok() || (next ? local_days(date) <= today : local_days(date) >= today)) continue;
      year = candidate;
      break;
    }
    set_day(year, static_cast<int>(*month_), *number_);
    if (upcoming_ && !directed() && !year_ && *day_ < today) {
      day_.reset();
      set_day(year + 1, static_cast<int>(*month_), *number_);
    }
  }

  std::string_view text_;
  sys_seconds now_;
  Zone zone_;
  bool upcoming_;
  std::vector<std::string> words_;
  std::size_t at_ = 0;
  std::optional<sys_seconds> absolute_;
  std::optional<local_days> day_;
  std::optional<days> ahead_;
  std::optional<seconds> clock_;
  std::optional<std::chrono::weekday> weekday_;
  std::optional<unsigned> month_;
  std::optional<int> number_;
  std::optional<int> year_;
  enum class Direction { none, next, last, here } direction_ = Direction::none;
};

}  // namespace

Moment read_moment(std::string_view text, sys_seconds now, const Zone& zone, std::string& note, bool upcoming) {
  const std::string words = lower(text);
  const bool span = words.starts_with("in ") || words.ends_with(" ago") || words.ends_with(" from now");
  if (span) return add_span({now, zone, false}, words, note);
  for (const std::string_view unit : {"week", "month", "year"}) {
    const bool next = words == fmt::format("next {}", unit);
    if (!next && words != fmt::format("last {}", unit)) continue;
    const Moment today = read_moment("today", now, zone, note);
    return add_span(today, fmt::format("{}1 {}", next ? "+" : "-", unit), note);
  }
  return Reader(text, now, zone, upcoming).run(note);
}

}  // namespace sennit::calendar
