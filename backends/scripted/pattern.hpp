// Private: What an intent understands: `remember [that] {note}`, `{n:number} (plus|and) {m:number}`.
//
// Matched like RE2's bit-state machine: each place in the pattern meets each word at most once, so the time is bounded
// by their product, whatever the pattern and whatever the text.
#pragma once

#include <sennit/backends/scripted/pattern_words.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::intents {

inline constexpr std::size_t kMaxPatternBytes = 1'000;
inline constexpr std::size_t kMaxPatternDepth = 8;  ///< brackets inside brackets

struct Capture {
  std::string text;
  bool number = false;  ///< came from `{name:number}`: `text` is a JSON number
  friend bool operator==(const Capture&, const Capture&) = default;
};
using Captures = std::map<std::string, Capture, std::less<>>;

/// Immutable. [thread-safe]
class Pattern {
 public:
  /// Throws Error(errc::config) saying what is wrong with the source.
  explicit Pattern(std::string_view source);

  /// The captures if the pattern matches the whole of `range`. A name that `known` has matches that text only.
  [[nodiscard]] std::optional<Captures> match(const Words& words, Range range, const Captures& known) const;
  /// The same for the longest end of `range` that matches.
  [[nodiscard]] std::optional<Captures> match_end(const Words& words, Range range, const Captures& known) const;

  /// The names of all captures.
  [[nodiscard]] std::vector<std::string> names() const { return names_; }
  /// Whether it needs at least one word of its own: `{anything}` alone fits everything.
  [[nodiscard]] bool specific() const { return specific_; }
  /// For people: `remember …`.
  [[nodiscard]] const std::string& example() const { return example_; }

 private:
  friend class PatternParser;
  friend class Matcher;

  struct Step {
    enum class Kind : std::uint8_t { word, capture, more, number, split, jump, done };
    Kind kind = Kind::done;
    std::string word;
    std::size_t name = 0;    ///< index in names_
    std::size_t target = 0;  ///< of a jump; of a split the second choice (the first is the next step)
  };

  std::vector<Step> steps_;
  std::vector<std::string> names_;
  std::string example_;
  bool specific_ = false;
};

}  // namespace sennit::intents
