// Readers for the two line-based stream formats of model servers. Pure: bytes in, events out.
//
// Both accept any chunk boundary and all three line ends, and bound what they hold: exceeding a bound throws
// Error(errc::too_large) naming it.
#pragma once

#include <sennit/agent/io/error.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sennit {

struct StreamLimits {
  std::size_t line = 16ULL << 20U;     ///< bytes of one line (a whole base64 image fits)
  std::size_t event = 32ULL << 20U;    ///< bytes of one event's data, all its lines together
  std::size_t lines = 65'536;          ///< lines of one event: empty `data:` lines slip past a byte bound
  std::size_t events = 50'000'000;     ///< events of one stream
};

struct SseEvent {
  std::string_view name;  ///< of the `event:` field; empty if absent
  std::string_view data;  ///< `data:` lines joined by \n
};

/// Server-sent events by the WHATWG rules (https://html.spec.whatwg.org/multipage/server-sent-events.html), with one
/// leniency: finish() delivers a last event that lacks its blank line.
class SseReader {
 public:
  explicit SseReader(StreamLimits limits = {}) : limits_(limits) {}

  /// Takes the next piece of the body. Views handed out before become invalid.
  void push(std::string_view bytes);
  /// The next complete event, or nothing until more bytes are pushed. Views are valid until the next push/finish.
  [[nodiscard]] std::optional<SseEvent> next();
  /// Ends the stream: gives the unterminated last event, if there is one.
  [[nodiscard]] std::optional<SseEvent> finish();
  /// Comment lines seen so far (keep-alives).
  [[nodiscard]] std::size_t comments() const noexcept { return comments_; }

 private:
  [[nodiscard]] std::optional<std::string_view> next_line(bool at_end);
  [[nodiscard]] std::optional<SseEvent> take_line(std::string_view line);

  StreamLimits limits_;
  std::string buffer_;
  std::size_t position_ = 0;
  std::size_t scanned_ = 0;  // bytes after position_ known to hold no line end
  bool skip_lf_ = false;
  bool at_start_ = true;     // a byte order mark may follow
  std::string name_;
  std::string data_;
  std::string delivered_name_;
  std::string delivered_data_;
  std::size_t data_lines_ = 0;
  std::size_t events_ = 0;
  std::size_t comments_ = 0;
};

/// Newline-delimited JSON: each non-empty line is an event.
class NdjsonReader {
 public:
  explicit NdjsonReader(StreamLimits limits = {}) : limits_(limits) {}

  void push(std::string_view bytes);
  /// The next complete line without its end, or nothing. The view is valid until the next push/finish.
  [[nodiscard]] std::optional<std::string_view> next();
  /// Ends the stream: gives the unterminated last line, if there is one.
  [[nodiscard]] std::optional<std::string_view> finish();

 private:
  StreamLimits limits_;
  std::string buffer_;
  std::size_t position_ = 0;
  std::size_t scanned_ = 0;
  std::size_t events_ = 0;
};

}  // namespace sennit
