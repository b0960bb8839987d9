// What the JSON objects of a model's answer mean: objects in, events out. Each protocol has its assembler; here is what
// all of them do. None knows bytes, framing or HTTP (see answer_decoder.hpp).
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/backends/provider_error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// What the events cannot carry, as the wire had it; null where it had nothing.
struct SentAnswer {
  struct Call {
    json::value id;
    json::value name;
    bool free_text = false;  ///< a custom tool of Responses: what it gets is text, not JSON
  };
  json::value finish_reason;  ///< the last one
  json::value finish_detail;
  json::object usage;       ///< {input, output, cached_input, reasoning}; empty where none came
  std::vector<Call> calls;  ///< by the number of the call
};

class AnswerAssembler {
 public:
  /// `verbatim`: for showing what was sent. Else counts are translated to what agent/usage.hpp means by them.
  explicit AnswerAssembler(bool verbatim) noexcept : verbatim_(verbatim) {}
  virtual ~AnswerAssembler() = default;
  AnswerAssembler(const AnswerAssembler&) = delete;
  AnswerAssembler& operator=(const AnswerAssembler&) = delete;

  /// One object of a stream. Adjacent deltas of the same kind are merged into the last of `events`. False if it had
  /// nothing that the protocol knows.
  virtual bool chunk(const json::object& chunk, std::vector<Event>& events) = 0;
  /// A whole answer that was not streamed.
  virtual void document(const json::object& answer, std::vector<Event>& events) = 0;
  /// No chunk follows: appends what was kept back. `complete`: not cut off.
  virtual void close(bool complete, std::vector<Event>& events) = 0;

  /// The last error that arrived, if any; `failed` tells whether it breaks the completion (`"error": false` does not).
  [[nodiscard]] const ProviderError* error() const noexcept { return error_.get(); }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  /// REQUIRES: verbatim.
  [[nodiscard]] const SentAnswer& sent() const noexcept { return sent_; }
  /// The last finish reason that says something; empty if none did.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
  /// The protocol's own last object has come.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  /// Something was an answer of this protocol at all: content, usage or an error.
  [[nodiscard]] bool understood() const noexcept { return understood_; }
  [[nodiscard]] bool refused() const noexcept { return refused_; }
  /// Chunks that brought words: text, reasoning, a refusal, arguments.
  [[nodiscard]] std::size_t pieces() const noexcept { return pieces_; }
  [[nodiscard]] bool has_calls() const noexcept { return called_; }

  static constexpr std::size_t kMaxCalls = 1024;  ///< tool calls of one completion

 protected:
  // The events that the running chunk gives go here.
  void append_text(std::string_view text);
  void append_reasoning(std::string_view text);
  void append_refusal(std::string_view text);
  void append_call(ToolCallDelta delta);
  /// Unless they are what was told last.
  void append_usage(const Usage& counts);
  void take_error(ProviderError error, bool breaks);

  bool verbatim_;
  bool failed_ = false;
  bool understood_ = false;
  bool refused_ = false;
  bool called_ = false;
  bool ended_ = false;
  bool worded_ = false;  // the running chunk has brought words
  std::size_t pieces_ = 0;
  std::vector<Event>* events_ = nullptr;
  std::unique_ptr<ProviderError> error_;
  SentAnswer sent_;
  std::string reason_;
  std::optional<Usage> usage_;
};

}  // namespace sennit
