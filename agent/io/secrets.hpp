// The secret values that this process knows, and text without them.
//
// A secret is to be seen by sockets and children alone. Whoever resolves one adds it here; what leaves the library as
// event, log record, row of the store or tool output goes through redact(). What is looked for is the exact value, also
// as Base64, percent-encoded, JSON-escaped or in hexadecimal digits; a model that is asked to spell a secret backwards
// finds a way around that, which is why it should never get to see one.
//
// One register for the whole process: a key that one agent uses is none that another one may print. [thread-safe]
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/agent/io/log.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

class WordMatcher;

namespace secrets {

/// Shorter values are everywhere in ordinary text: they are not looked for.
inline constexpr std::size_t kShortest = 6;
/// Of all values together. Beyond it the one that was added or used longest ago is forgotten.
inline constexpr std::size_t kMaxBytes = 256ULL << 10U;
/// Stands in the place of a secret.
inline constexpr std::string_view kMask = "***";

/// From now on `value` is looked for, and so is each of its lines that is long enough to be a secret by itself.
void add(std::string_view value);

/// The same unless the value is what people write where a key is asked for and none is needed: a plain word of fewer
/// than 16 letters (`ollama`, `lm-studio`, `not-needed`). Looking for it would blot out the word everywhere.
void add_unless_word(std::string_view value);

/// Nothing is looked for any more. For tests, which share a process.
void forget_all();

/// Whether anything is looked for. Cheap.
[[nodiscard]] bool any() noexcept;

/// `text` with `***` in the place of each secret.
[[nodiscard]] std::string redact(std::string text);

/// The same with bytes of the secret's own number, which are Base64 of nothing: for Base64 that is to stay so.
[[nodiscard]] std::string redact_base64(std::string text);

/// Blots secrets out of all texts and keys in `value`. True if there were any.
bool redact_in(json::value& value);

/// Hands records on without secrets. Empty for an empty sink.
[[nodiscard]] LogSink redacting(LogSink sink);

/// Private: how far a text was gone through.
struct Scan {
  std::uint32_t state = 0;
  std::vector<std::uint64_t> breaks{};  ///< line breaks that were passed over within what may be a secret
  bool returned = false;                ///< the last of them was a carriage return
};

/// A text that comes in pieces. What may be the beginning of a secret is held back until it is known, and no more than
/// that. Knows the secrets that were registered when it was made. One thread at a time.
class Stream {
 public:
  Stream();
  /// What can be shown by now of what was pushed.
  [[nodiscard]] std::string push(std::string_view piece);
  /// The rest. The stream begins anew.
  [[nodiscard]] std::string finish();
  /// Something was blotted out since the beginning.
  [[nodiscard]] bool masked() const noexcept { return masked_; }

 private:
  struct Span {
    std::uint64_t begin;
    std::uint64_t end;
  };
  [[nodiscard]] std::string release(std::uint64_t until);

  std::shared_ptr<const WordMatcher> words_;  // null: nothing is looked for
  Scan scan_;
  std::uint64_t line_ = 1;  // where what holds no blank began
  std::string held_;
  std::vector<Span> found_;     // in what is held, apart from each other
  std::uint64_t begin_ = 1;     // of what is held, counted from the stream's own beginning
  std::uint64_t mask_end_ = 0;  // of the last secret that a mask was shown for
  bool masked_ = false;
};

}  // namespace secrets
}  // namespace sennit
