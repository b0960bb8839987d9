// Private: who waits for a session, in the order of coming.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace sennit {

/// [thread-safe]
class Queue {
 public:
  /// A place in the queue for `what`, while it lives.
  class Place {
   public:
    Place(Queue& queue, std::string what) : queue_(queue), what_(std::move(what)) {
      const std::lock_guard lock(queue_.mutex_);
      queue_.waiting_[what_].push_back(this);
    }
    ~Place() {
      const std::lock_guard lock(queue_.mutex_);
      const auto line = queue_.waiting_.find(what_);
      std::erase(line->second, this);
      if (line->second.empty()) queue_.waiting_.erase(line);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    [[nodiscard]] bool is_first() const {
      const std::lock_guard lock(queue_.mutex_);
      return queue_.waiting_.find(what_)->second.front() == this;
    }

   private:
    Queue& queue_;
    const std::string what_;
  };

 private:
  std::mutex mutex_;
  std::map<std::string, std::deque<const Place*>, std::less<>> waiting_;
};

}  // namespace sennit
