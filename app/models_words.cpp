#include <sennit/agent/ability.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/app/models_known.hpp>
#include <sennit/backends/catalogue/week_hours.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdlib>

namespace sennit::app {
namespace {

constexpr std::array<std::string_view, 7> kDays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/// Runs of days: "mon-fri", "sat".
std::string days_in_words(std::uint8_t days) {
  std::string words;
  for (std::size_t first = 0; first < kDays.size(); ++first) {
    if ((days >> first & 1) == 0) continue;
    std::size_t last = first;
    while (last + 1 < kDays.size() && (days >> (last + 1) & 1) != 0) ++last;
    words += words.empty() ? "" : " ";
    words += kDays.at(first);
    if (last > first) words += fmt::format("-{}", kDays.at(last));
    first = last;
  }
  return words;
}

/// 14:30
std::optional<int> minutes_of(std::string_view text) {
  const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9' ? text[at] - '0' : 100; };
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const int hours = digit(0) * 10 + digit(1);
  const int minutes = digit(3) * 10 + digit(4);
  return hours < 24 && minutes < 60 ? std::optional(hours * 60 + minutes) : std::nullopt;
}

json::object prices_to_json(const Prices& prices) {
  json::object out{{"currency", prices.currency}, {"input", prices.input}, {"output", prices.output}};
  if (prices.cached_input) out["cached_input"] = *prices.cached_input;
  if (prices.cache_write) out["cache_write"] = *prices.cache_write;
  return out;
}

}  // namespace

WallTime read_moment(std::string_view option, const std::string& text) {
  const std::string_view words = text;
  const bool timed = words.size() > 10 && (words[10] == 'T' || words[10] == ' ');
  const std::optional<WallTime> day = parse_date(timed ? words.substr(0, 10) : words);
  const std::optional<int> minutes = timed ? minutes_of(words.substr(11)) : std::optional(0);
  if (day && minutes) return *day + std::chrono::minutes(*minutes);
  throw Error(errc::invalid_argument,
              fmt::format("{} {}: a day is wanted, such as 2025-01-25, or 2025-01-25T14:30 (UTC)", option, text));
}

std::string day_of(WallTime time) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string short_count(std::int64_t tokens) {
  if (tokens < 1'000) return fmt::format("{}", tokens);
  if (tokens < 1'000'000) return fmt::format("{}k", tokens / 1'000);
  std::string millions = fmt::format("{:.2f}", static_cast<double>(tokens) / 1e6);
  while (millions.back() == '0') millions.pop_back();
  if (millions.back() == '.') millions.pop_back();
  return millions + "M";
}

std::string price(double amount, std::string_view currency) {
  std::string digits = fmt::format("{:.6f}", amount);
  while (digits.back() == '0' && digits.size() - digits.find('.') > 3) digits.pop_back();
  if (currency == "USD") return "$" + digits;
  if (currency == "EUR") return "€" + digits;
  return fmt::format("{} {}", digits, currency);
}

std::string abilities_in_short(const ModelEntry& entry) {
  constexpr std::array kShown{Ability::tools,     Ability::images, Ability::audio,   Ability::image_output,
                              Ability::reasoning, Ability::schema, Ability::caching, Ability::embeddings};
  std::string words;
  for (const Ability ability : kShown) {
    if (entry.can(ability)) words.append(words.empty() ? "" : " ").append(sennit::to_string(ability));
  }
  return words;
}

std::string hours_in_words(const WeekHours& hours) {
  constexpr std::uint8_t kWeek = 0x7F;
  if (hours.days == kWeek && hours.spans.empty()) return {};
  std::string words = hours.days == kWeek ? "" : days_in_words(hours.days) + " ";
  for (const WeekHours::Span& span : hours.spans) {
    words += fmt::format("{:02}:{:02}-{:02}:{:02} ", span.from / 60, span.from % 60, span.until / 60, span.until % 60);
  }
  return words + "UTC";
}

std::string_view to_string(ReasoningReplay replay) noexcept {
  switch (replay) {
    case ReasoningReplay::within_turn:
      return "within_turn";
    case ReasoningReplay::always:
      return "always";
    case ReasoningReplay::never:
      break;
  }
  return "never";
}

bool has_key(const Provider& provider) {
  if (provider.key_variable.empty()) return false;
  const char* const value = std::getenv(provider.key_variable.c_str());
  return value != nullptr && *value != '\0';
}

json::object to_json(const KnownModel& model, WallTime at) {
  const ModelEntry& entry = model.entry;
  json::object out{{"id", model.id}, {"title", entry.title}};
  if (entry.context_tokens) out["context"] = *entry.context_tokens;
  if (entry.output_tokens) out["output"] = *entry.output_tokens;
  if (entry.abilities) {
    json::array& abilities = out["abilities"].emplace_array();
    for (const std::string_view name : ability_names()) {
      if (entry.can(*parse_ability(name))) abilities.emplace_back(name);
    }
  }
  if (entry.api) out["api"] = to_string(*entry.api);
  if (entry.efforts) out["efforts"] = json::array(entry.efforts->begin(), entry.efforts->end());
  if (entry.replay) out["replay"] = to_string(*entry.replay);
  if (const auto now = entry.prices_at(at)) out["price"] = prices_to_json(*now);
  if (entry.prices) {
    json::array& prices = out["prices"].emplace_array();
    for (const DatedPrices& dated : *entry.prices) {
      json::object row = prices_to_json(dated.prices);
      if (dated.from) row["from"] = day_of(*dated.from);
      if (dated.until) row["until"] = day_of(*dated.until);
      if (const std::string hours = hours_in_words(dated.hours); !hours.empty()) row["hours"] = hours;
      prices.emplace_back(std::move(row));
    }
  }
  if (!entry.source.empty()) out["source"] = entry.source;
  out["checked"] = model.checked;
  return out;
}

}  // namespace sennit::app
