#include <sennit/agent/io/error.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/tools/calendar.hpp>
#include <sennit/tools/calendar_yearly.hpp>

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

namespace sennit::calendar {
namespace {

/// Names that people use and the tz database does not have. Ambiguous ones (IST, CST) are left out on purpose.
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"amsterdam", "Europe/Amsterdam"},
    {"bangalore", "Asia/Kolkata"},
    {"barcelona", "Europe/Madrid"},
    {"beijing", "Asia/Shanghai"},
    {"bern", "Europe/Zurich"},
    {"bonn", "Europe/Berlin"},
    {"boston", "America/New_York"},
    {"cape town", "Africa/Johannesburg"},
    {"cologne", "Europe/Berlin"},
    {"dallas", "America/Chicago"},
    {"delhi", "Asia/Kolkata"},
    {"frankfurt", "Europe/Berlin"},
    {"geneva", "Europe/Zurich"},
    {"guangzhou", "Asia/Shanghai"},
    {"hamburg", "Europe/Berlin"},
    {"hanoi", "Asia/Ho_Chi_Minh"},
    {"houston", "America/Chicago"},
    {"hyderabad", "Asia/Kolkata"},
    {"kyoto", "Asia/Tokyo"},
    {"las vegas", "America/Los_Angeles"},
    {"miami", "America/New_York"},
    {"milan", "Europe/Rome"},
    {"montreal", "America/Toronto"},
    {"mumbai", "Asia/Kolkata"},
    {"munich", "Europe/Berlin"},
    {"new delhi", "Asia/Kolkata"},
    {"osaka", "Asia/Tokyo"},
    {"ottawa", "America/Toronto"},
    {"philadelphia", "America/New_York"},
    {"rio de janeiro", "America/Sao_Paulo"},
    {"saint petersburg", "Europe/Moscow"},
    {"san diego", "America/Los_Angeles"},
    {"san francisco", "America/Los_Angeles"},
    {"seattle", "America/Los_Angeles"},
    {"shenzhen", "Asia/Shanghai"},
    {"tel aviv", "Asia/Jerusalem"},
    {"washington", "America/New_York"},
    {"wellington", "Pacific/Auckland"},
    {"bst", "Europe/London"},
    {"cdt", "America/Chicago"},
    {"cest", "Europe/Berlin"},
    {"cet", "Europe/Berlin"},  // a zone of its own only where the package tzdata-legacy is
    {"edt", "America/New_York"},
    {"et", "America/New_York"},
    {"est", "America/New_York"},
    {"jst", "Asia/Tokyo"},
    {"kst", "Asia/Seoul"},
    {"mdt", "America/Denver"},
    {"pdt", "America/Los_Angeles"},
    {"pst", "America/Los_Angeles"},
    {"pt", "America/Los_Angeles"},
};

/// The largest cities as they are written where Chinese, Japanese or Korean is. Apart from the others: of a name in
/// these scripts a near one is another city, and nothing to suggest.
constexpr std::pair<std::string_view, std::string_view> kEastAsianNames[] = {
    {"北京", "Asia/Shanghai"},    {"上海", "Asia/Shanghai"},    {"广州", "Asia/Shanghai"},
    {"深圳", "Asia/Shanghai"},    {"香港", "Asia/Hong_Kong"},   {"台北", "Asia/Taipei"},
    {"臺北", "Asia/Taipei"},      {"东京", "Asia/Tokyo"},       {"東京", "Asia/Tokyo"},
    {"大阪", "Asia/Tokyo"},       {"首尔", "Asia/Seoul"},       {"首爾", "Asia/Seoul"},
    {"서울", "Asia/Seoul"},       {"ソウル", "Asia/Seoul"},     {"新加坡", "Asia/Singapore"},
    {"纽约", "America/New_York"}, {"紐約", "America/New_York"}, {"ニューヨーク", "America/New_York"},
    {"伦敦", "Europe/London"},    {"倫敦", "Europe/London"},    {"ロンドン", "Europe/London"},
    {"巴黎", "Europe/Paris"},     {"パリ", "Europe/Paris"},     {"洛杉矶", "America/Los_Angeles"},
};

constexpr int kMaxOffsetHours = 18;

/// The plain letters of U+00C0 to U+00FF: people write São Paulo, the database writes Sao_Paulo.
constexpr std::string_view kPlainLetters = "aaaaaaaceeeeiiiidnooooo*ouuuuypsaaaaaaaceeeeiiiidnooooo/ouuuuypy";

