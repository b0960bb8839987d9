// Readers for the two line-based stream formats of model servers. Pure: bytes in, events out.
//
// Both accept any chunk boundary, work in time proportional to the input however it is cut, and bound what they
// hold: exceeding a bound throws Error(errc::too_large) naming it.
#pragma once

#include <sennit/agent/io/error.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sennit {

struct StreamLimits {
  std::size_t line = 16ULL << 20U;   ///< bytes of one line (a whole base64 image fits)
  std::size_t event = 32ULL << 20U;  ///< bytes of one event's data, all its lines together
  std::size_t lines = 65'536;        ///< lines of one event: empty `data:` lines slip past a byte bound
  std::size_t events = 50'000'000;   ///< events of one stream
};

namespace detail {

/// Unread bytes of a stream that is cut into lines. Remembers how far it has searched, so that a long line arriving
/// byte by byte is looked at once.
class LineBuffer {
 public:
  void push(std::string_view bytes);
  /// Position of the first `\n` (or `\r`) of what is unread; npos if there is none yet.
  [[nodiscard]] std::size_t find_lf() { return lf_.find(buffer_, position_, '\n'); }
  [[nodiscard]] std::size_t find_cr() { return cr_.find(buffer_, position_, '\r'); }
  [[nodiscard]] std::string_view unread() const { return std::string_view(buffer_).substr(position_); }
  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  /// The bytes from position() up to `end`, then moves on to `next`. The view is valid until the next push().
  [[nodiscard]] std::string_view take(std::size_t end, std::size_t next);
  void skip(std::size_t count) noexcept { position_ += count; }

 private:
  struct Search {
    std::size_t found = std::string::npos;
    std::size_t searched = 0;  // no match before this one
    [[nodiscard]] std::size_t find(const std::string& buffer, std::size_t from, char wanted);
    void shift(std::size_t by) noexcept;
  };
  std::string buffer_;
  std::size_t position_ = 0;
  Search lf_;
  Search cr_;
};

}  // namespace detail

struct SseEvent {
  std::string_view name;  ///< of the `event:` field; empty if absent
  std::string_view data;  ///< `data:` lines joined by \n
};

/// Server-sent events by the WHATWG rules (https://html.spec.whatwg.org/multipage/server-sent-events.html), with one
/// leniency: finish() delivers a last event that lacks its blank line. Lines end with LF, CRLF or CR.
class SseReader {
 public:
  explicit SseReader(StreamLimits limits = {}) : limits_(limits) {}

  /// Takes the next piece of the body.
  void push(std::string_view bytes);
  /// The next complete event, or nothing until more bytes are pushed. Its views are valid until the next call of any
  /// function here.
  [[nodiscard]] std::optional<SseEvent> next();
  /// Ends the stream: gives the unterminated last event, if there is one. REQUIRES: next() had nothing more.
  [[nodiscard]] std::optional<SseEvent> finish();
  /// Comment lines seen so far (keep-alives).
  [[nodiscard]] std::size_t comments() const noexcept { return comments_; }
  /// The last `id:` field so far, of whatever event; empty: none. Where a stream is to be taken up again.
  [[nodiscard]] const std::string& last_id() const noexcept { return last_id_; }
  /// Milliseconds to wait before taking up the stream again, from the last `retry:` field; nothing: none.
  [[nodiscard]] std::optional<std::uint64_t> retry() const noexcept { return retry_; }
  /// The first line so far whose field the format does not know, cut at kMaxUnknownLine bytes; empty if there was none.
  /// A reader is to ignore it, but servers hide errors there (`error: {…}`), and a gateway's page is made of such
  /// lines.
  [[nodiscard]] const std::string& unknown_line() const noexcept { return unknown_line_; }

  static constexpr std::size_t kMaxUnknownLine = 8'192;  ///< holds every error object; a page is shown in part anyway

 private:
  [[nodiscard]] bool past_byte_order_mark(bool at_end);
  [[nodiscard]] std::optional<std::string_view> next_line();
  [[nodiscard]] std::optional<SseEvent> take_line(std::string_view line);
  [[nodiscard]] bool take_field(std::string_view name, std::string_view value);
  [[nodiscard]] bool take_place(std::string_view name, std::string_view value);
  void take_data(std::string_view value);
  [[nodiscard]] std::optional<SseEvent> dispatch();

  StreamLimits limits_;
  detail::LineBuffer buffer_;
  bool skip_lf_ = false;  // the last line ended with CR; an LF now belongs to it
  bool at_start_ = true;  // a byte order mark may follow
  std::string name_;
  std::string_view first_;  // the event's only data line so far, still in the buffer
  std::string data_;        // the event's data where it has several lines or came in several pieces
  bool copied_ = false;     // data_ holds it, not first_
  bool delivered_ = false;  // the last event's name is still in name_
  std::size_t data_lines_ = 0;
  std::size_t events_ = 0;
  std::size_t comments_ = 0;
  std::string unknown_line_;
  std::string last_id_;
  std::optional<std::uint64_t> retry_;
};

/// Newline-delimited JSON: each line that is not blank is an event. Lines end with LF or CRLF.
class NdjsonReader {
 public:
  explicit NdjsonReader(StreamLimits limits = {}) : limits_(limits) {}

  void push(std::string_view bytes);
  /// The next complete line without its end, or nothing. The view is valid until the next push/finish.
  [[nodiscard]] std::optional<std::string_view> next();
  /// Ends the stream: gives the unterminated last line, if there is one. REQUIRES: next() had nothing more.
  [[nodiscard]] std::optional<std::string_view> finish();

 private:
  void check(std::size_t line_size) const;
  [[nodiscard]] std::optional<std::string_view> take(std::string_view line);

  StreamLimits limits_;
  detail::LineBuffer buffer_;
  std::size_t events_ = 0;
};

}  // namespace sennit
