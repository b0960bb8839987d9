// Text that is held back: what is let out has passed, wherever it was cut on its way.
#include <sennit/agent/guardrail_window.hpp>
#include <sennit/agent/io/error.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace sennit;

namespace {

struct Rails {
  explicit Rails(const std::vector<std::pair<std::string, std::string>>& patterns) {
    for (const auto& [pattern, action] : patterns) {
      GuardrailSpec spec;
      spec.pattern = pattern;
      spec.action = action;
      all.push_back(std::make_unique<Guardrail>(spec, "rail", "."));
      rails.push_back(all.back().get());
    }
  }
  std::vector<std::unique_ptr<Guardrail>> all;
  std::vector<const Guardrail*> rails;
};

struct Let {
  std::string out;
  bool refused = false;
  std::size_t most_held = 0;
};

void take(Let& let, TextWindow& window, bool ends) {
  let.refused = window.refused(ends) != nullptr;
  if (let.refused) return;
  std::vector<PassedText> passed;
  window.release(ends, passed);
  for (const PassedText& piece : passed) let.out += piece.text;
}

/// The pieces of `text` are cut every `piece` bytes, the first after `first`.
Let let_through(const Rails& rails, std::string_view text, std::size_t window_size, std::size_t first,
                std::size_t piece) {
  TextWindow window(rails.rails, window_size, window_size / 4);
  Let let;
  std::size_t length = first;
  while (!text.empty() && !let.refused) {
    window.push(text.substr(0, length));
    text.remove_prefix(std::min(length, text.size()));
    length = piece;
    if (window.is_due()) take(let, window, false);
    let.most_held = std::max(let.most_held, window.held());
  }
  if (!let.refused) take(let, window, true);
  return let;
}

std::string filler(std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "Lorem ipsum dolor. Sit amet\nconsetetur ";
  text.resize(bytes);
  return text;
}

}  // namespace

TEST_CASE("text without anything wrong comes out as it went in") {
  const Rails rails({{"secret", "refuse"}, {"[0-9]{16}", "redact"}});
  const std::string text = filler(1000) + "Grüße aus Köln, 日本語のテキスト。" + filler(200);
  for (const std::size_t window : {0U, 16U, 40U, 400U, 4000U}) {
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 100U, 5000U}) {
      const Let let = let_through(rails, text, window, 1, piece);
      CHECK(let.out == text);
      CHECK_FALSE(let.refused);
    }
  }
}

TEST_CASE("nothing of a match is let out, wherever it stands and however it is cut") {
  const Rails rails({{"forbidden words", "refuse"}});
  const std::string bad = "forbidden words";
  for (std::size_t before = 0; before < 100; ++before) {
    const std::string text = filler(before) + bad + filler(100);
    for (const std::size_t piece : {1U, 2U, 5U, 16U, 33U, 1000U}) {
      for (std::size_t first = 1; first <= 3; ++first) {
        const Let let = let_through(rails, text, 16, first, piece);
        if (!let.refused || let.out.size() > before || !text.starts_with(let.out)) FAIL_CHECK(before << " " << piece);
      }
    }
  }
}

TEST_CASE("what is redacted is redacted as if it had come in one piece") {
  const Rails rails({{"[0-9]{4}-[0-9]{4}", "redact"}, {"\\bTom\\b", "redact"}, {"cat(alog)?", "redact"}});
  const std::string text = "1234-5678 Tom has a cat and a catalog. Tomorrow: 12345-67890, Tom's 1111-22223333-4444 ";
  const std::string thrice = text + text + text;
  const std::string whole = let_through(rails, thrice, 0, 1, 1000).out;
  CHECK(whole.starts_with("*** *** has a *** and a ***. Tomorrow: 1***0, ***'s ****** ***"));
  for (const std::size_t window : {16U, 17U, 20U, 24U, 50U, 300U}) {
    for (std::size_t piece = 1; piece < 40; ++piece) {
      for (std::size_t first = 1; first < 8; ++first) {
        const Let let = let_through(rails, thrice, window, first, piece);
        if (let.out != whole) FAIL_CHECK(window << " " << piece << " " << first << "\n" << let.out << "\n" << whole);
      }
    }
  }
}

