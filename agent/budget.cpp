#include <sennit/agent/budget.hpp>
#include <sennit/agent/io/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

constexpr std::size_t kBytesPerToken = 4;  // a usual ratio for English; only until the provider reports its count
/// The tokens of no text are longer than this on average, whatever the language: longer pieces hold several.
constexpr std::size_t kLongestMean = 6;

/// Nearly all servers send each token as it comes, in a piece of its own: then the pieces are an exact count, where
/// bytes are off by half for Chinese or code. Where pieces are longer, the bytes are what is left to go by.
std::int64_t estimate(std::size_t bytes, std::size_t pieces) {
  if (bytes <= pieces * kLongestMean) return static_cast<std::int64_t>(pieces);
  return static_cast<std::int64_t>(std::max(pieces, bytes / kBytesPerToken));
}

std::size_t since(std::size_t now, std::size_t then) {
  return now - std::min(now, then);
}

}  // namespace

void Budget::set_prices(std::optional<Prices> prices) {
  prices_ = std::move(prices);
  if (!prices_ || (prices_->input == 0 && prices_->output == 0)) return;
  for (Budget* budget = this; budget != nullptr; budget = budget->parent_) {
    if (budget->currency_.empty()) budget->currency_ = prices_->currency;
  }
}

void Budget::refuse_tokens(std::int64_t tokens) const {
  throw Error(errc::limit, fmt::format("limits.tokens: {} tokens used of {}{}", tokens, limits_.tokens,
                                       guessed_.tokens > 0 ? " (estimated: the model does not count them)" : ""));
}

void Budget::refuse_cost(double cost) const {
  throw Error(errc::limit, fmt::format("limits.cost: {:.6f} {} spent of {:.6f}{}", cost, currency_, limits_.cost,
                                       guessed_.money > 0 ? " (estimated: the model does not count tokens)" : ""));
}

Budget::Amount Budget::used() const {
  return {usage_.total() + guessed_.tokens, spent_ + guessed_.money};
}

Budget::Amount Budget::amount_of(const Usage& usage) const {
  return {usage.total(), prices_ ? cost_of(usage, *prices_).amount : 0};
}

void Budget::check_spent(const Amount& amount) const {
  if (limits_.tokens > 0 && amount.tokens > limits_.tokens) refuse_tokens(amount.tokens);
  if (limits_.cost > 0 && amount.money > limits_.cost) refuse_cost(amount.money);
}

void Budget::check_step() const {
  if (limits_.steps > 0 && steps_in_all_ >= limits_.steps) {
    throw Error(errc::limit, fmt::format("limits.steps: {} steps taken of {}", steps_in_all_, limits_.steps));
  }
  // What is spent to the last token buys no further step.
  const Amount spent = used();
  if (limits_.tokens > 0 && spent.tokens >= limits_.tokens) refuse_tokens(spent.tokens);
  if (limits_.cost > 0 && spent.money >= limits_.cost) refuse_cost(spent.money);
}

std::optional<double> Budget::left() const {
  const Amount spent = used();
  std::optional<double> left;
  const auto take = [&](double of, double limit) {
    if (limit > 0) left = std::min(left.value_or(1), std::max(0.0, 1 - of / limit));
  };
  take(static_cast<double>(spent.tokens), static_cast<double>(limits_.tokens));
  take(spent.money, limits_.cost);
  if (parent_ == nullptr) return left;
  const std::optional<double> above = parent_->left();
  return left && above ? std::min(left, above) : left ? left : above;
}

void Budget::begin_step() {
  for (const Budget* budget = this; budget != nullptr; budget = budget->parent_) budget->check_step();
  retell_step();
}

void Budget::retell_step() {
  for (Budget* budget = this; budget != nullptr; budget = budget->parent_) ++budget->steps_in_all_;
  ++steps_;
}

void Budget::begin_tool_calls(std::size_t count) {
  for (const Budget* budget = this; budget != nullptr; budget = budget->parent_) budget->check_tool_calls(count);
  retell_tool_calls(count);
}

void Budget::check_tool_calls(std::size_t count) const {
  if (limits_.tool_calls > 0 && tool_calls_ + count > limits_.tool_calls) {
    throw Error(errc::limit, fmt::format("limits.tool_calls: {} made and {} more wanted of {}", tool_calls_, count,
                                         limits_.tool_calls));
  }
}

