// What a stream says beside its chunks: errors in shapes of their own, the words of a gateway, chunks that
// cannot be read. Each of them may be all that tells a broken answer from a short one.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/backends/wire/provider_error.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

namespace sennit {

/// Remembers the weightiest thing that is no chunk, and of several the first. Pure.
class Strays {
 public:
  enum class Weight : std::uint8_t {
    none,
    remark,  ///< words that are an error unless the answer ends well all the same
    hole,    ///< a chunk that cannot be read: what it held is missing from the answer
    error,   ///< the server calls it an error
  };

  /// An event of the stream. `document`: its data as JSON, null if it is none.
  void take(std::string_view name, std::string_view data, const json::value* document);
  /// A line whose field the format does not know: older llama-servers write their errors as `error: {…}`.
  void take_line(std::string_view line);

  [[nodiscard]] Weight weight() const noexcept { return weight_; }
  /// It was JSON, or under the name `error`: not just any words.
  [[nodiscard]] bool structured() const noexcept { return structured_; }
  /// REQUIRES: weight() is not none.
  [[nodiscard]] const ProviderError& said() const noexcept { return *said_; }

 private:
  void take_object(bool named_error, const json::object& event);
  void keep(Weight weight, bool structured, ProviderError said);

  Weight weight_ = Weight::none;
  bool structured_ = false;
  std::unique_ptr<const ProviderError> said_;  // most streams have none, and every waiting one holds this
};

}  // namespace sennit
