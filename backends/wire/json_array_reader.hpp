// Reads one JSON array whose elements come one by one: how Gemini streams where it is not asked for server-sent events.
// Pure: bytes in, the text of elements out, at any chunk boundary and in time proportional to the input.
#pragma once

#include <sennit/agent/io/sse.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sennit {

/// An element is cut out, not checked: what stands in it is for a JSON parser to say. Exceeding a bound throws
/// Error(errc::too_large).
class JsonArrayReader {
 public:
  explicit JsonArrayReader(StreamLimits limits = {}) : limits_(limits) {}

  /// Takes the next piece of the body, which begins with `[`.
  void push(std::string_view bytes);
  /// The next complete element without white space around it, or nothing. The view is valid until the next push().
  /// An object is complete at its brace: its comma may come much later.
  [[nodiscard]] std::optional<std::string_view> next();
  /// Ends the body: gives the unfinished last element, if there is one. REQUIRES: next() had nothing more.
  [[nodiscard]] std::optional<std::string_view> finish();
  /// The array has ended; what follows is not looked at.
  [[nodiscard]] bool closed() const noexcept { return closed_; }

 private:
  void step_in_string(char c) noexcept;
  [[nodiscard]] std::optional<std::string_view> take(std::size_t end);
  void check(std::size_t size) const;

  StreamLimits limits_;
  std::string buffer_;
  std::size_t start_ = 0;  // of the element
  std::size_t at_ = 0;     // the next byte to look at
  std::size_t depth_ = 0;
  std::size_t elements_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool closed_ = false;
};

}  // namespace sennit
