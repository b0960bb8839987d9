#include <sennit/agent/io/error.hpp>
#include <sennit/backends/wire/json_array_reader.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {
namespace {

struct Elements {
  std::vector<std::string> whole;
  std::string last;  // unfinished
  bool closed = false;
};

Elements read(std::string_view body, std::size_t piece) {
  JsonArrayReader reader;
  Elements elements;
  while (!body.empty()) {
    reader.push(body.substr(0, piece));
    body.remove_prefix(std::min(piece, body.size()));
    while (const auto element = reader.next()) elements.whole.emplace_back(*element);
  }
  elements.closed = reader.closed();
  elements.last = reader.finish().value_or("");
  return elements;
}

void check(std::string_view body, const std::vector<std::string>& whole, std::string_view last, bool closed) {
  INFO(body);
  for (const std::size_t piece : {std::string::npos, 1UL, 2UL, 5UL}) {
    const Elements elements = read(body, piece);
    CHECK(elements.whole == whole);
    CHECK(elements.last == last);
    CHECK(elements.closed == closed);
  }
}

TEST_CASE("the elements of an array come out whole, wherever it is cut") {
  check("[]", {}, "", true);
  check(" [ ] ", {}, "", true);
  check(R"([{"a":[1,{}],"b":"]},\"[{"},{}])", {R"({"a":[1,{}],"b":"]},\"[{"})", "{}"}, "", true);
  check("[\r\n{\"a\": 1}\r\n,\r\n{\"b\":\t2}\r\n]\r\n", {"{\"a\": 1}", "{\"b\":\t2}"}, "", true);
  check(R"([1, "a,]", null, [2, 3]])", {"1", R"("a,]")", "null", "[2, 3]"}, "", true);
  check(R"(["\\", "\""])", {R"("\\")", R"("\"")"}, "", true);
}

TEST_CASE("an object is complete at its brace, before the comma") {
  JsonArrayReader reader;
  reader.push("[{\"a\":1}");
  CHECK(reader.next() == "{\"a\":1}");
  CHECK(reader.next() == std::nullopt);
  reader.push("\n,{");
  CHECK(reader.next() == std::nullopt);
  CHECK(reader.finish() == "{");
}

TEST_CASE("an array that was cut off leaves its last element") {
  check("[", {}, "", false);
  check("[{},", {"{}"}, "", false);
  check("[{},{\"a\":\"]", {"{}"}, "{\"a\":\"]", false);
  check("[1, tru", {"1"}, "tru", false);
}

TEST_CASE("what is no array is cut somehow, and what follows one is left") {
  check("[{}]{}]", {"{}"}, "", true);
  check("[}{]", {}, "", true);
  check("[,,{},]", {"{}"}, "", true);
}

TEST_CASE("an element has a bound, and so has their number") {
  const auto read_all = [](std::string_view body, StreamLimits limits, std::size_t piece) {
    JsonArrayReader reader(limits);
    while (!body.empty()) {
      reader.push(body.substr(0, piece));
      body.remove_prefix(std::min(piece, body.size()));
      while (reader.next()) {
      }
    }
  };
  StreamLimits limits;
  limits.line = 8;
  limits.events = 3;
  for (const std::size_t piece : {std::string::npos, 1UL}) {
    CHECK_NOTHROW(read_all("[{\"a\":12},{},{}]", limits, piece));
    CHECK_THROWS_AS(read_all("[{\"a\":1234", limits, piece), Error);
    CHECK_THROWS_AS(read_all("[{\"a\":123}]", limits, piece), Error);
    CHECK_THROWS_AS(read_all("[{},{},{},{}]", limits, piece), Error);
  }
}

}  // namespace
}  // namespace sennit::testing
