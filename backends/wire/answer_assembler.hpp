// What the JSON objects of a model's answer mean: objects in, events out. Each protocol has its assembler; here is what
// all of them do. None knows bytes, framing or HTTP (see answer_decoder.hpp).
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/backends/wire/provider_error.hpp>
#include <sennit/backends/wire/think_splitter.hpp>

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
  /// `think`: whether tags in the text open and close reasoning. `verbatim`: for showing what was sent; else counts are
  /// translated to what agent/usage.hpp means by them, and calls that say nothing are left out.
  AnswerAssembler(ThinkStart think, bool verbatim) noexcept : verbatim_(verbatim), think_(think) {}
  virtual ~AnswerAssembler() = default;
  AnswerAssembler(const AnswerAssembler&) = delete;
  AnswerAssembler& operator=(const AnswerAssembler&) = delete;

  /// One object of a stream. Adjacent deltas of the same kind are merged into the last of `events`. False if it had
  /// nothing that the protocol knows.
  bool chunk(const json::object& chunk, std::vector<Event>& events);
  /// A whole answer that was not streamed.
  void document(const json::object& answer, std::vector<Event>& events);
  /// No chunk follows: appends what was kept back. `complete`: not cut off.
  void close(bool complete, std::vector<Event>& events);

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
  [[nodiscard]] bool has_calls() const noexcept { return call_count_ > 0; }

  static constexpr std::size_t kMaxCalls = 1024;  ///< tool calls of one completion

 protected:
  virtual bool take_chunk(const json::object& chunk) = 0;
  virtual void take_document(const json::object& answer) = 0;
  /// What is left to tell at the end, but for text that may be a tag.
  virtual void settle() {}

  // What the running chunk gives; text is empty at will.
  void say(std::string_view text);
  void think(std::string_view text);
  void refuse(std::string_view text);
  /// A signature or an encrypted block of reasoning: it closes the block that was told before it.
  void append_opaque(json::object block);
  /// Before a block that is signed: thoughts that nobody signed end in an empty signature, or the next one would cover
  /// them once the deltas are put together. `key`: as in the protocol's blocks.
  void close_unsigned_thoughts(std::string_view key);
  void append_call(ToolCallDelta delta);
  /// Unless they are what was told last.
  void append_usage(const Usage& counts);
  void take_reason(const json::value& reason);
  void take_error(ProviderError error, bool breaks);
  /// The number of a call that opens; id and name as the wire has them. Throws Error(errc::too_large).
  std::uint32_t new_call(const json::value* id, const json::value* name);

  bool verbatim_;
  bool understood_ = false;
  bool ended_ = false;
  bool worded_ = false;    // the running chunk has brought words
  bool unsigned_ = false;  // thoughts were told that nothing has closed
  std::vector<Event>* events_ = nullptr;
  SentAnswer sent_;
  std::string reason_;

 private:
  void append_text(std::string_view text);
  void append_reasoning(std::string_view text);

  ThinkSplitter think_;
  bool failed_ = false;
  bool refused_ = false;
  std::uint32_t call_count_ = 0;
  std::size_t pieces_ = 0;
  std::unique_ptr<ProviderError> error_;
  std::optional<Usage> usage_;
};

}  // namespace sennit
