// Reads a model's answer, in whatever pieces it arrives: bytes in, events out, no I/O. The same for all protocols: what
// their objects mean is an assembler's business (answer_assembler.hpp), what stands beside them is in strays.hpp.
//
// Nothing is final until the end: usage, deltas and even another finish reason may follow the first one, so the
// terminal event comes from finish() alone. How an answer may end is decided here.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/io/sse.hpp>
#include <sennit/backends/wire/answer_api.hpp>
#include <sennit/backends/wire/answer_assembler.hpp>
#include <sennit/backends/wire/json_array_reader.hpp>
#include <sennit/backends/wire/provider_error.hpp>
#include <sennit/backends/wire/strays.hpp>
#include <sennit/backends/wire/think_splitter.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sennit {

/// How a body is framed. `detect` looks at its first character: `{`, `[` (or the `<` of an HTML page) opens a document,
/// anything else is SSE. `ndjson_or_sse` looks as well: proxies give SSE the other's content type. A document of Gemini
/// that is an array is a stream, too: one chunk an element.
enum class Framing : std::uint8_t { detect, sse, ndjson, ndjson_or_sse, document };

struct DecoderOptions {
  Api api = Api::chat_completions;
  Framing framing = Framing::detect;
  int status = 200;  ///< HTTP status; from 400 on the body is an error
  ThinkStart think = ThinkStart::off;
  bool verbatim = false;  ///< see AnswerAssembler
  ProviderNames names;    ///< for messages; the views must outlive the decoder
  RetryAdvice advice;
};

class AnswerDecoder {
 public:
  explicit AnswerDecoder(const DecoderOptions& options);

  /// Appends what `bytes` complete; a delta of the same kind as the last of `events` is merged into it, so that a
  /// burst of tokens is one event.
  /// Throws Error(errc::too_large) if a bound is exceeded.
  void push(std::string_view bytes, std::vector<Event>& events);
  /// Ends the body: appends what is left and the terminal event, exactly one, the last. Call once.
  void finish(std::vector<Event>& events);

  /// The server has said that nothing follows (`[DONE]`, or the protocol's own last event).
  [[nodiscard]] bool done() const noexcept { return done_; }
  /// An error has arrived that breaks the completion, whatever else the server may send.
  [[nodiscard]] bool failed() const noexcept {
    return assembler_->failed() || strays_.weight() == Strays::Weight::error;
  }
  /// A finish_reason has arrived: what still may follow is usage.
  [[nodiscard]] bool complete() const noexcept { return !assembler_->reason().empty(); }
  /// Chunks that brought words so far; none of a document.
  [[nodiscard]] std::size_t pieces() const noexcept { return assembler_->pieces(); }
  /// The body is a stream, not one document.
  [[nodiscard]] bool streamed() const noexcept { return !std::holds_alternative<std::string>(reader_); }
  /// What the server said, verbatim: for `sennit decode` and for diagnosis. Complete after finish().
  [[nodiscard]] const ProviderError* error() const noexcept;
  /// REQUIRES: verbatim.
  [[nodiscard]] const SentAnswer& sent() const noexcept { return assembler_->sent(); }

  static constexpr std::size_t kMaxDocument = 32ULL << 20U;  ///< bytes of a body that is one document
  static constexpr std::size_t kMaxErrorBody = 1ULL << 20U;  ///< bytes of an error body that are looked at

 private:
  void choose(Framing framing);
  void detect(std::string_view bytes);
  [[nodiscard]] bool opens_array(std::string_view bytes) const;
  void collect(std::string_view bytes);
  void take_event(std::string_view name, std::string_view data, std::vector<Event>& events);
  void take_last(std::string_view name, std::string_view data, std::vector<Event>& events);
  void finish_events(SseReader& sse, std::vector<Event>& events);
  void take_document(std::vector<Event>& events);
  void take_error_body();
  [[nodiscard]] StopReason stop_reason() const;
  [[nodiscard]] std::optional<Error> breakage() const;
  [[nodiscard]] std::optional<Error> broken_reason() const;
  [[nodiscard]] std::optional<Error> broken_by_strays() const;
  [[nodiscard]] Error nothing_understood() const;

  DecoderOptions options_;
  std::variant<std::string, SseReader, NdjsonReader, JsonArrayReader> reader_;  // a document is collected in a string
  std::unique_ptr<AnswerAssembler> assembler_;
  Strays strays_;
  std::unique_ptr<ProviderError> refusal_of_request_;  // read from the body of an HTTP error
  std::string excerpt_;                                // the beginning of a body in which nothing was understood
  bool undecided_ = false;
  bool done_ = false;
};

}  // namespace sennit