TEST_CASE("a pattern that matches nothing here and there still finds what it is for") {
  const Rails redacts({{"\\b[0-9]*\\b", "redact"}});
  const Rails refuses({{"\\b[0-9]*\\b", "refuse"}});
  for (const std::size_t piece : {1U, 3U, 100U}) {
    CHECK(let_through(redacts, "card 4111 1111, müde", 16, 1, piece).out == "card *** ***, müde");
    CHECK(let_through(refuses, "card 4111 1111, müde", 16, 1, piece).refused);
    CHECK_FALSE(let_through(refuses, "no card, müde", 16, 1, piece).refused);
  }
}

TEST_CASE("anchors and borders of words mean the text, not its pieces") {
  struct Anchored {
    std::string pattern;
    std::string text;
    bool refused;
  };
  const std::string long_text = filler(300);
  const Anchored anchored = GENERATE_COPY(values<Anchored>({
      {"^Lorem", long_text, true},
      {"^ipsum", long_text, false},
      {"^consetetur", long_text, false},
      {"(?m)^consetetur", long_text, true},
      {"the end$", long_text + "the end", true},
      {"the end$", long_text + "the end.", false},
      {"dolor$", long_text, false},
      {"\\bsum\\b", long_text, false},
      {"\\bamet\\b", long_text, true},
      {"\\bam\\b", long_text, false},
  }));
  INFO(anchored.pattern);
  const Rails rails({{anchored.pattern, "refuse"}});
  for (const std::size_t window : {0U, 16U, 19U, 64U}) {
    for (std::size_t piece = 1; piece < 30; ++piece) {
      if (let_through(rails, anchored.text, window, 1, piece).refused != anchored.refused) {
        FAIL_CHECK(window << " " << piece);
      }
    }
  }
}

TEST_CASE("no more than the window and a little is held back, and it is let out at the ends of sentences") {
  const Rails rails({{"secret", "refuse"}});
  const Let let = let_through(rails, filler(10'000), 100, 1, 3);
  CHECK(let.most_held <= 100 + 25 + 40);  // and what there is of a sentence
  TextWindow window(rails.rails, 20, 5);
  window.push("One. Two three. Four five six");
  REQUIRE(window.is_due());
  std::vector<PassedText> passed;
  window.release(false, passed);
  REQUIRE(passed.size() == 1);
  CHECK(passed[0].text == "One. ");
}

TEST_CASE("a match that is longer than the window is found, if late") {
  const Rails refusing({{"<<[a-z ]*>>", "refuse"}});
  const std::string text = filler(50) + "<<" + std::string(200, 'a') + ">>" + filler(50);
  CHECK(let_through(refusing, text, 400, 1, 3).refused);
  const Rails redacting({{"[0-9]{13,}", "redact"}});
  const std::string digits = filler(30) + std::string(500, '7') + filler(30);
  const std::string clean = let_through(redacting, digits, 32, 1, 3).out;
  CHECK(clean.find("7777777777777") == std::string::npos);
  CHECK(clean.starts_with(filler(30) + "***"));
  CHECK(clean.ends_with(filler(30)));
}

TEST_CASE("what is held has a bound, whatever a pattern wants") {
  const Rails rails({{"a[^\\0]*", "redact"}});
  const Let let = let_through(rails, std::string(10'000, 'b') + std::string(100'000, 'a'), 64, 1, 10);
  CHECK(let.most_held < 64 * 5 + 16 + 20);
}

TEST_CASE("a pattern that matches an empty text is refused when the agent is made") {
  GuardrailSpec spec;
  spec.pattern = "x*";
  try {
    const Guardrail rail(spec, "odd", ".");
    FAIL("it was taken");
  } catch (const Error& error) {
    CHECK(error.code() == errc::config);
  }
}
