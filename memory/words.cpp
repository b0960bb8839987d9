#include <sennit/memory/words.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace sennit {
namespace {

struct Character {
  char32_t code = 0;
  std::size_t size = 1;
};

/// The character at `at`; a broken sequence is one byte of U+FFFD.
Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (size == 0 || at + size > text.size()) return {0xFFFD, 1};
  char32_t code = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {0xFFFD, 1};
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  return {code, size};
}

struct Range {
  char32_t first;
  char32_t last;
};

template <std::size_t Count>
bool in_ranges(const std::array<Range, Count>& ranges, char32_t code) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [code](Range range) { return code >= range.first && code <= range.last; });
}

/// Scripts that put no spaces between words (and Hangul, whose endings hide a word's beginning from its dictionary
/// form).
bool stands_alone(char32_t code) {
  static constexpr std::array<Range, 16> kRanges{{{0x0E01, 0x0EDF},    // Thai, Lao
                                                  {0x1000, 0x109F},    // Myanmar
                                                  {0x1780, 0x17DD},    // Khmer
                                                  {0x3005, 0x3007},    // 々〆〇
                                                  {0x3041, 0x3096},    // Hiragana
                                                  {0x30A1, 0x30FA},    // Katakana
                                                  {0x30FC, 0x30FE},    // ー and iteration marks
                                                  {0x3105, 0x312F},    // Bopomofo
                                                  {0x31F0, 0x31FF},    // Katakana extensions
                                                  {0x3400, 0x4DBF},    // Han extension A
                                                  {0x4E00, 0x9FFF},    // Han
                                                  {0xAC00, 0xD7A3},    // Hangul syllables
                                                  {0xF900, 0xFAFF},    // Han compatibility
                                                  {0xFF66, 0xFF9F},    // half-width Katakana
                                                  {0x20000, 0x2FA1F},  // Han extensions B to F
                                                  {0x30000, 0x323AF}}};
  return code >= 0x0E01 && in_ranges(kRanges, code);
}

bool separates(char32_t code) {
  if (code < 0x80) {
    return !((code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z'));
  }
  static constexpr std::array<Range, 7> kRanges{{{0x80, 0xA9},      // controls, Latin-1 signs
                                                 {0x2000, 0x206F},  // punctuation
                                                 {0x20A0, 0x2BFF},  // currency, arrows, mathematics, symbols
                                                 {0x3000, 0x3004},  // ideographic punctuation
                                                 {0x3008, 0x3020},
                                                 {0xFE30, 0xFE6F},  // compatibility forms
                                                 {0xFF5F, 0xFF65}}};
  return in_ranges(kRanges, code) || code == 0xFFFD || code == 0xFEFF || code == 0x30FB;
}

/// ASCII for its full-width form; the ideographic space too.
char32_t narrowed(char32_t code) {
  if (code >= 0xFF01 && code <= 0xFF5E) return code - 0xFF01 + '!';
  return code == 0x3000 ? U' ' : code;
}

/// A word of a query: a run of letters, or one character that stands alone.
struct Word {
  std::string text;
  bool alone = false;
  bool follows = false;  ///< stands directly behind the word before it
};

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  bool inside = false;  // the last character belongs to the last word
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    const char32_t code = narrowed(character.code);
    if (separates(code)) {
      inside = false;
    } else if (stands_alone(code)) {
      words.push_back({std::string(text.substr(at, character.size)), true, inside && words.back().alone});
      inside = true;
    } else {
      if (!inside || words.back().alone) words.push_back({});
      if (code != character.code) {
        words.back().text += static_cast<char>(code);
      } else {
        words.back().text += text.substr(at, character.size);
      }
      inside = true;
    }
    at += character.size;
  }
  return words;
}

std::string lowered(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// Words that say nothing about what a note is about.
bool is_everywhere(const Word& word) {
  static const std::set<std::string, std::less<>> kWords{
      "a",     "about", "am",   "an",   "and",  "any",   "are",    "as",    "at",    "be",    "been",   "but",  "by",
      "can",   "could", "d",    "did",  "do",   "does",  "for",    "from",  "had",   "has",   "have",   "he",   "her",
      "his",   "how",   "i",    "if",   "in",   "into",  "is",     "it",    "its",   "ll",    "m",      "me",   "my",
      "no",    "not",   "of",   "on",   "or",   "our",   "please", "re",    "s",     "she",   "should", "so",   "some",
      "t",     "tell",  "than", "that", "the",  "their", "them",   "then",  "there", "these", "they",   "this", "to",
      "us",    "ve",    "was",  "we",   "were", "what",  "when",   "where", "which", "who",   "why",    "will", "with",
      "would", "you",   "your", "的",   "了",   "是",    "在",     "我",    "你",    "他",    "她",     "它",   "们",
      "吗",    "呢",    "吧",   "啊",   "和",   "与",    "就",     "都",    "也",    "这",    "那",     "什",   "么",
      "の",    "は",    "が",   "を",   "に",   "で",    "と",     "も",    "か",    "て",    "た",     "す",   "ま",
      "し",    "い",    "る",   "な",   "れ",   "さ",    "よ",     "ね",    "은",    "는",    "이",     "가",   "을",
      "를",    "의",    "에"};
  return kWords.contains(lowered(word.text));
}

/// An FTS5 string: nothing in it is syntax.
std::string phrase_of(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

/// The alternatives of an expression, each once.
class Alternatives {
 public:
  void add(const std::string& phrase) {
    if (!seen_.insert(phrase).second) return;
    if (!text_.empty()) text_ += " OR ";
    text_ += phrase;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::set<std::string> seen_;
  std::string text_;
};

/// `words[i]` with the pair that it forms with its neighbour: pairs weigh more, because both parts match too.
void add_word(Alternatives& alternatives, const std::vector<Word>& words, std::size_t i, bool everything) {
  constexpr std::size_t kShortestPrefix = 3;
  const Word& word = words[i];
  const bool keep = everything || !is_everywhere(word);
  if (keep) alternatives.add(phrase_of(word.text));
  if (keep && !word.alone && word.text.size() >= kShortestPrefix) alternatives.add(phrase_of(word.text) + "*");
  if (word.alone && word.follows && (keep || !is_everywhere(words[i - 1]))) {
    alternatives.add(phrase_of(words[i - 1].text + " " + word.text));
  }
}

}  // namespace

std::string index_words(std::string_view text) {
  std::string result;
  for (const Word& word : words_of(text)) {
    if (!result.empty()) result += ' ';
    result += word.text;
  }
  return result;
}

std::string match_expression(std::string_view text) {
  std::vector<Word> words = words_of(text);
  if (words.size() > kMaxQueryWords) {
    constexpr std::ptrdiff_t kHalf = kMaxQueryWords / 2;
    words.erase(words.begin() + kHalf, words.end() - kHalf);
    words[kHalf].follows = false;
  }
  const bool everything = std::all_of(words.begin(), words.end(), is_everywhere);
  Alternatives alternatives;
  for (std::size_t i = 0; i < words.size(); ++i) add_word(alternatives, words, i, everything);
  return alternatives.text();
}

}  // namespace sennit
