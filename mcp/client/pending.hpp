// Private: requests that wait for their answers on one duplex stream, by id.
#pragma once

#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/signal.hpp>
#include <sennit/mcp/protocol/json_rpc.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

namespace sennit::mcp {

/// Used on one shard.
class Pending {
 public:
  /// One request that waits. Lives in the frame of whoever waits.
  class Waiter {
   public:
    Waiter(Pending& pending, std::int64_t id) : pending_(pending), id_(id) { pending_.waiting_.emplace(id, this); }
    ~Waiter() { pending_.waiting_.erase(id_); }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    /// Gives the answer, or throws what fail() was given. Cancellation: terminal.
    [[nodiscard]] asio::awaitable<Answer> wait() {
      while (!answer_ && !error_) co_await changed_.wait();
      if (error_) throw Error(*error_);
      co_return std::move(*answer_);
    }

   private:
    friend class Pending;
    Pending& pending_;
    std::int64_t id_;
    Signal changed_;
    std::optional<Answer> answer_;
    std::optional<Error> error_;
  };

  /// False: nobody waits for it.
  [[nodiscard]] bool settle(Answer answer) {
    const auto* id = answer.id ? std::get_if<std::int64_t>(&*answer.id) : nullptr;
    const auto place = id == nullptr ? waiting_.end() : waiting_.find(*id);
    if (place == waiting_.end()) return false;
    place->second->answer_ = std::move(answer);
    place->second->changed_.notify();
    return true;
  }

  void fail(const Error& error) {
    for (const auto& [id, waiter] : waiting_) {
      if (waiter->answer_) continue;
      waiter->error_ = error;
      waiter->changed_.notify();
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }
  /// The one request that waits; nothing if there is none, or more.
  [[nodiscard]] std::optional<std::int64_t> only() const {
    if (waiting_.size() != 1) return std::nullopt;
    return waiting_.begin()->first;
  }

 private:
  std::map<std::int64_t, Waiter*> waiting_;
};

}  // namespace sennit::mcp
