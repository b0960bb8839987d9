#include <sennit/agent/budget.hpp>
#include <sennit/agent/io/error.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sennit {
namespace {

constexpr std::size_t kBytesPerToken = 4;  // a usual ratio for English; only until the provider reports its count

Usage estimate(const Usage& reported, std::size_t bytes_written) {
  Usage usage = reported;
  const auto written = static_cast<std::int64_t>(bytes_written / kBytesPerToken);
  usage.output = std::max(usage.output.value_or(0), written);
  return usage;
}

}  // namespace

void Budget::check_spent(std::int64_t tokens, double cost) const {
  if (limits_.tokens > 0 && tokens > limits_.tokens) {
    throw Error(errc::limit, fmt::format("limits.tokens: {} tokens used of {}", tokens, limits_.tokens));
  }
  if (limits_.cost > 0 && cost > limits_.cost) {
    throw Error(errc::limit, fmt::format("limits.cost: {:.6f} {} spent of {:.6f}", cost, currency_, limits_.cost));
  }
}

void Budget::begin_step() {
  if (limits_.steps > 0 && steps_ >= limits_.steps) {
    throw Error(errc::limit, fmt::format("limits.steps: {} steps taken of {}", steps_, limits_.steps));
  }
  check_spent(usage_.total(), spent_);
  if (parent_ != nullptr) parent_->check_spent(parent_->usage_.total(), parent_->spent_);
  ++steps_;
}

void Budget::begin_tool_calls(std::size_t count) {
  const auto calls = static_cast<std::uint32_t>(count);
  if (limits_.tool_calls > 0 && tool_calls_ + calls > limits_.tool_calls) {
    throw Error(errc::limit, fmt::format("limits.tool_calls: {} made and {} more wanted of {}", tool_calls_, calls,
                                         limits_.tool_calls));
  }
  if (parent_ != nullptr) parent_->begin_tool_calls(count);
  tool_calls_ += calls;
}

double Budget::money(const Usage& usage) const {
  return prices_ ? cost_of(usage, *prices_).amount : 0;
}

void Budget::check_in_flight(const Usage& reported, std::size_t bytes_written) const {
  const Usage now = estimate(reported, bytes_written);
  // What flies is this agent's own completion, at this agent's prices, for every budget above it.
  const double cost = money(now);
  for (const Budget* budget = this; budget != nullptr; budget = budget->parent_) {
    budget->check_spent(budget->usage_.total() + now.total(), budget->spent_ + cost);
  }
}

void Budget::charge(const Usage& usage) {
  for (Budget* budget = this; budget != nullptr; budget = budget->parent_) budget->add(usage, prices_);
}

void Budget::add(const Usage& usage, const std::optional<Prices>& prices) {
  usage_ += usage;
  if (!prices) return;
  spent_ += cost_of(usage, *prices).amount;
  priced_ = true;
  currency_ = prices->currency;
}

std::optional<Cost> Budget::cost() const {
  if (!priced_) return std::nullopt;
  return Cost{spent_, currency_};
}

}  // namespace sennit
