#include <sennit/agent/definition/shape.hpp>
#include <sennit/agent/secret_reference.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace sennit::format {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t length;
};
// Longest first: `ms` before `m`.
constexpr std::array kUnits{Unit{"ms", 1}, Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                            Unit{"s", 1'000}};
constexpr std::string_view kSizeUnits = "KMGT";  ///< each 1024 of the one before
constexpr double kLongest = 1e15;  ///< milliseconds; far beyond any bound of the tables, far below an overflow

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text.starts_with('+')) return std::nullopt;
  Number number{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  double total = 0;
  if (const auto seconds = parse_number(text)) {
    total = *seconds * 1000;
  } else {
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
      const std::size_t digits = text.find_first_not_of("0123456789.");
      const auto count = parse_number(text.substr(0, digits));
      if (!count || digits == std::string_view::npos) return std::nullopt;
      text.remove_prefix(digits);
      const auto* const unit = std::ranges::find_if(kUnits, [&](const Unit& u) { return text.starts_with(u.name); });
      if (unit == kUnits.end()) return std::nullopt;
      total += *count * static_cast<double>(unit->length);
      text.remove_prefix(unit->name.size());
    }
  }
  if (!(total >= 0) || total > kLongest) return std::nullopt;
  return milliseconds{std::llround(total)};
}

std::string show_duration(milliseconds duration) {
  std::string text;
  std::int64_t rest = duration.count();
  for (const Unit& unit : {kUnits[1], kUnits[2], kUnits[3], kUnits[4], kUnits[0]}) {
    if (const std::int64_t count = rest / unit.length; count > 0) {
      text += fmt::format("{}{}", count, unit.name);
      rest %= unit.length;
    }
  }
  return text.empty() ? "0" : text;
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || number < 0) return std::nullopt;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit.empty()) return number;
  const std::size_t power = kSizeUnits.find(unit.front());
  unit.remove_prefix(1);
  if (power == std::string_view::npos || !(unit.empty() || unit == "B" || unit == "iB")) return std::nullopt;
  const unsigned shift = 10U * (static_cast<unsigned>(power) + 1);
  if (number > std::numeric_limits<std::int64_t>::max() >> shift) return std::nullopt;
  return number << shift;
}

std::string show_bytes(std::int64_t bytes) {
  std::size_t power = 0;
  for (; power < kSizeUnits.size() && bytes > 0 && bytes % 1024 == 0; ++power) bytes /= 1024;
  return fmt::format("{}{}", bytes, power == 0 ? std::string_view{} : kSizeUnits.substr(power - 1, 1));
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  return parse_whole<std::int64_t>(text);
}

std::optional<double> parse_number(std::string_view text) {
  // from_chars would also take "inf" and "nan", which no setting can mean.
  if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return std::nullopt;
  const auto number = parse_whole<double>(text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

std::string wrong_reference(std::string_view text) {
  return secret::wrong_reference(text);
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace sennit::format
