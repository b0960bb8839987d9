#include "app/drawing.hpp"
#include <sennit/app/unicode.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace sennit::app;

TEST_CASE("control characters never reach the terminal") {
  std::string out;
  Page page(out, {.width = 80, .colour = true});
  page.put(
      "a\x1b]0;title\x07"
      "b\x1b[2Jc\x9b"
      "31m\u202Ed\x7f\x08\r\n");
  page.put(
      "\xc2\x9b"
      "1m\xff\xc3");
  page.end_line();
  CHECK(out == "a␛]0;title␇b␛[2Jc\uFFFD31m\uFFFDd␡␈\n\uFFFD1m\uFFFD\uFFFD\n");
}

TEST_CASE("characters cut into bytes arrive whole") {
  std::string out;
  Page page(out, {});
  for (const char byte : std::string("é中👍")) page.put(std::string_view(&byte, 1));
  page.end_line();
  CHECK(out == "é中👍\n");
}

TEST_CASE("styles are switched once and reset before the line is left") {
  std::string out;
  Page page(out, {.width = 0, .colour = true});
  page.put("a", kBold);
  page.put("b", kBold);
  page.put("c");
  page.put("d", kDim);
  page.end_line();
  CHECK(readable(out) == "{1}ab{}c{2}d{}\n");
}

TEST_CASE("prefixes are drawn dim and do not change the text's style") {
  std::string out;
  Page page(out, {.width = 8, .colour = true});
  page.prefix("│ ");
  page.put("one two three", kBold);
  page.end_line();
  CHECK(readable(out) == "{2}│ {}{1}one\n{2}│ {1}two\n{2}│ {1}three{}\n");
}

TEST_CASE("a gap is one empty line, and none at the top") {
  std::string out;
  Page page(out, {});
  page.gap();
  page.put("a");
  page.gap();
  page.gap();
  page.put("b\n");
  page.gap();
  CHECK(out == "a\n\nb\n\n");
}

TEST_CASE("widths count columns, not bytes") {
  CHECK(columns(std::string_view("abc")) == 3);
  CHECK(columns(std::string_view("中文")) == 4);
  CHECK(columns(std::string_view("e\u0301")) == 1);
  CHECK(columns(std::string_view("👍")) == 2);
}

TEST_CASE("clipping keeps characters whole and says that it cut") {
  CHECK(clip("hello", 5) == "hello");
  CHECK(clip("hello!", 5) == "hell…");
  CHECK(clip("中文字", 6) == "中文字");
  CHECK(clip("中文字", 5) == "中文…");
  CHECK(clip("中文字", 4) == "中…");
  CHECK(clip("x", 0).empty());
  CHECK(clip("e\u0301e\u0301e\u0301", 2) == "e\u0301…");
}

TEST_CASE("one line is one line") {
  CHECK(one_line("a\n b\t\r\nc \n") == "a b c");
  CHECK(one_line("\x1b[31mred\x07") == "␛[31mred␇");
  CHECK(one_line("cut \xe4\xb8") == "cut \uFFFD");
}

TEST_CASE("undecodable bytes are replaced one by one") {
  CHECK(decode_utf8("\xc0\x80").code == 0xFFFD);
  CHECK(decode_utf8("\xed\xa0\x80").code == 0xFFFD);  // a surrogate
  CHECK(decode_utf8("\xf4\x90\x80\x80").code == 0xFFFD);
  CHECK(decode_utf8("\xe4\xb8").bytes == 0);
  CHECK(decode_utf8("\xe4"
                    "a")
            .bytes == 1);
  CHECK(decode_utf8("\xf0\x9f\x91\x8d").code == U'👍');
}
