#include <sennit/agent/io/sse.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

namespace sennit {
namespace {

constexpr std::size_t kMaxId = 1'024;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

[[noreturn]] void exceed(const char* what, std::size_t limit) {
  throw Error(errc::too_large, std::string("the stream exceeds its bound of ") + std::to_string(limit) + " " + what);
}

}  // namespace

namespace detail {

std::size_t LineBuffer::Search::find(const std::string& buffer, std::size_t from, char wanted) {
  if (found != std::string::npos && found >= from) return found;
  const std::size_t start = std::max(from, searched);
  const void* const hit =
      start < buffer.size() ? std::memchr(buffer.data() + start, wanted, buffer.size() - start) : nullptr;
  found = hit == nullptr ? std::string::npos : static_cast<std::size_t>(static_cast<const char*>(hit) - buffer.data());
  searched = hit == nullptr ? buffer.size() : found;
  return found;
}

void LineBuffer::Search::shift(std::size_t by) noexcept {
  if (found != std::string::npos) found = found >= by ? found - by : std::string::npos;
  searched = searched >= by ? searched - by : 0;
}

// What was read is cut off only once it is at least half of the buffer: each byte is moved a bounded number of times.
void LineBuffer::push(std::string_view bytes) {
  if (position_ > 0 && position_ * 2 >= buffer_.size()) {
    buffer_.erase(0, position_);
    lf_.shift(position_);
    cr_.shift(position_);
    position_ = 0;
  }
  buffer_.append(bytes);
}

std::string_view LineBuffer::take(std::size_t end, std::size_t next) {
  const auto line = std::string_view(buffer_).substr(position_, end - position_);
  position_ = next;
  return line;
}

}  // namespace detail

// ---- server-sent events ----

void SseReader::push(std::string_view bytes) {
  buffer_.push(bytes);
}

std::optional<SseEvent> SseReader::next() {
  if (!past_byte_order_mark(false)) return std::nullopt;
  while (const auto line = next_line()) {
    if (auto event = take_line(*line)) return event;
  }
  if (data_lines_ == 1 && !copied_) {  // the rest of the event comes with another push, which moves the buffer
    data_.assign(first_);
    copied_ = true;
  }
  return std::nullopt;
}

std::optional<SseEvent> SseReader::finish() {
  if (!past_byte_order_mark(true)) return std::nullopt;
  if (skip_lf_ && buffer_.unread().substr(0, 1) == "\n") buffer_.skip(1);
  const std::string_view rest = buffer_.unread();
  buffer_.skip(rest.size());
  if (!rest.empty()) (void)take_line(rest);  // not blank, so it ends no event
  return dispatch();
}

bool SseReader::past_byte_order_mark(bool at_end) {
  if (!at_start_) return true;
  const std::string_view unread = buffer_.unread();
  const std::size_t compared = std::min(unread.size(), kByteOrderMark.size());
  const bool matches = unread.substr(0, compared) == kByteOrderMark.substr(0, compared);
  if (matches && compared < kByteOrderMark.size() && !at_end) return false;
  at_start_ = false;
  if (matches && compared == kByteOrderMark.size()) buffer_.skip(compared);
  return true;
}

std::optional<std::string_view> SseReader::next_line() {
  if (skip_lf_ && !buffer_.unread().empty()) {
    if (buffer_.unread().front() == '\n') buffer_.skip(1);
    skip_lf_ = false;
  }
  const std::size_t lf = buffer_.find_lf();
  const std::size_t cr = buffer_.find_cr();
  const std::size_t end = std::min(lf, cr);
  const bool complete = end != std::string::npos;
  const std::size_t size = complete ? end - buffer_.position() : buffer_.unread().size();
  if (size > limits_.line) exceed("bytes a line", limits_.line);
  if (!complete) return std::nullopt;
  skip_lf_ = end == cr;
  return buffer_.take(end, end + 1);
}

std::optional<SseEvent> SseReader::take_line(std::string_view line) {
  if (std::exchange(delivered_, false)) name_.clear();
  if (line.empty()) return dispatch();
  if (line.front() == ':') {
    ++comments_;
    return std::nullopt;
  }
  const std::size_t colon = line.find(':');
  std::string_view value = line.substr(colon == std::string_view::npos ? line.size() : colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  const bool known = take_field(line.substr(0, colon), value);
  if (!known && unknown_line_.empty()) unknown_line_.assign(line.substr(0, kMaxUnknownLine));
  return std::nullopt;
}

bool SseReader::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    take_data(value);
  } else if (name == "event") {
    name_.assign(value);
  } else {
    return take_place(name, value);
  }
  return true;
}

// `id` and `retry` serve reconnecting: a model server offers none, an MCP server may.
bool SseReader::take_place(std::string_view name, std::string_view value) {
  if (name == "id") {
    if (value.size() <= kMaxId && value.find('\0') == std::string_view::npos) last_id_.assign(value);
    return true;
  }
  if (name != "retry") return false;
  std::uint64_t delay = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), delay);
  if (read.ec == std::errc() && read.ptr == value.data() + value.size()) retry_ = delay;
  return true;
}

void SseReader::take_data(std::string_view value) {
  if (data_lines_ == limits_.lines) exceed("data lines an event", limits_.lines);
  const std::size_t before = copied_ ? data_.size() : first_.size();
  if (before + value.size() + 1 > limits_.event) exceed("bytes an event", limits_.event);
  if (++data_lines_ == 1) {
    first_ = value;
    return;
  }
  if (!std::exchange(copied_, true)) data_.assign(first_);
  data_.append(1, '\n').append(value);
}

std::optional<SseEvent> SseReader::dispatch() {
  if (data_lines_ == 0) {
    name_.clear();
    return std::nullopt;
  }
  if (++events_ > limits_.events) exceed("events", limits_.events);
  const SseEvent event{name_, copied_ ? std::string_view(data_) : first_};
  data_lines_ = 0;
  copied_ = false;
  first_ = {};
  delivered_ = true;  // data_ is overwritten, and name_ cleared, when the next line is taken
  return event;
}

// ---- newline-delimited JSON ----

void NdjsonReader::push(std::string_view bytes) {
  buffer_.push(bytes);
}

std::optional<std::string_view> NdjsonReader::next() {
  for (;;) {
    const std::size_t end = buffer_.find_lf();
    if (end == std::string::npos) {
      check(buffer_.unread().size());
      return std::nullopt;
    }
    check(end - buffer_.position());
    if (auto line = take(buffer_.take(end, end + 1))) return line;
  }
}

std::optional<std::string_view> NdjsonReader::finish() {
  const std::string_view rest = buffer_.unread();
  buffer_.skip(rest.size());
  return take(rest);
}

void NdjsonReader::check(std::size_t line_size) const {
  if (line_size > limits_.line) exceed("bytes a line", limits_.line);
}

std::optional<std::string_view> NdjsonReader::take(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.find_first_not_of(" \t") == std::string_view::npos) return std::nullopt;
  if (++events_ > limits_.events) exceed("events", limits_.events);
  return line;
}

}  // namespace sennit
