// Private: one coroutine at a time, on one shard, in the order in which they came.
#pragma once

#include <sennit/agent/io/signal.hpp>

#include <algorithm>
#include <deque>
#include <utility>

namespace sennit::mcp {

class Lock {
 public:
  /// Holds the lock until it is destroyed.
  class Held {
   public:
    explicit Held(Lock* lock) : lock_(lock) {}
    Held(Held&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (lock_ != nullptr) lock_->release();
    }

   private:
    Lock* lock_;
  };

  Lock() = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  /// Suspends while another holds it. Cancellation: terminal; throws Error(errc::cancelled).
  [[nodiscard]] asio::awaitable<Held> acquire() {
    if (!std::exchange(held_, true)) co_return Held(this);
    Signal turn;
    waiting_.push_back(&turn);
    try {
      co_await turn.wait();
    } catch (...) {
      const auto place = std::find(waiting_.begin(), waiting_.end(), &turn);
      if (place == waiting_.end()) {
        release();  // it was given to us in the same moment
      } else {
        waiting_.erase(place);
      }
      throw;
    }
    co_return Held(this);
  }

 private:
  void release() {
    if (waiting_.empty()) {
      held_ = false;
      return;
    }
    Signal* next = waiting_.front();
    waiting_.pop_front();
    next->notify();
  }

  std::deque<Signal*> waiting_;
  bool held_ = false;
};

}  // namespace sennit::mcp
