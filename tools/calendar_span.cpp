// Spans of time: adding them by the rules of the calendar, and measuring them.
#include <sennit/agent/registry.hpp>
#include <sennit/tools/calendar.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <vector>

namespace sennit::calendar {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::months;

constexpr std::size_t kMaxText = 200;
constexpr double kMaxAmount = 1e9;  // of any unit

struct Unit {
  std::string_view name;
  int in_months;            ///< calendar units
  int in_days;              ///< units of whole days on the wall
  std::int64_t in_seconds;  ///< units that pass
};

constexpr Unit kUnits[] = {
    {"second", 0, 0, 1}, {"sec", 0, 0, 1},      {"s", 0, 0, 1},          {"minute", 0, 0, 60}, {"min", 0, 0, 60},
    {"m", 0, 0, 60},     {"hour", 0, 0, 3600},  {"hr", 0, 0, 3600},      {"h", 0, 0, 3600},    {"day", 0, 1, 0},
    {"d", 0, 1, 0},      {"week", 0, 7, 0},     {"wk", 0, 7, 0},         {"w", 0, 7, 0},       {"fortnight", 0, 14, 0},
    {"month", 1, 0, 0},  {"mo", 1, 0, 0},       {"quarter", 3, 0, 0},    {"year", 12, 0, 0},   {"yr", 12, 0, 0},
    {"y", 12, 0, 0},     {"decade", 120, 0, 0}, {"century", 1200, 0, 0},
};

/// A span, its parts apart because each follows its own rule.
struct Span {
  std::int64_t months = 0;
  std::int64_t days = 0;
  std::int64_t seconds = 0;
};

const Unit& find_unit(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (name == unit.name || (name.size() > 2 && name.ends_with('s') && name.substr(0, name.size() - 1) == unit.name))
      return unit;
  }
  if (name == "centuries") return kUnits[std::size(kUnits) - 1];
  std::vector<std::string> names;
  for (const Unit& unit : kUnits) {
    if (unit.name.size() > 2) names.emplace_back(unit.name);
  }
  const std::string_view near = nearest(name, names);
  refuse(fmt::format("unknown unit of time \"{}\"{}", name.substr(0, 40),
                     near.empty() ? std::string(": use seconds, minutes, hours, days, weeks, months or years")
                                  : fmt::format("; did you mean {}?", near)));
}

