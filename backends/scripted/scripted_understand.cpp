// Divides what a person said into wishes. "Mei likes cats and dogs" is one, "save it and tell me the time" is two:
// only the intents can tell, so every division at a comma or an "and" is weighed by what they understand.
#include <sennit/backends/scripted/scripted_plan.hpp>

#include <algorithm>
#include <limits>

namespace sennit::intents {
namespace {

/// The best division of a sentence up to some clause.
struct Division {
  std::size_t left_over = std::numeric_limits<std::size_t>::max();  ///< words that no intent understood
  std::size_t wishes = 0;
  std::size_t from = 0;  ///< the first clause of the last wish
  std::optional<Wish> last;

  [[nodiscard]] bool better_than(const Division& other) const {
    return left_over != other.left_over ? left_over < other.left_over : wishes > other.wishes;
  }
};

std::optional<Wish> recognise(const std::vector<Rule>& rules, const Words& words, Range range, bool whole) {
  for (const Rule& rule : rules) {
    for (const Pattern& pattern : rule.patterns) {
      // `{anything}` fits every part of a sentence: it may only answer for all of it.
      if (!whole && !pattern.specific()) continue;
      if (auto captures = pattern.match(words, range, {})) {
        return Wish{&rule, std::move(*captures), words.span(range.first, range.last), 0};
      }
    }
  }
  return std::nullopt;
}

/// Clauses of a sentence, the ones beyond the bound joined to the last.
std::vector<Range> bounded_clauses(const Words& words, Range sentence) {
  std::vector<Range> parts = clauses(words, sentence);
  if (parts.size() > kMaxClauses) {
    parts.resize(kMaxClauses);
    parts.back().last = sentence.last;
  }
  return parts;
}

std::vector<Wish> divide(const std::vector<Rule>& rules, const Words& words, Range sentence) {
  const std::vector<Range> parts = bounded_clauses(words, sentence);
  std::vector<Division> best(parts.size() + 1);
  best[0].left_over = 0;
  for (std::size_t end = 1; end <= parts.size(); ++end) {
    for (std::size_t begin = 0; begin < end; ++begin) {
      const bool whole = begin == 0 && end == parts.size();
      const Range range{parts[begin].first, parts[end - 1].last};
      Division division;
      division.last = recognise(rules, words, range, whole);
      // A sentence that begins with "and" means what follows; one that needs the word is a pattern's business.
      if (!division.last && whole && range != sentence) division.last = recognise(rules, words, sentence, whole);
      if (!division.last && end - begin > 1) continue;  // what is not understood is left over clause by clause
      division.left_over = best[begin].left_over + (division.last ? 0 : range.size());
      division.wishes = best[begin].wishes + (division.last ? 1 : 0);
      division.from = begin;
      if (division.better_than(best[end])) best[end] = std::move(division);
    }
  }
  std::vector<Wish> wishes;
  for (std::size_t end = parts.size(); end > 0; end = best[end].from) {
    Division& division = best[end];
    if (division.last) {
      wishes.push_back(std::move(*division.last));
    } else {
      const Range range = parts[division.from];
      wishes.push_back({nullptr, {}, words.span(range.first, range.last), 0});
    }
  }
  std::ranges::reverse(wishes);
  return wishes;
}

}  // namespace

std::vector<Wish> understand(const std::vector<Rule>& rules, std::string_view input) {
  std::vector<Wish> wishes;
  if (input.size() > kMaxInputBytes) return {Wish{nullptr, {}, excerpt(input), 0}};
  const Words words = split_words(input);
  const std::vector<Range> found = sentences(words);
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (Wish& wish : divide(rules, words, found[i])) {
      wish.sentence = i;
      wishes.push_back(std::move(wish));
    }
  }
  if (wishes.empty()) wishes.push_back({nullptr, {}, std::string(input), 0});
  return wishes;
}

}  // namespace sennit::intents