void Budget::retell_tool_calls(std::size_t count) {
  for (Budget* budget = this; budget != nullptr; budget = budget->parent_) {
    budget->tool_calls_ += static_cast<std::uint32_t>(count);
  }
}

/// A conversation grows: what was counted of it at the step before needs no guess.
std::int64_t Budget::prompt_tokens() const {
  if (prompt_bytes_ < prompt_.bytes) return estimate(prompt_bytes_, 0);  // it is another one
  return prompt_.tokens + estimate(prompt_bytes_ - prompt_.bytes, 0);
}

/// What a completion has cost so far. Some servers count in each chunk, some once at the beginning and again at the
/// end: what was written since a count last grew is estimated on top of it.
Usage Budget::in_flight(const Usage& reported, std::size_t bytes, std::size_t pieces) {
  if (reported.output.value_or(0) > written_.tokens) written_ = {*reported.output, bytes, pieces};
  Usage usage = reported;
  usage.output = written_.tokens + estimate(since(bytes, written_.bytes), since(pieces, written_.pieces));
  if (!usage.input && bytes > 0 && prompt_bytes_ > 0) usage.input = prompt_tokens();
  return usage;
}

/// The completion is on its way no more.
void Budget::land(const Usage& reported) {
  fly({});
  if (reported.input && prompt_bytes_ > 0) prompt_ = {*reported.input, prompt_bytes_};
  prompt_bytes_ = 0;
  written_ = {};
}

void Budget::check_in_flight(const Usage& reported, std::size_t bytes_written, std::size_t pieces) {
  fly(amount_of(in_flight(reported, bytes_written, pieces)));
  for (const Budget* budget = this; budget != nullptr; budget = budget->parent_) {
    const Amount used = budget->used();
    budget->check_spent({used.tokens + budget->flying_.tokens, used.money + budget->flying_.money});
  }
}

void Budget::fly(const Amount& amount) {
  const Amount before = std::exchange(flight_, amount);
  for (Budget* budget = this; budget != nullptr; budget = budget->parent_) {
    budget->flying_.tokens += amount.tokens - before.tokens;
    if (budget->counts(prices_)) budget->flying_.money += amount.money - before.money;
  }
}

void Budget::charge(const Usage& reported, const Bytes& bytes) {
  land(reported);
  Usage uncounted;
  if (!reported.input) uncounted.input = estimate(bytes.read, 0);
  if (!reported.output) uncounted.output = estimate(bytes.written, bytes.pieces);
  const Amount guess = amount_of(uncounted);
  for (Budget* budget = this; budget != nullptr; budget = budget->parent_) {
    budget->add(reported, prices_);
    budget->guessed_.tokens += guess.tokens;
    if (budget->counts(prices_)) budget->guessed_.money += guess.money;
  }
}

Usage Budget::charge_in_flight(const Usage& reported, std::size_t bytes_written, std::size_t pieces) {
  Usage usage = in_flight(reported, bytes_written, pieces);
  land(reported);
  for (Budget* budget = this; budget != nullptr; budget = budget->parent_) budget->add(usage, prices_);
  return usage;
}

bool Budget::counts(const std::optional<Prices>& prices) const {
  return prices && (currency_.empty() || currency_ == prices->currency);
}

void Budget::add(const Usage& usage, const std::optional<Prices>& prices) {
  usage_ += usage;
  if (usage.total() == 0 && !counts(prices)) return;  // what was not used costs nothing anywhere
  (counts(prices) ? priced_ : unpriced_) = true;
  if (counts(prices)) spent_ += cost_of(usage, *prices).amount;
}

std::optional<Cost> Budget::cost() const {
  if (!priced_ || unpriced_) return std::nullopt;
  return Cost{spent_, currency_.empty() ? "USD" : currency_};
}

std::string Budget::uncounted_cost() const {
  for (const Budget* budget = this; budget != nullptr; budget = budget->parent_) {
    if (budget->limits_.cost <= 0) continue;
    if (!prices_) return "the prices are not known; set model.prices";
    if (!budget->counts(prices_))
      return fmt::format("the prices are in {}, not in {}", prices_->currency, budget->currency_);
  }
  return {};
}

}  // namespace sennit
