#include <sennit/agent/io/error.hpp>
#include <sennit/backends/scripted/pattern.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <string>

namespace sennit::intents {
namespace {

std::optional<Captures> match(std::string_view pattern, std::string_view text, const Captures& known = {}) {
  const Words words = split_words(text);
  return Pattern(pattern).match(words, {0, words.list.size()}, known);
}

std::optional<Captures> match_end(std::string_view pattern, std::string_view text, const Captures& known = {}) {
  const Words words = split_words(text);
  return Pattern(pattern).match_end(words, {0, words.list.size()}, known);
}

std::string captured(std::string_view pattern, std::string_view text, std::string_view name) {
  const auto captures = match(pattern, text);
  if (!captures) return "<no match>";
  const auto found = captures->find(name);
  return found == captures->end() ? "<not captured>" : found->second.text;
}

std::string wrong(std::string_view pattern) {
  try {
    const Pattern compiled(pattern);
  } catch (const Error& error) {
    CHECK(error.code() == errc::config);
    return error.message();
  }
  return "<fine>";
}

TEST_CASE("words match whatever their case, spacing and punctuation") {
  CHECK(match("hello world", "Hello,   WORLD!"));
  CHECK(match("what's up?", "What’s up"));
  CHECK(match("e-mail me", "e mail me."));
  CHECK(match("grüße élan ωμέγα", "GRÜSSE ÉLAN ΩΜΈΓΑ") == std::nullopt);  // ß has no single upper case
  CHECK(match("ÄRGER Élan МИР ΣΟΦΟΣ ŽIŽEK", "ärger élan мир σοφος žižek"));
  CHECK_FALSE(match("hello world", "hello"));
  CHECK_FALSE(match("hello", "hello world"));
  CHECK_FALSE(match("hello", ""));
}

TEST_CASE("a capture takes the words as they were written") {
  CHECK(captured("remember [that] {note}", "Remember that Mei lives in Tokyo.", "note") == "Mei lives in Tokyo");
  CHECK(captured("remember [that] {note}", "remember: milk, eggs & 3.5 kg flour!!", "note") ==
        "milk, eggs & 3.5 kg flour");
  CHECK(captured("what is {expression}", "What is (1 + 2) * -3?", "expression") == "(1 + 2) * -3");
  CHECK(captured("what is {expression}", "what is 15% of 240?", "expression") == "15% of 240");
  CHECK(captured("say {words}", "say \"good morning\"", "words") == "good morning");
  CHECK(captured("open {url}", "Open https://example.org/a?b=c&d.", "url") == "https://example.org/a?b=c&d");
  CHECK(captured("{who} lives in {city}", "Mei Lin lives in New York", "city") == "New York");
  CHECK(captured("{who} lives in {city}", "Mei Lin lives in New York", "who") == "Mei Lin");
  CHECK_FALSE(match("remember {note}", "remember"));
}

TEST_CASE("Chinese and Japanese need no spaces") {
  CHECK(captured("记住{note}", "记住小梅住在东京。", "note") == "小梅住在东京");
  CHECK(captured("{who}住在{city}", "小梅住在东京", "city") == "东京");
  CHECK(captured("東京の時間は{x}", "東京の時間は何時？", "x") == "何時");
}

TEST_CASE("a number capture takes numbers only, and gives them as JSON writes them") {
  CHECK(captured("forget note {id:number}", "forget note 12", "id") == "12");
  CHECK(captured("{n:number}% of {m:number}", "7.5 % of 1,250.00", "n") == "7.5");
  CHECK(captured("{n:number}% of {m:number}", "7.5 % of 1,250.00", "m") == "1250.00");
  CHECK(captured("heat to {t:number} degrees", "heat to -5 degrees", "t") == "-5");
  CHECK(captured("add {x:number}", "add .5", "x") == "0.5");
  CHECK(captured("add {x:number}", "add 007", "x") == "7");
  CHECK(captured("add {x:number}", "add 0", "x") == "0");
  CHECK_FALSE(match("forget note {id:number}", "forget note twelve"));
  CHECK_FALSE(match("go to {id:number}", "go to 192.168.1.1"));
  CHECK_FALSE(match("go to {id:number}", "go to 2pm"));
}

TEST_CASE("brackets are optional and bars are alternatives") {
  for (const char* text : {"what time is it", "what time is it now", "tell me the time", "Tell me the time, please"}) {
    CHECK(match("(what time is it|tell me the time) [(now|please)]", text));
  }
  CHECK_FALSE(match("(what time is it|tell me the time) [(now|please)]", "what time is it now please"));
  CHECK(captured("(remember|note) {what} [please]", "note this please", "what") == "this");
  CHECK(captured("call {who} [on {day}]", "call Mei", "day") == "<not captured>");
  CHECK(captured("call {who} [on {day}]", "call Mei on Monday", "day") == "Monday");
  CHECK(match("a [b|c] d", "a c d"));
  CHECK(match(R"(price \{x\} \(net\))", "price x net"));
}

TEST_CASE("a known capture matches only what it holds") {
  const Captures known{{"who", {"Mei Lin", false}}};
  CHECK(match("{who} lives in {city}", "mei lin lives in Tokyo", known));
  CHECK_FALSE(match("{who} lives in {city}", "Tom lives in Paris", known));
}

TEST_CASE("the end of a range is searched from the left") {
  const auto captures =
      match_end("{who} lives in {city}", "1. (Monday) Mei lives in New York", {{"who", {"Mei", false}}});
  REQUIRE(captures);
  CHECK(captures->at("city").text == "New York");
  CHECK_FALSE(match_end("lives in {city}", "Mei lives at home"));
}

TEST_CASE("a wrong pattern is refused with the reason") {
  CHECK(wrong("{a") == "the pattern `{a` is wrong: a `{` is not closed by `}`");
  CHECK(wrong("[a").find("a `[` is not closed by `]`") != std::string::npos);
  CHECK(wrong("(a").find("a `(` is not closed by `)`") != std::string::npos);
  CHECK(wrong("a)").find("`)` closes nothing") != std::string::npos);
  CHECK(wrong("a|b").find("`|` belongs inside") != std::string::npos);
  CHECK(wrong("{a b}").find("is no capture") != std::string::npos);
  CHECK(wrong("{}").find("is no capture") != std::string::npos);
  CHECK(wrong("{a:text}").find("is no type of capture") != std::string::npos);
  CHECK(wrong("?!").find("matches nothing") != std::string::npos);
  CHECK(wrong(std::string(2000, 'a')).find("longer than") != std::string::npos);
  CHECK(wrong(std::string(20, '[') + "a" + std::string(20, ']')).find("nested deeper") != std::string::npos);
}

TEST_CASE("no pattern makes matching slow") {
  std::string pattern = "{a}";
  for (int i = 0; i < 40; ++i) pattern += " x {a" + std::to_string(i) + "}";
  std::string text;
  for (int i = 0; i < 4'000; ++i) text += "x ";
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(match(pattern + " y", text));
  CHECK(match(pattern, text));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}

TEST_CASE("bytes that are not UTF-8 are letters") {
  CHECK(captured("say {x}", "say \xFF\xC3\x28 \xF0\x9F\x98\x80 \xE4\xBD", "x") ==
        "\xFF\xC3\x28 \xF0\x9F\x98\x80 \xE4\xBD");
}

TEST_CASE("sentences end at marks, not at points inside numbers and short forms") {
  const auto split = [](std::string_view text) {
    const Words words = split_words(text);
    std::vector<std::string> result;
    for (const Range range : sentences(words)) result.push_back(words.span(range.first, range.last));
    return result;
  };
  CHECK(split("Buy 3.5 kg. Call Dr. Smith! Ask J. Doe? ok") ==
        std::vector<std::string>{"Buy 3.5 kg", "Call Dr. Smith", "Ask J. Doe", "ok"});
  CHECK(split("第一。第二！") == std::vector<std::string>{"第一", "第二"});
  CHECK(split("one\ntwo") == std::vector<std::string>{"one", "two"});
  CHECK(split(" ... ").empty());
}

TEST_CASE("a text streams in pieces that put it together again") {
  for (const std::string text : {"Hello, world!  Two  spaces.\nA line.", "小梅住在东京。", "", " x", "\xFF\xFE"}) {
    std::string joined;
    for (const std::string& piece : pieces(text)) joined += piece;
    CHECK(joined == text);
  }
  CHECK(pieces("one two three").size() == 3);
  CHECK(pieces("小梅").size() == 2);
}

}  // namespace
}  // namespace sennit::intents
