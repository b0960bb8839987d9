// What a model is shown of an answer's body.
#include <sennit/tools/http_text.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace sennit;
using http::body_text;

TEST_CASE("text comes out as UTF-8, whatever charset the content type names") {
  CHECK(body_text("caf\xC3\xA9", "text/plain; charset=utf-8") == "café");
  CHECK(body_text("caf\xC3\xA9", "text/plain") == "café");
  CHECK(body_text("caf\xE9 \x80", "text/plain; charset=ISO-8859-1") == "café €");
  CHECK(body_text("\xCF\xF0\xE8\xE2\xE5\xF2", "text/html; charset=windows-1251") == "Привет");
  CHECK(body_text("\xC4\xE3\xBA\xC3", "text/plain;charset=GB2312") == "你好");
  CHECK(body_text("\xA7\x41\xA6\x6E", "text/plain;charset=big5") == "你好");
  CHECK(body_text("\x93\xFA\x96\x7B", "text/plain; charset=Shift_JIS") == "日本");
  CHECK(body_text("\xC6\xFC\xCB\xDC", "text/plain; charset=\"euc-jp\"") == "日本");
  CHECK(body_text("\xC7\xD1\xB1\xDB", "text/plain; charset='euc-kr'") == "한글");
}

TEST_CASE("a byte order mark counts more than what the peer says, and is not shown") {
  CHECK(body_text("\xEF\xBB\xBFhi", "text/plain; charset=iso-8859-1") == "hi");
  CHECK(body_text(std::string("\xFF\xFEh\0i\0", 6), "text/plain") == "hi");
  CHECK(body_text(std::string("\xFE\xFF\0h\0i", 6), "text/plain; charset=utf-16") == "hi");
}

TEST_CASE("an HTML page may name its own charset, other text may not") {
  const std::string page = "<html><head><meta charset=\"windows-1252\"></head>caf\xE9";
  CHECK(body_text(page, "text/html").ends_with("café"));
  CHECK(body_text("<meta charset=windows-1252>caf\xE9", "text/plain").ends_with("caf\xEF\xBF\xBD"));
  const std::string old = "<meta http-equiv=Content-Type content='text/html; charset=koi8-r'>\xF0";
  CHECK(body_text(old, "text/html").ends_with("П"));
}

TEST_CASE("what does not fit its charset becomes a replacement character and never invalid UTF-8") {
  CHECK(body_text("a\xFF"
                  "b",
                  "text/plain") ==
        "a\xEF\xBF\xBD"
        "b");
  CHECK(body_text("a\xFF", "text/plain; charset=gbk") == "a\xEF\xBF\xBD");
  CHECK(body_text("caf\xE9", "text/plain; charset=nonsense") == "caf\xEF\xBF\xBD");
  // Never handed to iconv: a charset whose converter was exploitable.
  CHECK(body_text("plain", "text/plain; charset=ISO-2022-CN-EXT") == "plain");
}

TEST_CASE("a body that is no text is one line about it") {
  CHECK(body_text("\x89PNG\r\n\x1A\n\xFF", "image/png") == "[binary data: image/png, 9 bytes]");
  CHECK(body_text("%PDF-1.7", "application/pdf") == "[binary data: application/pdf, 8 bytes]");
  CHECK(body_text(std::string("a\0b", 3), "text/plain") == "[binary data: text/plain, 3 bytes]");
  CHECK(body_text("\xFF\xFE\xFF\xFF", "") == "[binary data: unknown type, 4 bytes]");
  CHECK(body_text("\xFF", "application/octet-stream") == "[binary data: application/octet-stream, 1 bytes]");
}

TEST_CASE("a body that nobody names is text if it reads as text") {
  CHECK(body_text("hello", "") == "hello");
  CHECK(body_text("hello", "application/octet-stream") == "hello");
  CHECK(body_text("<svg/>", "image/svg+xml") == "<svg/>");
  CHECK(body_text("{}", "application/vnd.api+json; charset=utf-8") == "{}");
  CHECK(body_text("你好", "") == "你好");
  CHECK(body_text(std::string_view("你好").substr(0, 5), "") == "你\xEF\xBF\xBD");  // cut off inside 好
}