void add_part(Span& span, double amount, const Unit& unit) {
  if (std::fabs(amount) > kMaxAmount) refuse("more than 1,000,000,000 of a unit of time");
  if (unit.in_seconds != 0) {
    span.seconds += std::llround(amount * static_cast<double>(unit.in_seconds));
  } else if (amount == std::floor(amount)) {
    span.months += static_cast<std::int64_t>(amount) * unit.in_months;
    span.days += static_cast<std::int64_t>(amount) * unit.in_days;
  } else if (unit.in_days != 0) {
    span.seconds += std::llround(amount * unit.in_days * 86'400);
  } else {
    const double whole = amount * unit.in_months;
    if (whole != std::floor(whole)) refuse("months and years are added whole; use days for parts of them");
    span.months += static_cast<std::int64_t>(whole);
  }
}

/// Reads amounts and units in turn: "1 month 2 days", "2h30m", "a week", "- 3 days", "2 days ago".
class SpanReader {
 public:
  explicit SpanReader(std::string_view text) {
    for (const char c : text) text_ += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }

  Span run() {
    if (text_.size() > kMaxText) refuse("a span of time of more than 200 characters");
    while (skip(), at_ < text_.size()) read_part();
    if (parts_ == 0 || pending_)
      refuse(fmt::format(
          "\"{}\" is not understood as a span of time: write for example \"3 days\" or \"-2 months 1 week\"", text_));
    if (ago_) span_ = {-span_.months, -span_.days, -span_.seconds};
    return span_;
  }

 private:
  void skip() { at_ = std::min(text_.find_first_not_of(" ,\t\n", at_), text_.size()); }

  void read_part() {
    const char c = text_[at_];
    if (c == '+' || c == '-') {
      sign_ = c == '-' ? -1 : 1;
      ++at_;
    } else if (text_.compare(at_, 3, "−") == 0) {
      sign_ = -1;
      at_ += 3;
    } else if ((c >= '0' && c <= '9') || c == '.') {
      read_amount();
    } else {
      read_word();
    }
  }

  void read_amount() {
    const std::size_t end = std::min(text_.find_first_not_of("0123456789.", at_), text_.size());
    const auto [stop, error] = std::from_chars(text_.data() + at_, text_.data() + end, amount_);
    if (error != std::errc() || stop != text_.data() + end || pending_)
      refuse(fmt::format("\"{}\" is not understood as a span of time", text_));
    at_ = end;
    pending_ = true;
  }

  void read_word() {
    const std::size_t end = std::min(text_.find_first_of("+-0123456789 ,\t\n", at_), text_.size());
    const std::string_view word = std::string_view(text_).substr(at_, end - at_);
    at_ = end;
    if (word == "and" || word == "in" || word == "plus" || word == "from" || word == "now" || word == "later") return;
    if (word == "minus") return void(sign_ = -1);
    if (word == "ago" || word == "before" || word == "earlier") return void(ago_ = true);
    if (!pending_ && (word == "a" || word == "an" || word == "one")) {
      amount_ = 1;
      pending_ = true;
      return;
    }
    const Unit& unit = find_unit(word);
    if (!pending_) refuse(fmt::format("how many {}s? write for example \"3 {}s\"", unit.name, unit.name));
    add_part(span_, sign_ * amount_, unit);
    pending_ = false;
    ++parts_;
  }

  std::string text_;
  std::size_t at_ = 0;
  Span span_;
  double amount_ = 0;
  int sign_ = 1;
  int parts_ = 0;
  bool pending_ = false;
  bool ago_ = false;
};

local_days add_months(local_days day, std::int64_t count) {
  const year_month_day date(day);
  const auto target = std::chrono::year_month(date.year(), date.month()) + months(count);
  const year_month_day same(target.year(), target.month(), date.day());
  return local_days(same.ok() ? same : year_month_day(target / std::chrono::last));
}

std::string count(std::int64_t number, std::string_view unit) {
  return fmt::format("{} {}{}", number, unit, number == 1 ? "" : "s");
}

std::string join(const std::vector<std::pair<std::int64_t, std::string_view>>& parts) {
  std::string text;
  for (const auto& [number, unit] : parts) {
    if (number != 0) text += (text.empty() ? "" : " ") + count(number, unit);
  }
  return text;
}

/// Years, months and days from one day to a later one.
std::string calendar_parts(local_days from, local_days to) {
  std::int64_t whole = 0;
  const year_month_day a(from);
  const year_month_day b(to);
  whole = (static_cast<int>(b.year()) - static_cast<int>(a.year())) * 12 +
          (static_cast<int>(static_cast<unsigned>(b.month())) - static_cast<int>(static_cast<unsigned>(a.month())));
  while (whole > 0 && add_months(from, whole) > to) --whole;
  const auto rest = (to - add_months(from, whole)).count();
  return join({{whole / 12, "year"}, {whole % 12, "month"}, {rest, "day"}});
}

std::string day_difference(local_days from, local_days to) {
  const auto total = (to - from).count();
  const std::string parts = calendar_parts(std::min(from, to), std::max(from, to));
  std::string text = count(total, "day");
  if (std::abs(total) > 27 && parts != count(std::abs(total), "day")) text += fmt::format(" ({})", parts);
  return text;
}

std::string time_difference(seconds elapsed) {
  const auto total = std::abs(elapsed.count());
  const std::string parts =
      join({{total / 86'400, "day"}, {total / 3600 % 24, "hour"}, {total / 60 % 60, "minute"}, {total % 60, "second"}});
  if (total == 0) return "0 seconds";
  const std::string text = (elapsed.count() < 0 ? "-" : "") + parts;
  return total < 3600 ? text : fmt::format("{} ({} seconds)", text, elapsed.count());
}

}  // namespace

void check_year(local_seconds time) {
  const auto seconds_of = [](int year) { return local_seconds(local_days(std::chrono::year(year) / 1 / 1)); };
  if (time < seconds_of(kFirstYear) || time >= seconds_of(kLastYear + 1)) {
    refuse(fmt::format("the result leaves the years {} to {}", kFirstYear, kLastYear));
  }
}

Moment add_span(const Moment& moment, std::string_view span, std::string& note) {
  const Span parts = SpanReader(span).run();
  if (std::abs(parts.months) > kLastYear * 12LL || std::abs(parts.days) > kLastYear * 366LL ||
      std::abs(parts.seconds) > kLastYear * 366LL * 86'400) {
    refuse(fmt::format("the result leaves the years {} to {}", kFirstYear, kLastYear));
  }
  Moment result = moment;
  if (parts.months != 0 || parts.days != 0) {
    const local_seconds wall = moment.local();
    const local_days day = std::chrono::floor<days>(wall);
    // The day is kept inside the calendar between the steps, so that nothing wraps.
    const local_seconds target = add_months(day, parts.months) + days(parts.days) + (wall - day);
    check_year(target);
    std::string ignored;
    result.time = moment.zone.to_system(target, moment.date_only ? ignored : note);
  }
  result.time += seconds(parts.seconds);
  if (parts.seconds != 0) result.date_only = false;
  check_year(local_seconds(result.time.time_since_epoch()));
  check_year(result.local());
  return result;
}

std::string describe_difference(const Moment& from, const Moment& to) {
  if (from.date_only && to.date_only) {
    const std::string length =
        day_difference(std::chrono::floor<days>(from.local()), std::chrono::floor<days>(to.local()));
    return fmt::format("{} from {} to {}", length, describe_point(from), describe_point(to));
  }
  return fmt::format("{} from {} to {}", time_difference(to.time - from.time),
                     describe_point({from.time, from.zone, false}), describe_point({to.time, to.zone, false}));
}

}  // namespace sennit::calendar
