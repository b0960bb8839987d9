#include <sennit/agent/io/white.hpp>
#include <sennit/backends/wire/json_array_reader.hpp>

#include <fmt/format.h>

namespace sennit {

void JsonArrayReader::push(std::string_view bytes) {
  if (closed_) return;
  // Moved only when half of it was read, so each byte is moved a bounded number of times.
  if (start_ > 0 && start_ * 2 >= buffer_.size()) {
    buffer_.erase(0, start_);
    at_ -= start_;
    start_ = 0;
  }
  buffer_.append(bytes);
}

std::optional<std::string_view> JsonArrayReader::next() {
  while (at_ < buffer_.size() && !closed_) {
    const char c = buffer_[at_++];
    if (in_string_) {
      step_in_string(c);
      continue;
    }
    std::optional<std::string_view> element;
    if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      if (++depth_ == 1) start_ = at_;
    } else if (c == '}' || c == ']') {
      if (depth_ > 0) --depth_;
      closed_ = depth_ == 0;
      if (depth_ <= 1) element = take(closed_ ? at_ - 1 : at_);
    } else if (c == ',' && depth_ == 1) {
      element = take(at_ - 1);
    }
    if (element) return element;
  }
  check(buffer_.size() - start_);
  return {};
}

std::optional<std::string_view> JsonArrayReader::finish() {
  return closed_ ? std::nullopt : take(buffer_.size());
}

void JsonArrayReader::step_in_string(char c) noexcept {
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    in_string_ = false;
  }
}

/// The element that ends at `end`; none between the end of an object and the comma after it.
std::optional<std::string_view> JsonArrayReader::take(std::size_t end) {
  const std::string_view element = std::string_view(buffer_).substr(start_, end - start_);
  start_ = at_;
  check(element.size());
  if (is_blank(element)) return {};
  if (++elements_ > limits_.events) {
    throw Error(errc::too_large, fmt::format("the stream exceeds its bound of {} elements", limits_.events));
  }
  return trimmed(element);
}

void JsonArrayReader::check(std::size_t size) const {
  if (size <= limits_.line) return;
  throw Error(errc::too_large, fmt::format("the stream exceeds its bound of {} bytes in one element", limits_.line));
}

}  // namespace sennit
