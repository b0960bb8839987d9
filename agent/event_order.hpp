// Private: the order of a run's events. What runs side by side (tool calls, sub-agents) has lanes of its own, and the
// journal keeps how the lanes took turns; so a run that is told again gives its events in the same order.
#pragma once

#include <sennit/agent/event.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit {

/// How lanes took turns, in the journal's form: ["",3,"2.1",1]: three events of the first lane, one of the second.
class EventOrder {
 public:
  void note(std::string_view lane);
  [[nodiscard]] bool empty() const noexcept { return turns_.empty(); }
  /// What was noted since the last take().
  [[nodiscard]] json::array take();

 private:
  std::vector<std::pair<std::string, std::uint64_t>> turns_;
};

/// Brings the events of several lanes into an order that was kept.
class EventMerge {
 public:
  /// Continues the order. Throws Error(errc::storage) for what take() did not give.
  void expect(const json::value& turns);
  void forget() { order_.clear(); }
  void put(std::string_view lane, Event event);
  /// The next event whose turn it is; false: it has not come yet. Beyond the known order: as they came.
  [[nodiscard]] bool next(std::string& lane, Event& event);
  /// From now on, as they came.
  void release() { order_.clear(); }
  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }

 private:
  std::deque<std::pair<std::string, std::uint64_t>> order_;
  std::deque<std::pair<std::string, Event>> waiting_;  // few: what ran side by side
};

}  // namespace sennit