/// Lower case, no accents, spaces for underscores: how names are compared.
std::string folded(std::string_view name) {
  std::string text;
  for (std::size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    if (c == '_') c = ' ';
    if (c == '\xC3' && i + 1 < name.size()) {
      c = kPlainLetters[static_cast<unsigned char>(name[++i]) % kPlainLetters.size()];
    }
    text += c;
  }
  return text;
}

std::string_view leaf(std::string_view name) {
  return name.substr(name.rfind('/') + 1);
}

const date::tzdb& database() {
  try {
    return date::get_tzdb();
  } catch (const std::exception& error) {
    throw Error(errc::io,
                fmt::format("the time zone database cannot be read ({}): install the package tzdata", error.what()));
  }
}

const date::time_zone* by_name(std::string_view wanted) {
  for (const date::time_zone& zone : database().zones) {
    if (folded(zone.name()) == wanted) return &zone;
  }
  return nullptr;
}

/// The zone whose last part is `wanted`: America/New_York for "new york". Names of areas come before the
/// unqualified old ones ("Asia/Singapore" before "Singapore").
const date::time_zone* by_city(std::string_view wanted) {
  const date::time_zone* found = nullptr;
  for (const date::time_zone& zone : database().zones) {
    const std::string name = folded(zone.name());
    if (leaf(name) != wanted || name.starts_with("posix/") || name.starts_with("right/")) continue;
    const bool has_area = name.find('/') != std::string::npos;
    if (!found || (has_area && found->name().find('/') == std::string::npos)) found = &zone;
  }
  return found;
}

/// The zone that TZ names, which for every program goes before the machine's: `Asia/Tokyo`, `:Asia/Tokyo`. Null if it
/// names none: it may hold a rule of its own (`JST-9`) or a file.
const date::time_zone* by_environment() {
  const char* const value = std::getenv("TZ");
  if (value == nullptr) return nullptr;
  std::string_view name = value;
  if (name.starts_with(':')) name.remove_prefix(1);
  const auto& zones = database().zones;
  const auto found = std::find_if(zones.begin(), zones.end(), [&](const auto& zone) { return zone.name() == name; });
  return found == zones.end() ? nullptr : &*found;
}

std::optional<int> number(std::string_view digits) {
  if (digits.empty() || digits.size() > 2 || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return {};
  return std::atoi(std::string(digits).c_str());
}

/// `+02:00`, `-0530`, `+2`, each also after `utc` or `gmt`.
std::optional<seconds> offset(std::string_view text) {
  if (text.starts_with("utc") || text.starts_with("gmt")) text.remove_prefix(3);
  if (text.starts_with("−")) return {};
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) return {};
  const bool negative = text[0] == '-';
  text.remove_prefix(1);
  const std::size_t colon = text.find(':');
  const std::size_t split = colon != std::string_view::npos ? colon : text.size() <= 2 ? text.size() : text.size() - 2;
  const auto hours = number(text.substr(0, split));
  const std::string_view rest = text.substr(std::min(text.size(), colon == std::string_view::npos ? split : split + 1));
  const auto minutes = rest.empty() && colon == std::string_view::npos ? 0 : number(rest);
  if (!hours || !minutes || *hours > kMaxOffsetHours || *minutes > 59) return {};
  const seconds total = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return negative ? -total : total;
}

[[noreturn]] void refuse_zone(std::string_view name, const std::string& wanted) {
  if (wanted == "ist" || wanted == "cst" || wanted == "ast") {
    refuse(fmt::format("{} stands for several time zones: name a city or an offset", name));
  }
  std::vector<std::string> candidates;
  for (const date::time_zone& zone : database().zones) {
    candidates.push_back(folded(zone.name()));
    candidates.push_back(std::string(leaf(candidates.back())));
  }
  for (const auto& alias : kAliases) candidates.emplace_back(alias.first);
  const std::string_view near = nearest(wanted, candidates);
  const std::string hint = near.empty() ? std::string() : fmt::format("; did you mean {}?", Zone::find(near).name());
  refuse(fmt::format("unknown time zone \"{}\"{} Give an IANA name (Europe/Berlin), a large city or an offset (+02:00)",
                     name.substr(0, 60), hint.empty() ? "." : hint));
}

date::sys_seconds to_date(sys_seconds time) {
  return date::sys_seconds(time.time_since_epoch());
}

}  // namespace

void refuse(std::string message) {
  throw Error(errc::invalid_argument, std::move(message));
}

