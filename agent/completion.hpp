// What a model gave: the events of one completion, put together.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/message.hpp>
#include <sennit/agent/usage.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

struct Completion {
  Message message;  ///< role assistant; no parts if the answer was empty
  StopReason reason = StopReason::stop;
  Usage usage;
  std::string refusal;  ///< the model's own words, where sent apart from the text

  friend bool operator==(const Completion&, const Completion&) = default;
};

/// Most calls one completion may hold; a stream that opens more is broken or hostile.
inline constexpr std::size_t kMaxToolCalls = 128;

/// Gathers the events of one TokenStream. Pure.
class CompletionBuilder {
 public:
  /// `provider` tags reasoning (ModelInfo::provider).
  explicit CompletionBuilder(std::string_view provider) : provider_(provider) {}

  /// Throws Error(errc::too_large) beyond kMaxToolCalls.
  void take(const Event& event);
  /// Something a person could have seen has arrived: from here on the completion must not be retried silently.
  [[nodiscard]] bool visible() const noexcept { return written_ > 0 || !calls_.empty(); }
  /// Bytes the model wrote so far, of any kind: a running estimate of its output.
  [[nodiscard]] std::size_t written() const noexcept { return written_; }
  /// Of all its parts.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] const Usage& usage() const noexcept { return completion_.usage; }
  /// The completion so far. Parts stand in the order in which they began: a signature belongs to what follows it, and
  /// thoughts between two calls stay between them.
  [[nodiscard]] Completion finish() &&;

 private:
  void take(const ToolCallDelta& delta);
  void take(const ReasoningDelta& delta);

  std::string provider_;
  std::string text_;
  std::vector<Part> parts_;         // calls stand as empty ones, in the order of calls_
  bool open_ = false;               // the last part is reasoning that goes on
  std::vector<ToolCall> calls_;     // by their numbers
  std::vector<std::size_t> began_;  // the numbers of the calls, in the order in which they began
  std::vector<bool> whole_;         // by call: its arguments are a document, to which no piece can be appended
  std::size_t written_ = 0;
  Completion completion_;
};

}  // namespace sennit
