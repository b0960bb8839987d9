// Private: What all completions of one model with one key share in a Runtime: how fast they may follow one another, and
// whether the model is left alone for a while because it kept failing (a circuit breaker).
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/signal.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace sennit {

/// A sum that drains evenly: so many a minute, all of them at once after a quiet minute. Pure.
class RateWindow {
 public:
  explicit RateWindow(std::int64_t a_minute) : a_minute_(a_minute) {}
  /// How long `amount` more must wait. What exceeds a minute's share waits for a quiet minute.
  [[nodiscard]] milliseconds wait(std::int64_t amount, SteadyTime now) const;
  void take(std::int64_t amount, SteadyTime now);

 private:
  [[nodiscard]] double level(SteadyTime now) const;

  std::int64_t a_minute_;  // 0: no limit
  double level_ = 0;
  SteadyTime at_{};
};

/// [thread-safe]
class ModelGate {
 public:
  ModelGate(const RateLimits& rate, const RetrySettings& retry)
      : rate_(rate), retry_(retry), requests_(rate.requests), tokens_(rate.tokens) {}

  /// A completion that is on its way: gives its place back when it is destroyed.
  class Place {
   public:
    Place() = default;
    explicit Place(std::shared_ptr<ModelGate> gate) : gate_(std::move(gate)) {}
    Place(Place&& other) noexcept = default;
    Place& operator=(Place&& other) noexcept;
    ~Place() { leave(); }

   private:
    void leave();
    std::shared_ptr<ModelGate> gate_;  // null: nothing to give back
  };

  /// Waits until the limits allow another completion of about so many tokens. Throws Error(errc::rate_limited) where
  /// too many wait already. Cancellation: terminal.
  [[nodiscard]] static asio::awaitable<Place> enter(std::shared_ptr<ModelGate> gate, Environment& environment,
                                                    std::int64_t tokens);
  /// What a completion came to, beyond the estimate that it entered with.
  void settle(std::int64_t more_tokens, SteadyTime now);

  /// How long the model is left alone; nothing: it may be asked. After the pause one caller is let through to try it.
  [[nodiscard]] std::optional<milliseconds> pause_left(SteadyTime now);
  void succeeded();
  /// `given_up`: all attempts of a completion failed, so others need not find out one by one.
  void failed(SteadyTime now, bool given_up);

  static constexpr std::size_t kMaxWaiting = 10'000;

 private:
  class InLine;
  class Reserved;
  /// Somebody who waits for a place.
  struct Waiter {
    explicit Waiter(asio::any_io_executor of) : executor(std::move(of)) {}
    asio::any_io_executor executor;
    Signal freed;          // of the waiter's shard
    bool granted = false;  // guarded; the place is his, whether or not he still wants it
  };

  [[nodiscard]] static asio::awaitable<Place> wait_for_place(std::shared_ptr<ModelGate> gate, Environment& environment);

  const RateLimits rate_;
  const RetrySettings retry_;
  std::mutex mutex_;
  RateWindow requests_;                       // guarded
  RateWindow tokens_;                         // guarded
  std::uint32_t inside_ = 0;                  // guarded
  std::size_t waiting_ = 0;                   // guarded; for a place or for the rate
  std::deque<std::shared_ptr<Waiter>> line_;  // guarded; for a place
  std::uint32_t failures_ = 0;                // guarded; in a row
  std::optional<SteadyTime> closed_until_;    // guarded
};

/// The gates of a Runtime, by model, address, key and limits. [thread-safe]
class ModelGates {
 public:
  [[nodiscard]] std::shared_ptr<ModelGate> gate(const ModelSpec& spec);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<ModelGate>, std::less<>> gates_;  // guarded
};

}  // namespace sennit
