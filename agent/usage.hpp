// Tokens and money.
#pragma once

#include <sennit/agent/io/json.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace sennit {

/// Token counts as a provider reports them; absent where it does not. `input` includes cached tokens and `output`
/// includes reasoning, whatever the provider's own habit is (each backend translates).
struct Usage {
  std::optional<std::int64_t> input;
  std::optional<std::int64_t> output;
  std::optional<std::int64_t> cached_input;   ///< the part of `input` that came from the provider's prompt cache
  std::optional<std::int64_t> reasoning;      ///< the part of `output` that was reasoning
  std::optional<std::int64_t> cache_write{};  ///< the part of `input` that was written to the cache, where that costs

  /// Sum over calls; an absent count plus a present one is the present one.
  Usage& operator+=(const Usage& other);
  [[nodiscard]] std::int64_t total() const { return input.value_or(0) + output.value_or(0); }
  friend bool operator==(const Usage&, const Usage&) = default;
};

/// Prices of a model per million tokens.
struct Prices {
  double input = 0;
  double output = 0;
  std::optional<double> cached_input;  ///< same as `input` where absent
  std::string currency = "USD";
  std::optional<double> cache_write{};  ///< same as `input` where absent
  friend bool operator==(const Prices&, const Prices&) = default;
};

struct Cost {
  double amount = 0;
  std::string currency = "USD";
  friend bool operator==(const Cost&, const Cost&) = default;
};

[[nodiscard]] Cost cost_of(const Usage& usage, const Prices& prices);

[[nodiscard]] json::value to_json(const Usage& usage);
[[nodiscard]] Usage usage_from_json(const json::value& value);

}  // namespace sennit
