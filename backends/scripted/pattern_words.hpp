// Private: Text as the patterns of intents see it: words without regard to case, spacing and punctuation.
//
// Chinese and Japanese are written without spaces: each of their characters is a word of its own. Signs that carry
// meaning (`+ % $ @`) are words too, everything else between words is dropped.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::intents {

struct Word {
  std::string folded;     ///< lower case
  std::size_t begin = 0;  ///< bytes in the text
  std::size_t end = 0;
  bool number = false;  ///< digits with `.` and `,` inside
};

struct Words {
  std::string_view text;  ///< must outlive this
  std::vector<Word> list;

  /// What stands between word `index` and the one before it; before the first word, the beginning of the text.
  [[nodiscard]] std::string_view gap_before(std::size_t index) const;
  /// The text of the words [first, last) with the brackets, signs and quotes at its ends, without sentence marks.
  [[nodiscard]] std::string span(std::size_t first, std::size_t last) const;
};

/// A range of words.
struct Range {
  std::size_t first = 0;
  std::size_t last = 0;  ///< one past the end
  [[nodiscard]] std::size_t size() const { return last - first; }
  friend bool operator==(const Range&, const Range&) = default;
};

/// Any bytes are fine: what is not UTF-8 counts as letters.
[[nodiscard]] Words split_words(std::string_view text);

/// Sentences and lines.
[[nodiscard]] std::vector<Range> sentences(const Words& words);

/// Parts of a sentence between commas and words such as "and"; where an input holds several wishes, they meet there.
[[nodiscard]] std::vector<Range> clauses(const Words& words, Range sentence);

/// Pieces of a text for streaming: each ends after a space, or after a character of a script without spaces.
[[nodiscard]] std::vector<std::string> pieces(std::string_view text);

}  // namespace sennit::intents
