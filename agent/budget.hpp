// What a run may spend, and what it has spent. A sub-agent's budget draws on its parent's as well.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/usage.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace sennit {

/// Pure accounting; every check throws Error(errc::limit) naming the limit and how much was used.
class Budget {
 public:
  /// `parent` may be null and must outlive this.
  Budget(const RunLimits& limits, Budget* parent) : limits_(limits), parent_(parent) {}

  /// Of the model that answers, once it is known.
  void set_prices(std::optional<Prices> prices) { prices_ = std::move(prices); }

  /// Before a completion.
  void begin_step();
  /// Before a batch of tool calls.
  void begin_tool_calls(std::size_t count);
  /// In mid-stream: what the completion has cost so far, by the provider's count or by our estimate.
  void check_in_flight(const Usage& reported, std::size_t bytes_written) const;
  /// After a completion.
  void charge(const Usage& usage);
  /// After a completion that broke or was stopped: what it had cost by then, as check_in_flight() counts it.
  void charge_in_flight(const Usage& reported, std::size_t bytes_written);

  /// Of this agent alone; limits.steps counts those of its sub-agents too.
  [[nodiscard]] std::uint32_t steps() const noexcept { return steps_; }
  [[nodiscard]] std::uint32_t tool_calls() const noexcept { return tool_calls_; }
  [[nodiscard]] const Usage& usage() const noexcept { return usage_; }
  /// Where prices are known.
  [[nodiscard]] std::optional<Cost> cost() const;

 private:
  void check_spent(std::int64_t tokens, double cost) const;
  void check_step() const;
  [[noreturn]] void refuse_tokens(std::int64_t tokens) const;
  [[noreturn]] void refuse_cost(double cost) const;
  void add(const Usage& usage, const std::optional<Prices>& prices);
  [[nodiscard]] double money(const Usage& usage) const;

  const RunLimits& limits_;
  std::optional<Prices> prices_;
  Budget* parent_;
  std::uint32_t steps_ = 0;
  std::uint32_t steps_in_all_ = 0;
  std::uint32_t tool_calls_ = 0;
  Usage usage_;
  double spent_ = 0;
  bool priced_ = false;
  std::string currency_ = "USD";
};

}  // namespace sennit
