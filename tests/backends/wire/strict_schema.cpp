#include <sennit/backends/wire/strict_schema.hpp>

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

TEST_CASE("definitions are found under both of their names, and nothing stands beside a reference") {
  check(
      R"({"type":"object","properties":{"a":{"$ref":"#/definitions/A","description":"x"},"b":{"$ref":"#"}},"required":["a"],"definitions":{"A":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}}})",
      R"({"type":"object","properties":{"a":{"$ref":"#/$defs/A"},"b":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["a","b"],"additionalProperties":false,
          "$defs":{"A":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}}})");
  CHECK_FALSE(strict(R"({"type":"object","properties":{"a":{"$ref":"#/$defs/Missing"}}})"));
  CHECK_FALSE(strict(R"({"type":"object","properties":{"a":{"$ref":"https://example.org/a.json"}}})"));
  CHECK_FALSE(strict(R"({"type":"object","properties":{"a":{"$ref":"#","minimum":1}}})"));
}

TEST_CASE("an object that may be null becomes a choice") {
  check(
      R"({"type":"object","properties":{"x":{"type":["object","null"],"properties":{"n":{"type":"integer"}},"required":["n"]}},"required":["x"]})",
      R"({"type":"object","properties":{"x":{"anyOf":[{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false},{"type":"null"}]}},
          "required":["x"],"additionalProperties":false})");
}

TEST_CASE("notes and bounds that providers refuse are dropped") {
  check(
      R"({"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"x":{"type":"array","items":{"type":"string","minLength":1,"x-note":1},"uniqueItems":true,"examples":[[]]}},"required":["x"]})",
      R"({"type":"object","properties":{"x":{"type":"array","items":{"type":"string"}}},"required":["x"],"additionalProperties":false})");
}

TEST_CASE("the order of required names does not matter") {
  CHECK(is_strict_schema(
      parse_json(
          R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["b","a"],"additionalProperties":false})")
          ->as_object()));
}

TEST_CASE("what a strict schema cannot say is not made strict") {
  for (const std::string_view property :
       {R"({"type":"object"})", R"({"type":"object","properties":{}})", R"({"type":["object","null"]})",
        R"({"type":["object","string"],"properties":{"n":{"type":"integer"}}})", R"({"type":"array"})", "{}",
        R"({"description":"anything"})", R"({"type":"array","prefixItems":[]})", R"({"type":"string","if":{}})",
        R"({"type":"array","items":{"type":"string"},"contains":{}})", R"({"type":"string","nullable":true})",
        R"({"type":"object","propertyNames":{},"properties":{"n":{"type":"integer"}}})"}) {
    INFO(property);
    CHECK_FALSE(strict(std::string(R"({"type":"object","properties":{"x":)").append(property).append("}}")));
  }
  CHECK_FALSE(strict(R"({"type":["object","null"],"properties":{"x":{"type":"string"}}})"));
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
