#include <sennit/agent/io/sse.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace sennit;
using Catch::Matchers::ContainsSubstring;

namespace {

using Events = std::vector<std::pair<std::string, std::string>>;

Events read(std::string_view stream, std::size_t piece, StreamLimits limits = {}) {
  SseReader reader(limits);
  Events events;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    reader.push(stream.substr(at, piece));
    while (const auto event = reader.next()) events.emplace_back(event->name, event->data);
  }
  if (const auto event = reader.finish()) events.emplace_back(event->name, event->data);
  return events;
}

std::vector<std::string> read_lines(std::string_view stream, std::size_t piece, StreamLimits limits = {}) {
  NdjsonReader reader(limits);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    reader.push(stream.substr(at, piece));
    while (const auto line = reader.next()) lines.emplace_back(*line);
  }
  if (const auto line = reader.finish()) lines.emplace_back(*line);
  return lines;
}

std::string with_ends(std::string text, const std::string& end) {
  std::string out;
  for (const char c : text) c == '\n' ? out += end : out += c;
  return out;
}

Error failure(std::string_view stream, StreamLimits limits) {
  try {
    (void)read(stream, 3, limits);
  } catch (const Error& error) {
    return error;
  }
  return Error(errc::internal, "no error");
}

}  // namespace

TEST_CASE("events are the same however lines end and the stream is cut", "[sse]") {
  const std::string stream =
      ": hello\n\nevent: delta\ndata: one\n\ndata: two\ndata: lines\n\n\n\ndata:three\nid: 7\n"
      "retry: 10\nother\n\ndata\n\nevent: lost\n\ndata: 你好 \xF0\x9F\x99\x82\n\n";
  const Events expected{{"delta", "one"}, {"", "two\nlines"}, {"", "three"}, {"", ""}, {"", "你好 \xF0\x9F\x99\x82"}};
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    const std::string ended = with_ends(stream, end);
    for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U, 64U, 100'000U}) {
      CAPTURE(piece, end.size());
      CHECK(read(ended, piece) == expected);
      CHECK(read("\xEF\xBB\xBF" + ended, piece) == expected);
    }
  }
}

TEST_CASE("exactly one leading space of a value is dropped", "[sse]") {
  CHECK(read("data:  two\n\ndata:\ttab\n\ndata: \n\n", 100) == Events{{"", " two"}, {"", "\ttab"}, {"", ""}});
}

TEST_CASE("field names are matched whole and in their case", "[sse]") {
  CHECK(read("Data: a\ndata : b\ndatax: c\n data: d\ndata: e\n\n", 100) == Events{{"", "e"}});
}

TEST_CASE("a byte order mark counts only at the start", "[sse]") {
  CHECK(read("\xEF\xBB\xBF"
             "data: a\n\n\xEF\xBB\xBF"
             "data: b\n\n",
             1) == Events{{"", "a"}});
  CHECK(read("\xEF\xBB", 1).empty());
  CHECK(read("\xEF\xBB\xBF", 1).empty());
}

TEST_CASE("the last event counts without its blank line", "[sse]") {
  for (const std::size_t piece : {1U, 2U, 100U}) {
    CHECK(read("data: a\n\ndata: b\ndata: c\n", piece) == Events{{"", "a"}, {"", "b\nc"}});
    CHECK(read("event: x\r\ndata: b", piece) == Events{{"x", "b"}});
    CHECK(read("data: b\r", piece) == Events{{"", "b"}});
    CHECK(read("data: b\r\n", piece) == Events{{"", "b"}});
    CHECK(read("event: x\n: note", piece).empty());
    CHECK(read("", piece).empty());
  }
}

TEST_CASE("an event's name belongs to that event alone", "[sse]") {
  CHECK(read("event: a\ndata: 1\n\ndata: 2\n\nevent: b\n\ndata: 3\n\n", 4) == Events{{"a", "1"}, {"", "2"}, {"", "3"}});
  CHECK(read("event: a\nevent: b\ndata: 1\n\n", 4) == Events{{"b", "1"}});
}

TEST_CASE("keep-alive comments are counted", "[sse]") {
  SseReader reader;
  reader.push(": keep-alive\n\n:\n\ndata: x\n\n");
  CHECK(reader.next()->data == "x");
  CHECK_FALSE(reader.next().has_value());
  CHECK(reader.comments() == 2);
}

