#include <sennit/backends/strict_schema.hpp>

#include <catch2/catch_test_macros.hpp>

namespace sennit::testing {
namespace {

std::optional<json::object> strict(std::string_view text) {
  return strict_schema(parse_json(text)->as_object());
}

void check(std::string_view schema, std::string_view expected) {
  INFO(schema);
  const std::optional<json::object> found = strict(schema);
  REQUIRE(found);
  CHECK(json::value(*found) == *parse_json(expected));
  CHECK(is_strict_schema(*found));
}

TEST_CASE("a strict schema is closed and requires everything, at every depth") {
  check(R"({"type":"object"})", R"({"type":"object","properties":{},"required":[],"additionalProperties":false})");
  check(
      R"({"type":"object","properties":{"list":{"type":"array","minItems":1,"items":{"type":"object","properties":{"x":{"type":"string","default":"a"}}}}},"required":["list"]})",
      R"({"type":"object","properties":{"list":{"type":"array","items":{"type":"object","properties":{"x":{"anyOf":[{"type":"string"},{"type":"null"}]}},
            "required":["x"],"additionalProperties":false}}},"required":["list"],"additionalProperties":false})");
  check(
      R"({"type":"object","properties":{"x":{"type":["string","null"]},"y":{"$ref":"#/$defs/Y"}},"required":["y"],"$defs":{"Y":{"enum":["a"]}}})",
      R"({"type":"object","properties":{"x":{"type":["string","null"]},"y":{"$ref":"#/$defs/Y"}},"required":["x","y"],"$defs":{"Y":{"enum":["a"]}},"additionalProperties":false})");
}

TEST_CASE("a property may be called like a keyword") {
  check(
      R"({"type":"object","properties":{"default":{"type":"string"},"format":{"type":"string"}},"required":["default","format"]})",
      R"({"type":"object","properties":{"default":{"type":"string"},"format":{"type":"string"}},"required":["default","format"],"additionalProperties":false})");
}

TEST_CASE("what a strict schema cannot say is not made strict") {
  CHECK_FALSE(strict(R"({"type":"string"})"));
  CHECK_FALSE(strict(R"({"anyOf":[{"type":"object"}],"properties":{}})"));
  CHECK_FALSE(strict(R"({"type":"object","additionalProperties":{"type":"string"}})"));
  CHECK_FALSE(strict(R"({"type":"object","properties":{"x":{"oneOf":[{"type":"string"}]}}})"));
  CHECK_FALSE(strict(R"({"type":"object","properties":{"x":{"type":"object","additionalProperties":true}}})"));
  CHECK_FALSE(strict(R"({"type":"object","properties":{"x":true}})"));
  CHECK_FALSE(strict(R"({"type":"object","properties":[]})"));
}

TEST_CASE("an open schema is not strict as it is") {
  CHECK_FALSE(is_strict_schema(parse_json(R"({"type":"object","properties":{}})")->as_object()));
}

}  // namespace
}  // namespace sennit::testing
