#include <sennit/backends/responses/responses_calls.hpp>

namespace sennit {

namespace {

/// How sure it is that `key` means `call`; 0: it does not. A call_id says most, but an event that opens an item under
/// a known call_id at another place brings another call. The item's own id says least: some servers change it from
/// event to event. Others number all items 0, so the index alone does not make two call_ids one call.
int likeness(const ResponsesCall& call, const ResponsesCallKey& key) {
  const bool here = !key.index || call.index == key.index;
  const bool same_item = !key.item.empty() && call.item == key.item;
  if (!key.id.empty() && call.id == key.id) {
    if (here) return 5;
    return key.done || !call.index ? 4 : 0;
  }
  if (!key.id.empty() && !call.id.empty()) return 0;
  if (here) return same_item ? 3 : 2;
  return same_item ? 1 : 0;
}

}  // namespace

std::optional<std::size_t> find_call(const std::vector<ResponsesCall>& calls, const ResponsesCallKey& key,
                                     bool by_index) {
  std::optional<std::size_t> found;
  int best = 0;
  for (std::size_t i = calls.size(); i-- > 0;) {
    const int score = by_index ? static_cast<int>(calls[i].index == key.index) : likeness(calls[i], key);
    if (score <= best) continue;
    best = score;
    found = i;
  }
  return found;
}

}  // namespace sennit
