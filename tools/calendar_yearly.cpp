#include <sennit/tools/calendar_yearly.hpp>

#include <fstream>

namespace sennit::calendar {
namespace {

using std::chrono::days;
using std::chrono::local_days;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

/// Reads part by part; what does not fit makes all that follows fail.
class YearlyRule::Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at_end() const { return text_.empty(); }
  [[nodiscard]] bool at(char c) const { return text_.starts_with(c); }

  bool take(char c) {
    if (!at(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) { good_ = take(c) && good_; }

  /// `CEST`, `<+0330>`
  std::string name() {
    const bool quoted = take('<');
    std::size_t length = 0;
    while (length < text_.size() && (quoted ? text_[length] != '>' : is_letter(text_[length]))) ++length;
    std::string result(text_.substr(0, length));
    text_.remove_prefix(length);
    if (quoted) expect('>');
    good_ = good_ && !result.empty();
    return result;
  }

  unsigned number() {
    unsigned value = 0;
    std::size_t length = 0;
    for (; length < text_.size() && length < 3 && text_[length] >= '0' && text_[length] <= '9'; ++length) {
      value = value * 10 + static_cast<unsigned>(text_[length] - '0');
    }
    text_.remove_prefix(length);
    good_ = good_ && length > 0;
    return value;
  }

  /// `3`, `-3:30`
  seconds time() {
    const bool negative = take('-');
    if (!negative) take('+');
    seconds value = std::chrono::hours(number());
    if (take(':')) value += std::chrono::minutes(number());
    if (take(':')) value += seconds(number());
    return negative ? -value : value;
  }

  /// `M3.5.0/-1`, `J80`, `79`
  Change change() {
    Change result;
    if (take('M')) {
      result.month = number();
      expect('.');
      result.week = number();
      expect('.');
      result.day = number();
      good_ =
          good_ && result.month >= 1 && result.month <= 12 && result.week >= 1 && result.week <= 5 && result.day <= 6;
    } else {
      result.no_leap = take('J');
      result.day = number();
      if (result.no_leap) --result.day;
      good_ = good_ && result.day <= 365;
    }
    if (take('/')) result.time = time();
    return result;
  }

 private:
  std::string_view text_;
  bool good_ = true;
};

std::optional<YearlyRule> YearlyRule::parse(std::string_view text) {
  Reader reader(text);
  YearlyRule rule;
  rule.standard_.abbreviation = reader.name();
  rule.standard_.offset = -reader.time();
  if (reader.at_end()) return std::nullopt;
  rule.summer_.abbreviation = reader.name();
  rule.summer_.offset = reader.at(',') ? rule.standard_.offset + std::chrono::hours(1) : -reader.time();
  reader.expect(',');
  rule.begin_ = reader.change();
  reader.expect(',');
  rule.end_ = reader.change();
  if (!reader.good() || !reader.at_end()) return std::nullopt;
  return rule;
}

std::optional<YearlyRule> YearlyRule::of_zone(const std::string& name) {
  std::ifstream file("/usr/share/zoneinfo/" + name, std::ios::binary);
  std::string line;
  std::string last;
  while (std::getline(file, line)) last = std::move(line);
  return parse(last);
}

local_seconds YearlyRule::Change::in(std::chrono::year year) const {
  if (month == 0) {
    constexpr unsigned kMarch = 59;
    const unsigned leap = no_leap && year.is_leap() && day >= kMarch ? 1 : 0;
    return local_days(year / 1 / 1) + days(day + leap) + time;
  }
  const std::chrono::weekday weekday(day);
  const auto in_month = year / std::chrono::month(month);
  const local_days date =
      week == 5 ? local_days(in_month / weekday[std::chrono::last]) : local_days(in_month / weekday[week]);
  return date + time;
}

Zone::Rule YearlyRule::at(sys_seconds time) const {
  const local_seconds wall(time.time_since_epoch() + standard_.offset);
  const auto year = year_month_day(std::chrono::floor<days>(wall)).year();
  const sys_seconds begin(begin_.in(year).time_since_epoch() - standard_.offset);
  const sys_seconds end(end_.in(year).time_since_epoch() - summer_.offset);
  // South of the equator, or where winter is the exception (Dublin), the year begins and ends in summer.
  const bool summer = begin < end ? begin <= time && time < end : !(end <= time && time < begin);
  return summer ? summer_ : standard_;
}

}  // namespace sennit::calendar