TEST_CASE("the first line of an unknown field is remembered, up to a bound", "[sse]") {
  const std::string stream = "id: 1\ndata: a\n\nerror: {\"code\":500}\n\nother\nretry: 3\n: x\n";
  for (const std::size_t piece : {1U, 5U, 100U}) {
    SseReader reader;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.push(std::string_view(stream).substr(at, piece));
      while (reader.next()) continue;
    }
    CHECK(reader.unknown_line() == "error: {\"code\":500}");
  }
  SseReader page;
  page.push(std::string(2 * SseReader::kMaxUnknownLine, 'x'));
  CHECK_FALSE(page.finish());
  CHECK(page.unknown_line().size() == SseReader::kMaxUnknownLine);
  SseReader known;
  known.push("data: a\nevent: b\nid: c\nretry: 1\n: note\n\n");
  CHECK(known.next());
  CHECK(known.unknown_line().empty());
}

TEST_CASE("every bound of an event stream is kept, and named", "[sse]") {
  StreamLimits limits;
  limits.line = 100;
  limits.event = 250;
  limits.lines = 10;
  limits.events = 20;
  const auto line = [](std::size_t size) { return "data: " + std::string(size - 6, 'x') + "\n"; };
  CHECK(read(line(100) + "\n", 3, limits).size() == 1);
  CHECK_THAT(failure(line(101) + "\n", limits).message(), ContainsSubstring("100 bytes a line"));
  CHECK(failure("data: " + std::string(1'000, 'x'), limits).code() == errc::too_large);
  CHECK(read(line(100) + line(100) + "\n", 3, limits).size() == 1);
  CHECK_THAT(failure(line(100) + line(100) + line(100) + "\n", limits).message(),
             ContainsSubstring("250 bytes an event"));
  std::string empty_lines;
  for (int i = 0; i < 10; ++i) empty_lines += "data:\n";
  CHECK(read(empty_lines + "\n", 3, limits).size() == 1);
  CHECK_THAT(failure(empty_lines + "data:\n\n", limits).message(), ContainsSubstring("10 data lines an event"));
  std::string events;
  for (int i = 0; i < 20; ++i) events += "data: x\n\n";
  CHECK(read(events, 3, limits).size() == 20);
  CHECK_THAT(failure(events + "data: x\n\n", limits).message(), ContainsSubstring("20 events"));
}

TEST_CASE("a long line in single bytes, and many short ones at once, take linear time", "[sse]") {
  const auto begin = std::chrono::steady_clock::now();
  const std::string line = "data: " + std::string(4U << 20U, 'x') + "\n\n";
  CHECK(read(line, 1).at(0).second.size() == 4U << 20U);
  std::string returns;  // no LF to be found anywhere
  for (int i = 0; i < 300'000; ++i) returns += "data: x\r\r";
  CHECK(read(returns, returns.size()).size() == 300'000);
  std::string lines;
  for (int i = 0; i < 300'000; ++i) lines += "{\"a\":1}\n";
  CHECK(read_lines(lines, lines.size()).size() == 300'000);
  CHECK(read_lines(std::string(4U << 20U, 'x'), 1).at(0).size() == 4U << 20U);
  // Quadratic behaviour would take minutes.
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(60));
}

TEST_CASE("lines of JSON are the same in every cut", "[ndjson]") {
  const std::vector<std::string> expected{"{\"a\":1}", "[2]", "\"x\ry\"", "{\"b\":\"你\"}"};
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 1'000U}) {
    CAPTURE(piece);
    CHECK(read_lines("{\"a\":1}\n\n  \r\n[2]\r\n\"x\ry\"\n{\"b\":\"你\"}", piece) == expected);
    CHECK(read_lines("{\"a\":1}\n\n\r\n[2]\r\n\"x\ry\"\n{\"b\":\"你\"}\r\n", piece) == expected);
  }
  CHECK(read_lines("", 1).empty());
  CHECK(read_lines("\n\r\n\n", 1).empty());
}

TEST_CASE("a stream of lines is bounded", "[ndjson]") {
  StreamLimits limits;
  limits.line = 10;
  limits.events = 3;
  const auto fails = [&](std::string_view stream) {
    try {
      (void)read_lines(stream, 3, limits);
    } catch (const Error& error) {
      return error.code() == errc::too_large;
    }
    return false;
  };
  CHECK(read_lines("1234567890\n", 3, limits).size() == 1);
  CHECK(fails("12345678901\n"));
  CHECK(fails(std::string(100, '1')));
  CHECK_FALSE(fails("1\n2\n3\n"));
  CHECK(fails("1\n2\n3\n4\n"));
  CHECK(fails("1\n2\n3\n4"));
}
