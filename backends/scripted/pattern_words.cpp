#include <sennit/backends/scripted/pattern_words.hpp>

#include <algorithm>
#include <array>
#include <iterator>

namespace sennit::intents {
namespace {

struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
};

/// The character at `at`; a byte that begins none stands for itself, far above all others.
Character decode(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned lead = byte(at);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  char32_t code = length == 4 ? lead & 0x07U : length == 3 ? lead & 0x0FU : lead & 0x1FU;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80U) return {0x110000 + lead, 1};
    code = (code << 6U) | (byte(at + i) & 0x3FU);
  }
  return length == 0 ? Character{0x110000 + lead, 1} : Character{code, length};
}

void append(std::string& out, char32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0U | (code >> 6U));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0U | (code >> 12U));
    out += static_cast<char>(0x80U | ((code >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else if (code < 0x110000) {
    out += static_cast<char>(0xF0U | (code >> 18U));
    out += static_cast<char>(0x80U | ((code >> 12U) & 0x3FU));
    out += static_cast<char>(0x80U | ((code >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else {
    out += static_cast<char>(code - 0x110000);  // a byte that was not UTF-8
  }
}

bool in(char32_t code, char32_t first, char32_t last) {
  return code >= first && code <= last;
}

bool is_digit(char32_t code) {
  return in(code, '0', '9');
}

bool is_space(char32_t code) {
  return code == ' ' || in(code, 9, 13) || code == 0xA0 || in(code, 0x2000, 0x200B) || in(code, 0x2028, 0x2029) ||
         code == 0x3000 || code == 0xFEFF;
}

bool is_apostrophe(char32_t code) {
  return code == '\'' || code == 0x2019;
}

/// Scripts that put no spaces between words.
bool is_unspaced(char32_t code) {
  return in(code, 0x3040, 0x30FF) || in(code, 0x3400, 0x4DBF) || in(code, 0x4E00, 0x9FFF) || in(code, 0xF900, 0xFAFF) ||
         in(code, 0x20000, 0x3FFFF);
}

bool is_sign(char32_t code) {
  constexpr std::u32string_view kSigns = U"+*/=%$^<>#&@£¢¥€°×÷−±√π";
  return kSigns.find(code) != std::u32string_view::npos;
}

bool is_punctuation(char32_t code) {
  constexpr std::u32string_view kLatin = U".,;:!?\"'`()[]{}_~\\|-¡§«¶·»¿";
  return kLatin.find(code) != std::u32string_view::npos || in(code, 0x2010, 0x205E) || in(code, 0x3001, 0x3003) ||
         in(code, 0x3008, 0x301F) || code == 0xFF01 || in(code, 0xFF08, 0xFF09) || code == 0xFF0C || code == 0xFF0E ||
         in(code, 0xFF1A, 0xFF1B) || code == 0xFF1F || code == 0xFF5E;
}

/// Lower case of the scripts that have one, without a locale.
char32_t fold(char32_t code) {
  if (in(code, 'A', 'Z')) return code + 32;
  if (code < 0x80) return code;
  if (code == 0x2019) return '\'';
  if (in(code, 0xC0, 0xDE) && code != 0xD7) return code + 32;
  if (in(code, 0x100, 0x137) || in(code, 0x14A, 0x177)) return code | 1U;
  if (in(code, 0x139, 0x148) || in(code, 0x179, 0x17E)) return code + (code & 1U);
  if (in(code, 0x391, 0x3A9)) return code + 32;
  if (code == 0x3C2) return 0x3C3;
  if (in(code, 0x410, 0x42F)) return code + 32;
  if (in(code, 0x400, 0x40F)) return code + 80;
  if (in(code, 0xFF21, 0xFF3A)) return code + 32;
  return code;
}

bool is_letter(char32_t code) {
  return !is_space(code) && !is_punctuation(code) && !is_sign(code) && code >= 0x20;
}

/// Reads one text from left to right into words.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<Word> split() {
    while (at_ < text_.size()) {
      const Character next = decode(text_, at_);
      if (is_unspaced(next.code) || is_sign(next.code) || is_minus(next.code)) {
        single(next);
      } else if (is_letter(next.code) || begins_fraction(next.code)) {
        word();
      } else {
        at_ += next.bytes;
      }
      before_ = next.code;
    }
    return std::move(words_);
  }

 private:
  [[nodiscard]] char32_t peek(std::size_t at) const { return at < text_.size() ? decode(text_, at).code : U' '; }

  /// A `-` that calculates; between letters it joins, elsewhere it separates.
  [[nodiscard]] bool is_minus(char32_t code) const {
    if (code != '-' || is_letter(before_)) return false;
    const std::size_t next = at_ + (peek(at_ + 1) == ' ' ? 2 : 1);
    return is_digit(peek(next)) || peek(next) == '(' || (peek(next) == '.' && is_digit(peek(next + 1)));
  }

  [[nodiscard]] bool begins_fraction(char32_t code) const { return code == '.' && is_digit(peek(at_ + 1)); }

  void single(Character character) {
    std::string folded;
    append(folded, character.code == 0x2212 ? U'-' : fold(character.code));
    words_.push_back({std::move(folded), at_, at_ + character.bytes, false});
    at_ += character.bytes;
  }

  void word() {
    Word word;
    word.begin = at_;
    word.number = true;
    while (at_ < text_.size()) {
      const Character next = decode(text_, at_);
      if (!belongs(next.code) || is_unspaced(next.code)) break;
      if (!is_digit(next.code) && next.code != '.' && next.code != ',') word.number = false;
      append(word.folded, fold(next.code));
      before_ = next.code;
      at_ += next.bytes;
    }
    word.end = at_;
    if (std::ranges::count(word.folded, '.') > 1) word.number = false;  // an address, a version
    words_.push_back(std::move(word));
  }

  /// Whether a character inside a word belongs to it: an apostrophe between letters does, and so does the point or
  /// comma of a number.
  [[nodiscard]] bool belongs(char32_t code) const {
    if (is_letter(code)) return true;
    const char32_t after = peek(at_ + decode(text_, at_).bytes);
    if (is_apostrophe(code)) return is_letter(before_) && is_letter(after);
    const bool point = code == '.' || code == ',';
    return point && is_digit(after) && (is_digit(before_) || code == '.');
  }

  std::string_view text_;
  std::size_t at_ = 0;
  char32_t before_ = ' ';
  std::vector<Word> words_;
};

bool contains_any(std::string_view gap, std::u32string_view marks) {
  for (std::size_t at = 0; at < gap.size();) {
    const Character next = decode(gap, at);
    if (marks.find(next.code) != std::u32string_view::npos) return true;
    at += next.bytes;
  }
  return false;
}

/// What follows the last of `marks`.
std::string_view after_last(std::string_view gap, std::u32string_view marks) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < gap.size();) {
    const Character next = decode(gap, at);
    at += next.bytes;
    if (marks.find(next.code) != std::u32string_view::npos) begin = at;
  }
  return gap.substr(begin);
}

bool ends_sentence(const Words& words, std::size_t index) {
  const std::string_view gap = words.gap_before(index);
  if (contains_any(gap, U"\n。！？")) return true;
  const std::size_t mark = gap.find_first_of(".!?");
  const bool spaced = mark != std::string_view::npos && contains_any(gap.substr(mark), U" \t\r");
  if (!spaced) return false;
  // "Mr. Smith", "Washington D. C.": a point after a short form is no end.
  static constexpr std::array<std::string_view, 7> kShortForms{"mr", "mrs", "ms", "dr", "prof", "st", "vs"};
  const std::string& before = words.list[index - 1].folded;
  const bool short_form =
      before.size() == 1 ? before[0] >= 'a' && before[0] <= 'z' : std::ranges::count(kShortForms, before) > 0;
  return gap[mark] != '.' || !short_form;
}

bool joins(const Word& word) {
  static constexpr std::array<std::string_view, 6> kJoining{"and", "then", "also", "und", "et", "y"};
  return std::ranges::count(kJoining, word.folded) > 0;
}

}  // namespace

std::string_view Words::gap_before(std::size_t index) const {
  const std::size_t begin = index == 0 ? 0 : list[index - 1].end;
  const std::size_t end = index < list.size() ? list[index].begin : text.size();
  return text.substr(begin, end - begin);
}

std::string Words::span(std::size_t first, std::size_t last) const {
  if (first >= last) return {};
  // A bracket, quote or sign that touches the first or the last word belongs to it.
  const std::string_view before = after_last(gap_before(first), U" \t\n\r,;:!?。，、；：！？…");
  std::string_view after = gap_before(last);
  after = after.substr(0, after.find_first_of(" \t\n\r"));
  const std::size_t begin = list[first].begin - before.size();
  std::string result(text.substr(begin, list[last - 1].end + after.size() - begin));
  static constexpr std::array<std::string_view, 16> kMarks{".", ",",  ";",  ":",  "!",  "?",  " ",  "-",
                                                           "…", "。", "，", "、", "；", "：", "！", "？"};
  const auto strip = [&] {
    return std::ranges::any_of(kMarks, [&](std::string_view mark) {
      if (!result.ends_with(mark) || result.size() == mark.size()) return false;
      result.resize(result.size() - mark.size());
      return true;
    });
  };
  while (strip()) continue;
  const bool quoted =
      result.size() > 2 && (result.front() == '"' || result.front() == '\'') && result.back() == result.front();
  return quoted ? result.substr(1, result.size() - 2) : result;
}

Words split_words(std::string_view text) {
  return {text, Splitter(text).split()};
}

std::vector<Range> sentences(const Words& words) {
  std::vector<Range> result;
  std::size_t first = 0;
  for (std::size_t i = 1; i <= words.list.size(); ++i) {
    if (i < words.list.size() && !ends_sentence(words, i)) continue;
    result.push_back({first, i});
    first = i;
  }
  return result;
}

std::vector<Range> clauses(const Words& words, Range sentence) {
  std::vector<Range> result;
  std::size_t first = sentence.first;
  const auto close = [&](std::size_t last) {
    if (last > first) result.push_back({first, last});
  };
  for (std::size_t i = sentence.first; i < sentence.last; ++i) {
    const bool between = i > first && i + 1 < sentence.last;  // "plan b is y" joins nothing
    if (joins(words.list[i]) && (between || i == first)) {
      close(i);
      first = i + 1;
    } else if (i > first && contains_any(words.gap_before(i), U",;，；")) {
      close(i);
      first = i;
    }
  }
  close(sentence.last);
  return result;
}

std::vector<std::string> pieces(std::string_view text) {
  std::vector<std::string> result;
  bool open = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character next = decode(text, at);
    if (!open) result.emplace_back();
    result.back().append(text.substr(at, next.bytes));
    at += next.bytes;
    const bool space_follows = at < text.size() && is_space(decode(text, at).code);
    open = is_space(next.code) ? space_follows : !is_unspaced(next.code) || space_follows;
  }
  return result;
}

}  // namespace sennit::intents
