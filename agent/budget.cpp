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

void Budget::refuse_tokens(std::int64_t tokens) const {
  throw Error(errc::limit, fmt::format("limits.tokens: {} tokens used of {}", tokens, limits_.tokens));
}

void Budget::refuse_cost(double cost) const {
  throw Error(errc::limit, fmt::format("limits.cost: {:.6f} {} spent of {:.6f}", cost, currency_, limits_.cost));
}

void Budget::check_spent(std::int64_t tokens, double cost) const {
  if (limits_.tokens > 0 && tokens > limits_.tokens) refuse_tokens(tokens);
  if (limits_.cost > 0 && cost > limits_.cost) refuse_cost(cost);
}

void Budget::check_step() const {
  if (limits_.steps > 0 && steps_in_all_ >= limits_.steps) {
    throw Error(errc::limit, fmt::format("limits.steps: {} steps taken of {}", steps_in_all_, limits_.steps));
  }
  // What is spent to the last token buys no further step.
  if (limits_.tokens > 0 && usage_.total() >= limits_.tokens) refuse_tokens(usage_.total());
  if (limits_.cost > 0 && spent_ >= limits_.cost) refuse_cost(spent_);
}

void Budget::begin_step() {
  for (const Budget* budget = this; budget != nullptr; budget = budget->parent_) budget->check_step();
  for (Budget* budget = this; budget != nullptr; budget = budget->parent_) ++budget->steps_in_all_;
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

void Budget::charge_in_flight(const Usage& reported, std::size_t bytes_written) {
  charge(estimate(reported, bytes_written));
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
