#include <sennit/agent/io/error.hpp>
#include <sennit/backends/scripted/pattern.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sennit::intents {

/// Compiles the source in one pass. A group `(a|b)` becomes splits and jumps, `[a]` is `(a|)`.
class PatternParser {
 public:
  PatternParser(Pattern& pattern, std::string_view source) : pattern_(pattern), source_(source) {}

  void parse() {
    if (source_.size() > kMaxPatternBytes) fail(fmt::format("it is longer than {} bytes", kMaxPatternBytes));
    pattern_.specific_ = alternatives('\0', 0) > 0;
    pattern_.steps_.push_back({});
    const auto takes_words = [](const Step& step) {
      return step.kind == Kind::word || step.kind == Kind::capture || step.kind == Kind::number;
    };
    if (std::ranges::none_of(pattern_.steps_, takes_words)) fail("it matches nothing");
    while (pattern_.example_.ends_with(' ')) pattern_.example_.pop_back();
  }

 private:
  using Step = Pattern::Step;
  using Kind = Step::Kind;

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(errc::config, fmt::format("the pattern `{}` is wrong: {}", source_.substr(0, 100), why));
  }

  /// Parses up to `close`; gives the least number of words of its own that a match has.
  std::size_t alternatives(char close, std::size_t depth) {
    if (depth > kMaxPatternDepth) fail(fmt::format("brackets are nested deeper than {}", kMaxPatternDepth));
    std::vector<std::size_t> jumps;
    std::size_t fewest = std::size_t(-1);
    const bool shown = show_;
    while (true) {
      const std::size_t split = emit({.kind = Kind::split, .word = {}});
      fewest = std::min(fewest, sequence(close, depth));
      show_ = false;  // the example has the first alternative
      if (at_ < source_.size() && source_[at_] == '|') {
        if (close == '\0') fail("`|` belongs inside `( )`; write `\\|` for the character itself");
        ++at_;
        jumps.push_back(emit({.kind = Kind::jump, .word = {}}));
        pattern_.steps_[split].target = pattern_.steps_.size();
        continue;
      }
      if (close == ']') {  // nothing is one more alternative
        jumps.push_back(emit({.kind = Kind::jump, .word = {}}));
        pattern_.steps_[split].target = pattern_.steps_.size();
        fewest = 0;
      } else {
        pattern_.steps_[split].target = split + 1;  // the last alternative: no second choice
      }
      break;
    }
    for (const std::size_t jump : jumps) pattern_.steps_[jump].target = pattern_.steps_.size();
    show_ = shown;
    if (close == '\0') return fewest;
    if (at_ >= source_.size()) fail(fmt::format("a `{}` is not closed by `{}`", close == ')' ? '(' : '[', close));
    ++at_;
    return fewest;
  }

  std::size_t sequence(char close, std::size_t depth) {
    std::size_t words = 0;
    std::string literal;
    const auto flush = [&] {
      words += emit_words(literal);
      literal.clear();
    };
    for (; at_ < source_.size(); ++at_) {
      const char c = source_[at_];
      if (c == '\\' && at_ + 1 < source_.size()) {
        literal += source_[++at_];
      } else if (c == '|' || (c == close && close != '\0')) {
        break;
      } else if (c == '{' || c == '(' || c == '[') {
        flush();
        ++at_;
        words += c == '{' ? capture() : group(c, depth);
        --at_;
      } else if (c == '}' || c == ')' || c == ']') {
        fail(fmt::format("`{}` closes nothing; write `\\{}` for the character itself", c, c));
      } else {
        literal += c;
      }
    }
    flush();
    return words;
  }

  std::size_t group(char open, std::size_t depth) {
    const bool shown = show_;
    if (open == '[') show_ = false;
    const std::size_t words = alternatives(open == '(' ? ')' : ']', depth + 1);
    show_ = shown;
    return words;
  }

  /// `{name}` or `{name:number}`, after the brace.
  std::size_t capture() {
    const std::size_t end = source_.find('}', at_);
    if (end == std::string_view::npos) fail("a `{` is not closed by `}`");
    std::string_view inside = source_.substr(at_, end - at_);
    at_ = end + 1;
    const std::size_t colon = inside.find(':');
    const std::string_view type = colon == std::string_view::npos ? std::string_view{} : inside.substr(colon + 1);
    const std::string_view name = inside.substr(0, colon);
    if (colon != std::string_view::npos && type != "number") {
      fail(fmt::format("`{}` is no type of capture; there is only `{{{}:number}}`", type, name));
    }
    const auto fits = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    if (name.empty() || !std::ranges::all_of(name, fits)) {
      fail(fmt::format("`{{{}}}` is no capture; a name has letters, digits and `_`", inside));
    }
    const auto known = std::ranges::find(pattern_.names_, name);
    const auto index = static_cast<std::size_t>(known - pattern_.names_.begin());
    if (known == pattern_.names_.end()) pattern_.names_.emplace_back(name);
    if (type.empty()) {
      emit({.kind = Kind::capture, .word = {}, .name = index});
      emit({.kind = Kind::more, .word = {}, .name = index});
    } else {
      emit({.kind = Kind::number, .word = {}, .name = index});
    }
    if (show_) pattern_.example_ += "… ";
    return 0;
  }

  std::size_t emit_words(const std::string& literal) {
    const Words words = split_words(literal);
    for (const Word& word : words.list) emit({.kind = Kind::word, .word = word.folded});
    if (show_ && !words.list.empty()) {
      pattern_.example_ += literal.substr(words.list.front().begin, words.list.back().end - words.list.front().begin);
      pattern_.example_ += ' ';
    }
    return words.list.size();
  }

  std::size_t emit(Step step) {
    pattern_.steps_.push_back(std::move(step));
    return pattern_.steps_.size() - 1;
  }

  Pattern& pattern_;
  std::string_view source_;
  std::size_t at_ = 0;
  bool show_ = true;
};

