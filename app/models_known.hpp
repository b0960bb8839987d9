// The catalogue as people look at it: which models it has, by their names instead of by the patterns of its rows, and
// its facts in words.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/backends/catalogue/catalogue.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {

struct KnownModel {
  std::string id;  ///< "openai/o1"; of a row that stands for many: its pattern
  const Provider* provider = nullptr;
  ModelEntry entry;  ///< what all rows together say of it
  bool checked = false;
};

/// The models that a row names. `openai/o1*` names o1 as well as its dated versions, so it counts as o1 where it has a
/// title; rows about a family (`openai/*`) name nothing, nor do those of no provider (`open/…`).
[[nodiscard]] std::vector<KnownModel> known_models(const Catalogue& catalogue);
/// All rows, as they stand in the files.
[[nodiscard]] std::vector<KnownModel> known_rows(const Catalogue& catalogue);
/// "provider/model", whether a row names it or not. Throws Error(errc::not_found) where there is no such provider.
[[nodiscard]] KnownModel known_model(const Catalogue& catalogue, std::string_view id);
/// The ids of the rows that hold for it, in the order in which they count.
[[nodiscard]] std::vector<std::string> rows_about(const Catalogue& catalogue, const Provider& provider,
                                                  std::string_view name);
/// Whether a row speaks of this very model, not only of its family.
[[nodiscard]] bool is_named(const Catalogue& catalogue, const KnownModel& model);

/// As a person writes it: with `*` the whole "provider/model" or the model's name alone; without one any piece of it.
[[nodiscard]] bool fits_pattern(const KnownModel& model, std::string_view pattern);
/// A model's name in full, or a pattern of known ones. Throws Error(errc::not_found) naming what is near.
[[nodiscard]] std::vector<KnownModel> models_meant(const Catalogue& catalogue, const std::string& pattern);

/// 2026-11-26, or 2026-11-26T14:30, in UTC. Throws Error(errc::invalid_argument) naming `option`.
[[nodiscard]] WallTime read_moment(std::string_view option, const std::string& text);
/// 2026-11-26, in UTC.
[[nodiscard]] std::string day_of(WallTime time);
/// 128k, 1.05M
[[nodiscard]] std::string short_count(std::int64_t tokens);
/// $0.003625: all digits of a price, at least two.
[[nodiscard]] std::string price(double amount, std::string_view currency);
/// "tools images reasoning schema caching": what a person chooses by.
[[nodiscard]] std::string abilities_in_short(const ModelEntry& entry);
/// "mon-fri 01:00-04:00 06:00-10:00 UTC"; empty for always.
[[nodiscard]] std::string hours_in_words(const WeekHours& hours);
[[nodiscard]] std::string_view to_string(ReasoningReplay replay) noexcept;
/// Whether the environment has the provider's key.
[[nodiscard]] bool has_key(const Provider& provider);
/// Everything that is known of a model, and its prices at a time.
[[nodiscard]] json::object to_json(const KnownModel& model, WallTime at);

}  // namespace sennit::app