std::string write_offset(seconds offset) {
  const auto total = std::abs(offset.count());
  const std::string text = fmt::format("{}{:02}:{:02}", offset.count() < 0 ? '-' : '+', total / 3600, total / 60 % 60);
  return total % 60 == 0 ? text : text + fmt::format(":{:02}", total % 60);  // local mean time before 1900
}

Zone::Zone(const date::time_zone& rules) : name_(rules.name()), rules_(&rules) {
  if (auto yearly = YearlyRule::of_zone(name_)) later_ = std::make_shared<const YearlyRule>(std::move(*yearly));
}

Zone Zone::fixed(seconds offset) {
  Zone zone;
  zone.offset_ = offset;
  zone.name_ = offset.count() == 0 ? "UTC" : "UTC" + write_offset(offset);
  return zone;
}

Zone Zone::local() {
  try {
    const date::time_zone* const chosen = by_environment();
    const date::time_zone* const rules = chosen ? chosen : date::current_zone();
    return rules->name() == "Etc/UTC" || rules->name() == "UTC" ? utc() : Zone(*rules);
  } catch (const std::exception&) {
    return utc();
  }
}

Zone Zone::find(std::string_view name) {
  std::string wanted = folded(name);
  wanted.erase(0, wanted.find_first_not_of(' '));
  wanted.erase(wanted.find_last_not_of(' ') + 1);
  std::string asked = wanted;
  std::transform(asked.begin(), asked.end(), asked.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; });
  if (wanted == "utc" || wanted == "gmt" || wanted == "z" || wanted == "zulu" || wanted == "etc/utc") return utc();
  if (wanted == "local") return local();
  if (const auto shift = offset(wanted)) return fixed(*shift);
  for (const auto& [alias, target] : kAliases) {
    if (wanted == alias) wanted = folded(target);
  }
  for (const auto& [local_name, target] : kEastAsianNames) {
    if (wanted == local_name) wanted = folded(target);
  }
  const date::time_zone* rules = by_name(wanted);
  if (!rules || rules->name().find('/') == std::string::npos) {
    if (const date::time_zone* city = by_city(wanted)) rules = city;
  }
  if (!rules) refuse_zone(name, wanted);
  Zone zone(*rules);
  zone.asked_ = std::move(asked);
  return zone;
}

Zone::Rule Zone::at(sys_seconds time) const {
  if (!rules_) return {offset_, {}};
  const date::sys_info info = rules_->get_info(to_date(time));
  const bool last = info.end >= date::sys_days(date::year(kLastYear) / 12 / 31);
  return last && later_ ? later_->at(time) : Rule{info.offset, info.abbrev};
}

std::string Zone::wrong_season(sys_seconds time) const {
  const Rule rule = at(time);
  if (asked_.empty() || rule.abbreviation == asked_) return {};
  for (const int away : {91, 182, 273}) {
    const Rule other = at(time + std::chrono::days(away));
    if (other.abbreviation != asked_) continue;
    return fmt::format("{} has {} (UTC{}) then, not {}; for {} itself give {}", name_, rule.abbreviation,
                       write_offset(rule.offset), asked_, asked_, write_offset(other.offset));
  }
  return {};
}

local_seconds Zone::to_local(sys_seconds time) const {
  return local_seconds(time.time_since_epoch() + at(time).offset);
}

sys_seconds Zone::to_system(local_seconds time, std::string& note) const {
  if (!rules_) return sys_seconds(time.time_since_epoch() - offset_);
  // No change is by more than a day, and no two are that near: what holds around `time` is all that can hold then.
  const auto moment = [time](const Rule& rule) { return sys_seconds(time.time_since_epoch() - rule.offset); };
  const Rule before = at(sys_seconds(time.time_since_epoch()) - std::chrono::days(1));
  const Rule after = at(sys_seconds(time.time_since_epoch()) + std::chrono::days(1));
  if (before.offset == after.offset) return moment(before);
  const bool first = at(moment(before)).offset == before.offset;
  const bool second = at(moment(after)).offset == after.offset;
  if (!first && !second) {
    note = fmt::format("{} does not exist in {}: the clocks go forward there; taken as {}", write_wall(time), name_,
                       write_wall(to_local(moment(before))));
  }
  if (first && second) {
    note = fmt::format(
        "{} comes twice in {}: the clocks go back there; taken as the first, {} (UTC{}), the second is {} (UTC{})",
        write_wall(time), name_, before.abbreviation, write_offset(before.offset), after.abbreviation,
        write_offset(after.offset));
  }
  return moment(second && !first ? after : before);
}

}  // namespace sennit::calendar
