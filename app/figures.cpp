#include <sennit/app/figures.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace sennit::app {
namespace {

/// "83 % cached, 200 to the cache": what became of the input in the provider's cache.
std::string cache_words(const Usage& usage) {
  std::string words = cached_share(usage);
  if (!words.empty()) words += " cached";
  const std::int64_t written = usage.cache_write.value_or(0);
  if (written > 0) words += fmt::format("{}{} to the cache", words.empty() ? "" : ", ", grouped(written));
  return words;
}

}  // namespace

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string duration(std::chrono::microseconds time) {
  const double milliseconds = static_cast<double>(time.count()) / 1000.0;
  if (milliseconds < 10) return fmt::format("{:.1f} ms", milliseconds);
  if (milliseconds < 1000) return fmt::format("{:.0f} ms", milliseconds);
  const double seconds = milliseconds / 1000.0;
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds);
  return fmt::format("{} min {} s", whole / 60, whole % 60);
}

std::string money(const Cost& cost) {
  int digits = 2;
  if (cost.amount > 0 && cost.amount < 1)
    digits = std::clamp(1 - static_cast<int>(std::floor(std::log10(cost.amount))), 2, 8);
  std::string amount = fmt::format("{:.{}f}", cost.amount, digits);
  if (cost.currency == "USD") return "$" + amount;
  if (cost.currency == "EUR") return "€" + amount;
  return amount + " " + cost.currency;
}

std::string cached_share(const Usage& usage) {
  const std::int64_t input = usage.input.value_or(0);
  const std::int64_t cached = std::min(usage.cached_input.value_or(0), input);  // some servers report more
  if (cached <= 0) return {};
  const std::int64_t share = (cached * 100 + input / 2) / input;
  if (share == 0) return "< 1 %";
  return fmt::format("{} %", cached < input ? std::min<std::int64_t>(share, 99) : share);
}

std::string tokens(const Usage& usage) {
  std::string text;
  if (usage.input) {
    text = grouped(*usage.input) + " in";
    if (const std::string cache = cache_words(usage); !cache.empty()) text += " (" + cache + ")";
  }
  if (usage.output) {
    if (!text.empty()) text += " · ";
    text += grouped(*usage.output) + " out";
    if (usage.reasoning.value_or(0) > 0) text += " (" + grouped(*usage.reasoning) + " reasoning)";
  }
  return text;
}

}  // namespace sennit::app
