#include <sennit/agent/usage.hpp>

#include <algorithm>

namespace sennit {
namespace {

void add(std::optional<std::int64_t>& to, const std::optional<std::int64_t>& from) {
  if (from) to = to.value_or(0) + *from;
}

void put(json::object& out, std::string_view key, const std::optional<std::int64_t>& count) {
  if (count) out[key] = *count;
}

}  // namespace

Usage& Usage::operator+=(const Usage& other) {
  add(input, other.input);
  add(output, other.output);
  add(cached_input, other.cached_input);
  add(reasoning, other.reasoning);
  add(cache_write, other.cache_write);
  return *this;
}

Cost cost_of(const Usage& usage, const Prices& prices) {
  constexpr double kPer = 1e6;
  const std::int64_t input = usage.input.value_or(0);
  // Some servers report more cached tokens than tokens.
  const std::int64_t cached = std::clamp<std::int64_t>(usage.cached_input.value_or(0), 0, input);
  const std::int64_t written = std::clamp<std::int64_t>(usage.cache_write.value_or(0), 0, input - cached);
  const double amount = static_cast<double>(input - cached - written) * prices.input +
                        static_cast<double>(written) * prices.cache_write.value_or(prices.input) +
                        static_cast<double>(cached) * prices.cached_input.value_or(prices.input) +
                        static_cast<double>(usage.output.value_or(0)) * prices.output;
  return {amount / kPer, prices.currency};
}

json::value to_json(const Usage& usage) {
  json::object out;
  put(out, "input", usage.input);
  put(out, "output", usage.output);
  put(out, "cached_input", usage.cached_input);
  put(out, "reasoning", usage.reasoning);
  put(out, "cache_write", usage.cache_write);
  return out;
}

Usage usage_from_json(const json::value& value) {
  return {find_int(value, "input"), find_int(value, "output"), find_int(value, "cached_input"),
          find_int(value, "reasoning"), find_int(value, "cache_write")};
}

}  // namespace sennit
