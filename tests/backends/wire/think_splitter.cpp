#include <sennit/backends/wire/think_splitter.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {
namespace {

struct Halves {
  std::string reasoning;
  std::string answer;
  friend bool operator==(const Halves&, const Halves&) = default;
};

Halves split(ThinkStart start, const std::vector<std::string_view>& pieces, bool complete = true) {
  ThinkSplitter splitter(start);
  Halves halves;
  for (const std::string_view piece : pieces) splitter.push(piece, halves.reasoning, halves.answer);
  splitter.finish(complete, halves.reasoning, halves.answer);
  return halves;
}

/// Checks the result for every way to cut `text` into two and into three pieces, and into single bytes.
void check_all_cuts(ThinkStart start, std::string_view text, const Halves& expected, bool complete = true) {
  INFO(text);
  CHECK(split(start, {text}, complete) == expected);
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
  CHECK(split(start, bytes, complete) == expected);
  for (std::size_t i = 0; i <= text.size(); ++i) {
    for (std::size_t j = i; j <= text.size(); ++j) {
      const Halves halves = split(start, {text.substr(0, i), text.substr(i, j - i), text.substr(j)}, complete);
      if (halves == expected) continue;
      FAIL_CHECK("cut at " << i << " and " << j << ": “" << halves.reasoning << "” / “" << halves.answer << "”");
    }
  }
}

TEST_CASE("text that opens with <think> is split wherever it is cut") {
  const ThinkStart tagged = ThinkStart::tagged;
  check_all_cuts(tagged, "<think>why</think>because", {"why", "because"});
  check_all_cuts(tagged, "\n <think>\nwhy\n</think>\n\nbecause", {"why\n", "because"});
  check_all_cuts(tagged, "<think></think>because", {"", "because"});
  check_all_cuts(tagged, "<think>\n\n</think>\n\nbecause", {"", "because"});
  check_all_cuts(tagged, "<think>a < b </thin k></think>x", {"a < b </thin k>", "x"});
  check_all_cuts(tagged, "<think>why</think>", {"why", ""});
  check_all_cuts(tagged, "<think>why</think>\n", {"why", ""});
}

TEST_CASE("text that does not open with <think> is an answer, tags or not") {
  const ThinkStart tagged = ThinkStart::tagged;
  check_all_cuts(tagged, "because", {"", "because"});
  check_all_cuts(tagged, "  because", {"", "  because"});
  check_all_cuts(tagged, "use <think>x</think>", {"", "use <think>x</think>"});
  check_all_cuts(tagged, "<thinking>x", {"", "<thinking>x"});
  check_all_cuts(tagged, "<thi", {"", "<thi"});
  check_all_cuts(tagged, "a </think> b", {"", "a </think> b"});
  check_all_cuts(tagged, "", {"", ""});
}

TEST_CASE("only the head of a text is split: later tags belong to the answer") {
  check_all_cuts(ThinkStart::tagged, "<think>w</think>`<think>x</think>` </think>",
                 {"w", "`<think>x</think>` </think>"});
}

TEST_CASE("a text without end of its thoughts is reasoning") {
  check_all_cuts(ThinkStart::tagged, "<think>why </thin", {"why </thin", ""});
  check_all_cuts(ThinkStart::inside, "why </thin", {"why </thin", ""}, false);
  check_all_cuts(ThinkStart::inside, "<think>\nwhy", {"why", ""});
}

TEST_CASE("where the prompt opened the thoughts, only </think> is needed") {
  const ThinkStart inside = ThinkStart::inside;
  check_all_cuts(inside, "why</think>because", {"why", "because"});
  check_all_cuts(inside, "\nwhy\n</think>\n\nbecause", {"why\n", "because"});
  check_all_cuts(inside, "</think>because", {"", "because"});
  check_all_cuts(inside, "<think>why</think>because", {"why", "because"});
  check_all_cuts(inside, "<think>\nwhy</think>because", {"why", "because"});
  check_all_cuts(inside, "<thin air</think>x", {"<thin air", "x"});
}

TEST_CASE("a model that was expected to think and simply answers does not lose its answer") {
  check_all_cuts(ThinkStart::inside, "because", {"because", "because"});
  check_all_cuts(ThinkStart::inside, "becau", {"becau", ""}, false);
  const std::string endless(ThinkSplitter::kMaxRecoverable + 1, 'x');
  CHECK(split(ThinkStart::inside, {endless}) == Halves{endless, ""});
}

TEST_CASE("white space before an answer is kept back only up to a bound") {
  const std::string blank(ThinkSplitter::kMaxHeld + 1, ' ');
  ThinkSplitter splitter(ThinkStart::tagged);
  Halves halves;
  splitter.push(blank, halves.reasoning, halves.answer);
  CHECK(halves == Halves{"", blank});
}

TEST_CASE("a splitter that is off copies") {
  check_all_cuts(ThinkStart::off, "<think>w</think>x", {"", "<think>w</think>x"});
  CHECK(ThinkSplitter(ThinkStart::off).passes());
  CHECK_FALSE(ThinkSplitter(ThinkStart::tagged).passes());
}

TEST_CASE("reasoning in a field of its own turns the splitting off") {
  ThinkSplitter splitter(ThinkStart::inside);
  Halves halves;
  splitter.server_splits(halves.answer);
  splitter.push("an answer", halves.reasoning, halves.answer);
  splitter.finish(true, halves.reasoning, halves.answer);
  CHECK(halves == Halves{"", "an answer"});
}

}  // namespace
}  // namespace sennit::testing
