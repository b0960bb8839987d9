// Private: What has been told of a text that a stream sends in pieces and then again as a whole, so that the copy is
// not told twice and still mends what the pieces left out. Remembers no text: a length and a hash tell whether a copy
// goes on where the pieces ended.
#pragma once

#include <sennit/agent/io/fnv1a.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sennit {

class ToldText {
 public:
  void add(std::string_view piece) noexcept;
  /// What a copy of the whole says after what was told; empty if nothing, or if it is another text.
  [[nodiscard]] std::string_view rest_of(std::string_view whole) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  std::size_t size_ = 0;
  std::uint64_t hash_ = kFnv1aSeed;
};

}  // namespace sennit
