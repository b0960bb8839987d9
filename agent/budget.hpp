// What a run may spend, and what it has spent. A sub-agent's budget draws on its parent's as well.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/usage.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace sennit {

/// The sizes of a prompt and of what came back.
struct Bytes {
  std::size_t read = 0;
  std::size_t written = 0;
  std::size_t pieces = 0;  ///< that `written` came in (TokenStream::pieces); 0: not known
};

/// Pure accounting; every check throws Error(errc::limit) naming the limit and how much was used.
class Budget {
 public:
  /// `parent` may be null and must outlive this.
  Budget(const RunLimits& limits, Budget* parent) : limits_(limits), parent_(parent) {}

  /// Of the model that answers, once it is known.
  void set_prices(std::optional<Prices> prices);

  /// Before a completion.
  void begin_step();
  /// Before a batch of tool calls.
  void begin_tool_calls(std::size_t count);
  /// Of a step, or calls, that were made before and are told again: they count, whatever the limits say by now.
  void retell_step();
  void retell_tool_calls(std::size_t count);
  /// Before a completion is asked for: the size of its prompt, which most providers count at the end only. It counts
  /// from the first sign of an answer on; a refused request costs nothing.
  void expect_prompt(std::size_t bytes) { prompt_bytes_ = bytes; }
  /// In mid-stream: what the completion has cost so far, by the provider's count, and by our estimate of what was
  /// written since the provider counted last. It counts for the completions beside it, too, until it is charged.
  void check_in_flight(const Usage& reported, std::size_t bytes_written, std::size_t pieces = 0);
  /// After a completion. What the provider does not count is estimated, for the limits alone: usage() and cost() tell
  /// what was reported.
  void charge(const Usage& reported, const Bytes& bytes = {});
  /// After a completion that broke or was stopped: what it had cost by then, as check_in_flight() counts it. Gives
  /// what was charged: charging that again, with nothing written, comes to the same.
  Usage charge_in_flight(const Usage& reported, std::size_t bytes_written, std::size_t pieces = 0);

  /// Of this agent alone; limits.steps counts those of its sub-agents too.
  [[nodiscard]] std::uint32_t steps() const noexcept { return steps_; }
  [[nodiscard]] std::uint32_t tool_calls() const noexcept { return tool_calls_; }
  [[nodiscard]] const Usage& usage() const noexcept { return usage_; }
  /// Where the prices of all that was charged are known, in one currency.
  [[nodiscard]] std::optional<Cost> cost() const;
  /// The share of limits.tokens or limits.cost that is left, whichever is less; nothing where there is no limit.
  [[nodiscard]] std::optional<double> left() const;
  /// Why limits.cost, of this budget or one above, does not count what the model costs; empty: it does, or there is
  /// none.
  [[nodiscard]] std::string uncounted_cost() const;

 private:
  struct Amount {
    std::int64_t tokens = 0;
    double money = 0;
  };

  /// What a provider has counted, and how much had been read or written by then.
  struct Counted {
    std::int64_t tokens = 0;
    std::size_t bytes = 0;
    std::size_t pieces = 0;
  };

  [[nodiscard]] Usage in_flight(const Usage& reported, std::size_t bytes, std::size_t pieces);
  [[nodiscard]] std::int64_t prompt_tokens() const;
  void land(const Usage& reported);
  [[nodiscard]] Amount used() const;
  [[nodiscard]] Amount amount_of(const Usage& usage) const;
  void check_spent(const Amount& amount) const;
  void check_step() const;
  void check_tool_calls(std::size_t count) const;
  [[noreturn]] void refuse_tokens(std::int64_t tokens) const;
  [[noreturn]] void refuse_cost(double cost) const;
  void fly(const Amount& amount);
  void add(const Usage& usage, const std::optional<Prices>& prices);
  [[nodiscard]] bool counts(const std::optional<Prices>& prices) const;

  const RunLimits& limits_;
  std::optional<Prices> prices_;
  Budget* parent_;
  std::uint32_t steps_ = 0;
  std::uint32_t steps_in_all_ = 0;
  std::uint32_t tool_calls_ = 0;
  Usage usage_;
  double spent_ = 0;
  std::size_t prompt_bytes_ = 0;  // of the completion that is on its way; 0: not known
  Counted prompt_;                // of the last prompt that was counted
  Counted written_;               // of the completion that is on its way
  Amount guessed_;                // of what providers did not count
  Amount flight_;                 // of this agent's completion that is on its way
  Amount flying_;                 // of all completions that are on their way, sub-agents' included
  bool priced_ = false;
  bool unpriced_ = false;  // something was charged whose price is not known, or is in another currency
  std::string currency_;   // of the first that had a price; money of another one cannot be added
};

}  // namespace sennit