/// One attempt: a depth-first search that visits each pair of step and word once.
class Matcher {
 public:
  Matcher(const Pattern& pattern, const Words& words, Range range, const Captures& known)
      : pattern_(pattern),
        words_(words),
        range_(range),
        visited_(pattern.steps_.size() * (range.size() + 1)),
        spans_(pattern.names_.size()) {
    for (const std::string& name : pattern.names_) {
      const auto found = known.find(name);
      known_.push_back(found == known.end() ? Words{} : split_words(found->second.text));
    }
  }

  bool run(std::size_t start) {
    jobs_.push_back({0, start, kNone, {}});
    while (!jobs_.empty()) {
      const Job job = jobs_.back();
      jobs_.pop_back();
      if (job.restore != kNone) {
        spans_[job.restore] = job.span;
      } else if (follow(job.step, job.at)) {
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] Captures captures() const {
    Captures result;
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      if (spans_[i].range.size() == 0) continue;
      Capture capture;
      capture.number = spans_[i].number;
      capture.text =
          capture.number ? number_text(spans_[i].range) : words_.span(spans_[i].range.first, spans_[i].range.last);
      result.insert_or_assign(pattern_.names_[i], std::move(capture));
    }
    return result;
  }

 private:
  using Kind = Pattern::Step::Kind;
  static constexpr std::size_t kNone = std::size_t(-1);

  struct Span {
    Range range;
    bool number = false;
  };
  struct Job {
    std::size_t step = 0;
    std::size_t at = 0;
    std::size_t restore = kNone;  ///< else: put `span` back into this capture
    Span span;
  };

  /// Goes on until it is decided; what else could be tried is left in jobs_.
  bool follow(std::size_t step, std::size_t at) {
    while (visit(step, at)) {
      const Pattern::Step& now = pattern_.steps_[step];
      switch (now.kind) {
        case Kind::done:
          if (at == range_.last) return true;
          return false;
        case Kind::word:
          if (at >= range_.last || words_.list[at].folded != now.word) return false;
          ++at;
          ++step;
          break;
        case Kind::split:
          if (now.target != step + 1) jobs_.push_back({now.target, at, kNone, {}});
          ++step;
          break;
        case Kind::jump:
          step = now.target;
          break;
        case Kind::number: {
          const std::size_t length = number_length(at);
          if (length == 0) return false;
          set(now.name, {{at, at + length}, true});
          at += length;
          ++step;
          break;
        }
        case Kind::capture: {
          const std::size_t length = known_[now.name].list.size();
          if (at + std::max<std::size_t>(length, 1) > range_.last || !repeats(now.name, at)) return false;
          set(now.name, {{at, at + std::max<std::size_t>(length, 1)}, false});
          at += std::max<std::size_t>(length, 1);
          step += length > 0 ? 2 : 1;
          break;
        }
        case Kind::more:  // the shortest capture first
          if (at < range_.last) jobs_.push_back({step, at + 1, kNone, {}});
          set(now.name, {{spans_[now.name].range.first, at}, false});
          ++step;
          break;
      }
    }
    return false;
  }

  bool visit(std::size_t step, std::size_t at) {
    const std::size_t index = step * (range_.size() + 1) + (at - range_.first);
    if (visited_[index]) return false;
    visited_[index] = true;
    return true;
  }

  void set(std::size_t name, Span span) {
    jobs_.push_back({0, 0, name, spans_[name]});
    spans_[name] = span;
  }

  [[nodiscard]] bool repeats(std::size_t name, std::size_t at) const {
    const std::vector<Word>& wanted = known_[name].list;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (words_.list[at + i].folded != wanted[i].folded) return false;
    }
    return true;
  }

  [[nodiscard]] std::size_t number_length(std::size_t at) const {
    if (at < range_.last && words_.list[at].number) return 1;
    const bool sign = at + 1 < range_.last && (words_.list[at].folded == "-" || words_.list[at].folded == "+");
    return sign && words_.list[at + 1].number && words_.list[at].end == words_.list[at + 1].begin ? 2 : 0;
  }

  /// As JSON writes it: without a plus, without commas, with a digit before the point.
  [[nodiscard]] std::string number_text(Range range) const {
    std::string digits = words_.list[range.last - 1].folded;
    std::erase(digits, ',');
    const std::size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
    digits.erase(0, zeros);
    if (digits.empty() || digits.front() == '.') digits.insert(0, "0");
    return (words_.list[range.first].folded == "-" ? "-" : "") + digits;
  }

  const Pattern& pattern_;
  const Words& words_;
  Range range_;
  std::vector<bool> visited_;
  std::vector<Span> spans_;
  std::vector<Words> known_;
  std::vector<Job> jobs_;
};

Pattern::Pattern(std::string_view source) {
  PatternParser(*this, source).parse();
}

std::optional<Captures> Pattern::match(const Words& words, Range range, const Captures& known) const {
  Matcher matcher(*this, words, range, known);
  return matcher.run(range.first) ? std::optional(matcher.captures()) : std::nullopt;
}

std::optional<Captures> Pattern::match_end(const Words& words, Range range, const Captures& known) const {
  Matcher matcher(*this, words, range, known);
  for (std::size_t start = range.first; start < range.last; ++start) {
    if (matcher.run(start)) return matcher.captures();
  }
  return std::nullopt;
}

}  // namespace sennit::intents
