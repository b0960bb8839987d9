#include <sennit/agent/event_order.hpp>

#include <algorithm>

namespace sennit {

void EventOrder::note(std::string_view lane) {
  if (turns_.empty() || turns_.back().first != lane) turns_.emplace_back(lane, 0);
  ++turns_.back().second;
}

json::array EventOrder::take() {
  json::array turns;
  for (auto& [lane, count] : turns_) {
    turns.emplace_back(lane);
    turns.emplace_back(count);
  }
  turns_.clear();
  return turns;
}

void EventMerge::expect(const json::value& turns) {
  const json::array* list = turns.if_array();
  if (list == nullptr || list->size() % 2 != 0) throw Error(errc::storage, "a journal with a broken order of events");
  for (std::size_t i = 0; i < list->size(); i += 2) {
    const json::string* lane = (*list)[i].if_string();
    boost::system::error_code broken;
    const auto count = (*list)[i + 1].to_number<std::uint64_t>(broken);
    if (lane == nullptr || broken) throw Error(errc::storage, "a journal with a broken order of events");
    order_.emplace_back(*lane, count);
  }
}

void EventMerge::put(std::string_view lane, Event event) {
  waiting_.emplace_back(lane, std::move(event));
}

bool EventMerge::next(std::string& lane, Event& event) {
  while (!order_.empty() && order_.front().second == 0) order_.pop_front();
  const auto due = order_.empty() ? waiting_.begin()
                                  : std::find_if(waiting_.begin(), waiting_.end(),
                                                 [&](const auto& e) { return e.first == order_.front().first; });
  if (due == waiting_.end()) return false;
  if (!order_.empty()) --order_.front().second;
  lane = std::move(due->first);
  event = std::move(due->second);
  waiting_.erase(due);
  return true;
}

}  // namespace sennit
