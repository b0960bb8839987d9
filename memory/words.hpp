// Private: How text becomes words that a full-text index can find, in any language.
//
// The index's own tokenizer splits at spaces and punctuation, which Chinese, Japanese or Thai do not put between words:
// their characters are therefore indexed one by one, and pairs of neighbours are looked for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sennit {

inline constexpr std::size_t kMaxQueryWords = 64;  ///< of a long text the first and the last are looked for

/// `text` for the index: each character of a script without spaces stands alone, full-width Latin becomes ASCII.
[[nodiscard]] std::string index_words(std::string_view text);

/// An FTS5 expression that finds notes about `text`: any of its words, whole or as the beginning of one, without the
/// words that are everywhere ("the", "的"). What the text holds is never syntax. Empty if there is no word in it.
[[nodiscard]] std::string match_expression(std::string_view text);

}  // namespace sennit
