// From text to words of the index, and from a question to an expression that finds them.
#include <sennit/memory/words.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <string>

using namespace sennit;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("words are separated by anything that is neither letter nor digit") {
  CHECK(index_words("Mei lives in Tokyo.") == "Mei lives in Tokyo");
  CHECK(index_words("GPT-4, C++ & \"x\"; a_b\n(c)") == "GPT 4 C x a b c");
  CHECK(index_words("naïve “quotes”—and…€5") == "naïve quotes and 5");
  CHECK(index_words("").empty());
  CHECK(index_words(" .,;!? \t\n").empty());
}

TEST_CASE("characters of scripts without spaces stand alone") {
  CHECK(index_words("小明住在北京") == "小 明 住 在 北 京");
  CHECK(index_words("東京タワー、333m") == "東 京 タ ワ ー 333m");
  CHECK(index_words("iPhoneを買う") == "iPhone を 買 う");
  CHECK(index_words("한글 공부") == "한 글 공 부");
  CHECK(index_words("สวัสดี").find(' ') != std::string::npos);
  CHECK(index_words("Привет мир") == "Привет мир");
}

TEST_CASE("full-width letters become plain ones") {
  CHECK(index_words("ＡＢＣ１２３") == "ABC123");
  CHECK(index_words("東京　ＮＨＫ") == "東 京 NHK");
}

TEST_CASE("broken UTF-8 separates and is never copied") {
  CHECK(index_words("a\xFF"
                    "b") == "a b");
  CHECK(index_words("a\xE4\xBD") == "a");
  CHECK(index_words(std::string_view("a\0b", 3)) == "a b");
}

TEST_CASE("a question is its telling words, whole or as a beginning") {
  CHECK(match_expression("what do you know about Mei?") == R"("know" OR "know"* OR "Mei" OR "Mei"*)");
  CHECK(match_expression("Go") == R"("Go")");
  CHECK(match_expression("mei mei MEI") == R"("mei" OR "mei"* OR "MEI" OR "MEI"*)");
  CHECK(match_expression("?!").empty());
  CHECK(match_expression("").empty());
}

TEST_CASE("a question of everyday words only is looked for all the same") {
  CHECK(match_expression("who are you") == R"("who" OR "who"* OR "are" OR "are"* OR "you" OR "you"*)");
  CHECK(match_expression("的") == R"("的")");
}

TEST_CASE("neighbours without a space between them are looked for as pairs") {
  CHECK(match_expression("北京") == R"("北" OR "京" OR "北 京")");
  CHECK(match_expression("北 京") == R"("北" OR "京")");
  CHECK_THAT(match_expression("小明在哪"), ContainsSubstring(R"("小 明")") && !ContainsSubstring(R"("在")"));
}

TEST_CASE("nothing in a question is syntax") {
  for (const char* text :
       {"NEAR(a b)", "a AND NOT b", "words:secret", "\"quoted", "a*", "^a", "{x} : y", "a - b", "(", "+"}) {
    const std::string expression = match_expression(text);
    INFO(expression);
    // Every word stands in quotation marks.
    CHECK(std::count(expression.begin(), expression.end(), '"') % 2 == 0);
    CHECK(expression.find(':') == std::string::npos);
    CHECK(expression.find('(') == std::string::npos);
  }
}

TEST_CASE("of a long question the first and the last words are looked for") {
  std::string text = "first";
  for (int i = 0; i < 1000; ++i) text += " middle" + std::to_string(i);
  text += " last";
  const std::string expression = match_expression(text);
  CHECK_THAT(expression,
             ContainsSubstring("\"first\"") && ContainsSubstring("\"last\"") && !ContainsSubstring("middle500"));
}
