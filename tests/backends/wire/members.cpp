// What `options.extra` does to an object that a request has of its own.
#include "backends/wire/asked.hpp"
#include <sennit/backends/wire/members.hpp>

namespace sennit::testing {
namespace {

/// The object `o` of a body whose own is {"a":1,"b":2}, and what `extra` has beside it.
std::string body_with(std::string_view extra) {
  json::object wanted = parse_object(extra);
  std::string out;
  Members body(out, &wanted);
  body.add_object("o", merged({{"a", 1}, {"b", 2}}, wanted, "o"));
  body.add_replacements();
  body.close();
  return out;
}

TEST_CASE("an object of a request takes the caller's members in") {
  CHECK(body_with("{}") == R"({"o":{"a":1,"b":2}})");
  CHECK(body_with(R"({"o":{}})") == R"({"o":{"a":1,"b":2}})");
  CHECK(body_with(R"({"o":{"b":3,"c":4}})") == R"({"o":{"a":1,"b":3,"c":4}})");
  CHECK(body_with(R"({"o":{"a":null}})") == R"({"o":{"b":2}})");
  CHECK(body_with(R"({"o":{"a":null,"b":null}})") == "{}");
}

TEST_CASE("what is no object stands in place of the request's own") {
  CHECK(body_with(R"({"o":5})") == R"({"o":5})");
  CHECK(body_with(R"({"o":null})") == "{}");
}

TEST_CASE("the caller's other members keep their order") {
  CHECK(body_with(R"({"x":1,"o":{"a":7},"y":2,"z":3})") == R"({"o":{"a":7,"b":2},"x":1,"y":2,"z":3})");
}

}  // namespace
}  // namespace sennit::testing
