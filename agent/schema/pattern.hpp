// A regular expression from outside, matched in bounded time and stack.
//
// std::regex recurses once a character and backtracks without end: a schema of a stranger's server could crash or
// hang us. Boost.Regex keeps its state on the heap and gives up after a number of steps that we set.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace sennit {

inline constexpr std::size_t kMaxPatternLength = 2000;  ///< bytes

/// ECMAScript syntax over bytes; `.` does not match a newline, `^` and `$` match at the ends of the text only.
/// Immutable. [thread-safe]
class Pattern {
 public:
  /// Throws Error(errc::config) with the reason if it does not compile.
  explicit Pattern(std::string_view source);
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

  enum class Found { yes, no, gave_up };
  [[nodiscard]] Found search(std::string_view text) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace sennit
