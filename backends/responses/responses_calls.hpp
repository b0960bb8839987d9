// Private: Which tool call an event of a Responses stream means. Items name a call by its call_id; the pieces of the
// arguments do not know it, and go by the item's place in the output or by the item's own id.
#pragma once

#include <sennit/backends/wire/told_text.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

struct ResponsesCall {
  std::optional<std::int64_t> index;  ///< of the item in the output
  std::string id;                     ///< call_id: what an answer to the call refers to
  std::string item;                   ///< the item's own id
  bool named = false;
  bool whole = false;  ///< the arguments came as a JSON object
  ToldText arguments;
};

/// What an event says about the call that it means.
struct ResponsesCallKey {
  std::optional<std::int64_t> index;
  std::string_view id;
  std::string_view item;
  bool done = false;  ///< it ends the item, which must have been opened before
};

/// The call that `key` means, nothing if it is a new one. `by_index`: look at nothing but the index.
[[nodiscard]] std::optional<std::size_t> find_call(const std::vector<ResponsesCall>& calls, const ResponsesCallKey& key,
                                                   bool by_index);

}  // namespace sennit
