// A wake-up for one waiter on one shard: the hot path between whoever has bytes or events and the coroutine that
// wants them. No timer, no heap: the waiter's completion handler lives inside the Signal, type-erased.
//
// A Signal must be quiet (no waiter) before its loop is destroyed: cancel or notify first.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/error.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <utility>

namespace sennit {

/// Used on one shard only. At most one waiter at a time. Not movable: a waiter refers to it.
class Signal {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  ~Signal() {
    if (waiter_ != nullptr) std::exchange(waiter_, nullptr)->~Waiter();
  }

  /// Wakes the waiter (it continues in a handler of its own, soon), or is remembered for the next wait(): once,
  /// however often it is called.
  void notify() {
    if (waiter_ == nullptr) {
      permit_ = true;
    } else {
      waiter_->finish(nullptr, Resume::later);
    }
  }

  /// Like notify(), but the waiter continues before this returns where its executor allows that, and may destroy
  /// this Signal meanwhile. Only as the last act of a handler on the shard: it saves a trip through the queue.
  void notify_now() {
    if (waiter_ == nullptr) {
      permit_ = true;
    } else {
      waiter_->finish(nullptr, Resume::now);
    }
  }

  /// Takes a remembered notification: saves the suspension where there is one.
  [[nodiscard]] bool try_wait() noexcept { return std::exchange(permit_, false); }
  [[nodiscard]] bool has_waiter() const noexcept { return waiter_ != nullptr; }

  /// Suspends until notify(). Cancellation: terminal; throws Error(errc::cancelled).
  [[nodiscard]] asio::awaitable<void> wait() {
    return asio::async_initiate<const asio::use_awaitable_t<>&, void(std::exception_ptr)>(
        [this](auto&& handler) { begin(std::forward<decltype(handler)>(handler)); }, asio::use_awaitable);
  }

 private:
  enum class Resume { now, later };

  struct Waiter {
    virtual ~Waiter() = default;
    virtual void finish(std::exception_ptr error, Resume resume) = 0;
    virtual void cancel() = 0;
  };

  template <class Handler>
  struct WaiterFor final : Waiter {
    WaiterFor(Signal& owner, Handler&& completion) : signal(owner), handler(std::move(completion)) {}

    void finish(std::exception_ptr error, Resume resume) override {
      Handler taken = leave();
      asio::get_associated_cancellation_slot(taken).clear();
      const auto executor = asio::get_associated_executor(taken);
      auto call = [taken = std::move(taken), error = std::move(error)]() mutable {
        std::move(taken)(std::move(error));
      };
      if (resume == Resume::now) {
        asio::dispatch(executor, std::move(call));
      } else {
        asio::post(executor, std::move(call));
      }
    }

    // Runs inside the slot's own handler, which clear() would destroy: the slot is cleared later, in the call.
    void cancel() override {
      Handler taken = leave();
      const auto executor = asio::get_associated_executor(taken);
      asio::post(executor, [taken = std::move(taken)]() mutable {
        asio::get_associated_cancellation_slot(taken).clear();
        std::move(taken)(std::make_exception_ptr(Error(errc::cancelled, "cancelled")));
      });
    }

    // Moves the handler out and ends this object: after it only locals may be used.
    Handler leave() {
      Handler taken = std::move(handler);
      signal.waiter_ = nullptr;
      this->~WaiterFor();
      return taken;
    }

    Signal& signal;
    Handler handler;
  };

  template <class Handler>
  void begin(Handler&& completion) {
    using Stored = WaiterFor<std::decay_t<Handler>>;
    static_assert(sizeof(Stored) <= kWaiterBytes && alignof(Stored) <= alignof(std::max_align_t));
    auto slot = asio::get_associated_cancellation_slot(completion);
    waiter_ = ::new (static_cast<void*>(storage_)) Stored(*this, std::forward<Handler>(completion));
    if (slot.is_connected()) {
      slot.assign([signal = this](asio::cancellation_type) mutable {
        Signal* const target = std::exchange(signal, nullptr);
        if (target != nullptr && target->waiter_ != nullptr) target->waiter_->cancel();
      });
    }
    if (try_wait()) waiter_->finish(nullptr, Resume::later);
  }

  static constexpr std::size_t kWaiterBytes = 64;

  alignas(std::max_align_t) std::byte storage_[kWaiterBytes];
  Waiter* waiter_ = nullptr;
  bool permit_ = false;
};

}  // namespace sennit
