#include <sennit/agent/schema/schema.hpp>
#include <sennit/agent/schema/validate.hpp>

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace shop {

enum class Unit { metre, foot };
BOOST_DESCRIBE_ENUM(Unit, metre, foot)

struct Item {
  int count;
  std::string name;
};
SENNIT_DESCRIBE(Item, (count, "how many", {.minimum = 1, .maximum = 9}), (name))

struct Order {
  double value;
  std::string from;
  std::optional<int> digits;
  Unit unit = Unit::foot;
  Unit to;
  bool express = false;
  std::vector<Item> items;
  std::map<std::string, double> prices;
  std::string zone = "UTC";
  std::uint8_t level = 0;
};
SENNIT_DESCRIBE(Order, (value, "how much"),
                (from, "a, b, c", {.min_length = 1, .max_length = 5, .pattern = "^[a-z]*$"}),
                (digits, "decimal places", {.minimum = 0, .maximum = 12}), (unit), (to),
                (express, "sooner, but dearer"), (items, "what", {.min_length = 1}), (prices), (zone),
                (level, "", {.required = false}))

struct Point {
  double x;
  double y = 1;
};
BOOST_DESCRIBE_STRUCT(Point, (), (x, y))

struct Tree {
  std::string name;
  std::vector<Tree> children;
};
SENNIT_DESCRIBE(Tree, (name), (children))

struct Anything {
  sennit::json::value value;
  sennit::json::object object;
  sennit::json::array array;
};
SENNIT_DESCRIBE(Anything, (value), (object), (array))

struct Flag {
  bool on = false;
};
SENNIT_DESCRIBE(Flag, (on, "must be said", {.required = true}))

}  // namespace shop

using namespace sennit;

namespace {

template <class T>
T read(std::string_view text) {
  T value{};
  read_json(json::parse(text), value);
  return value;
}

template <class T>
std::string read_error(std::string_view text) {
  try {
    T value{};
    read_json(json::parse(text), value);
  } catch (const Error& error) {
    CHECK(error.code() == errc::invalid_argument);
    return error.message();
  }
  return "read";
}

}  // namespace

TEST_CASE("a struct's schema has types, descriptions, bounds, defaults and what is required") {
  const json::value expected = json::parse(R"({
    "type": "object",
    "properties": {
      "value": {"type": "number", "description": "how much"},
      "from": {"type": "string", "description": "a, b, c", "pattern": "^[a-z]*$", "minLength": 1, "maxLength": 5},
      "digits": {"type": "integer", "description": "decimal places", "minimum": 0, "maximum": 12},
      "unit": {"type": "string", "enum": ["metre", "foot"], "default": "foot"},
      "to": {"type": "string", "enum": ["metre", "foot"]},
      "express": {"type": "boolean", "description": "sooner, but dearer", "default": false},
      "items": {"type": "array", "description": "what", "minItems": 1, "items": {
        "type": "object",
        "properties": {"count": {"type": "integer", "description": "how many", "minimum": 1, "maximum": 9},
                       "name": {"type": "string"}},
        "required": ["count", "name"], "additionalProperties": false}},
      "prices": {"type": "object", "additionalProperties": {"type": "number"}},
      "zone": {"type": "string", "default": "UTC"},
      "level": {"type": "integer", "minimum": 0, "default": 0}
    },
    "required": ["value", "from", "to", "items", "prices"],
    "additionalProperties": false
  })");
  CHECK(json::value(schema_of<shop::Order>()) == expected);
}

TEST_CASE("properties keep the order of the description") {
  const json::object schema = schema_of<shop::Order>();
  CHECK(schema.at("properties").as_object().begin()->key() == "value");
}

TEST_CASE("a struct described by Boost.Describe alone has a schema without descriptions") {
  CHECK(json_text(schema_of<shop::Point>()) ==
        R"({"type":"object","properties":{"x":{"type":"number"},"y":{"type":"number","default":1}},)"
        R"("required":["x"],"additionalProperties":false})");
}

TEST_CASE("JSON members take anything of their kind") {
  CHECK(json_text(schema_of<shop::Anything>().at("properties")) ==
        R"({"value":{},"object":{"type":"object"},"array":{"type":"array"}})");
}

TEST_CASE("a rule of the field decides against the rule of its type") {
  CHECK(json_text(schema_of<shop::Flag>().at("required")) == R"(["on"])");
}

TEST_CASE("a struct that contains itself is refused, not walked for ever") {
  CHECK_THROWS_AS(schema_of<shop::Tree>(), Error);
}

TEST_CASE("derived schemas are usable by the validator") {
  const Validator validator(schema_of<shop::Order>());
  const auto violations = validator.check(json::parse(
      R"({"value":"1","from":"abcdef","to":"mile","items":[{"count":0,"name":"x"}],"prices":{"a":"b"},"levle":1})"));
  CHECK(describe(violations) ==
        "arguments.value: expected a number, got string \"1\"; "
        "arguments.from: expected at most 5 characters, got 6; "
        "arguments.to: expected one of \"metre\", \"foot\"; got string \"mile\"; "
        "arguments.items[0].count: expected at least 1, got 0; "
        "arguments.prices.a: expected a number, got string \"b\"; "
        "arguments.levle: unknown; did you mean \"level\"?");
}

TEST_CASE("reading fills every described member and keeps defaults of absent ones") {
  const auto order = read<shop::Order>(R"({"value":2,"from":"m","digits":3,"unit":"metre","to":"foot","express":true,
      "items":[{"count":1,"name":"a"},{"count":2.0,"name":"b"}],"prices":{"a":1.5}})");
  CHECK(order.value == 2.0);
  CHECK(order.from == "m");
  CHECK(order.digits == 3);
  CHECK(order.unit == shop::Unit::metre);
  CHECK(order.to == shop::Unit::foot);
  CHECK(order.express);
  REQUIRE(order.items.size() == 2);
  CHECK(order.items[1].count == 2);
  CHECK(order.prices.at("a") == 1.5);
  CHECK(order.zone == "UTC");
  CHECK_FALSE(read<shop::Order>(R"({"digits":null})").digits);
}

TEST_CASE("reading says where a value does not fit") {
  CHECK(read_error<shop::Order>(R"({"items":[{"count":3000000000}]})") ==
        "value.items[0].count: expected an integer from -2147483648 to 2147483647, got number 3000000000");
  CHECK(read_error<shop::Order>(R"({"level":256})") ==
        "value.level: expected an integer from 0 to 255, got number 256");
  CHECK(read_error<shop::Order>(R"({"level":-1})") == "value.level: expected an integer from 0 to 255, got number -1");
  CHECK(read_error<shop::Order>(R"({"to":"mile"})") ==
        "value.to: expected one of the listed names, got string \"mile\"");
  CHECK(read_error<shop::Order>(R"({"express":1})") == "value.express: expected true or false, got number 1");
  CHECK(read_error<shop::Order>(R"([])") == "value: expected an object, got an empty array");
  CHECK(read_error<std::int64_t>("1e300") ==
        "value: expected an integer from -9223372036854775808 to 9223372036854775807, got number 1e+300");
}

TEST_CASE("writing is the inverse of reading, without what is absent") {
  const auto item = read<shop::Item>(R"({"count":4,"name":"x"})");
  CHECK(json_text(write_json(item)) == R"({"count":4,"name":"x"})");
  const shop::Order order{
      .value = 0.5, .from = "m", .digits = {}, .to = shop::Unit::foot, .items = {item}, .prices = {{"a", 3.0}}};
  CHECK(json_text(write_json(order)) ==
        R"({"value":0.5,"from":"m","unit":"foot","to":"foot","express":false,"items":[{"count":4,"name":"x"}],)"
        R"("prices":{"a":3},"zone":"UTC","level":0})");
  CHECK(json_text(write_json(std::numeric_limits<double>::infinity())) == "null");
  CHECK(json_text(write_json(std::vector<bool>{true, false})) == "[true,false]");
}
