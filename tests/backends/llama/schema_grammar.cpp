#include "gbnf.hpp"
#include <sennit/backends/llama/schema_grammar.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace sennit::testing {
namespace {

struct Case {
  std::string_view name;
  std::string_view schema;
  std::vector<std::string_view> right;
  std::vector<std::string_view> wrong;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"any value", "{}", {"1", "\"a\"", "[1, {\"a\": null}]", "{}", "true"}, {"", "a", "{", "[1,]", "{\"a\"}"}},
      {"a string",
       R"({"type":"string"})",
       {R"("")", R"("a\n\"\u00e9é")", R"("\uD7FF")"},
       {"1", R"("\x")", R"("\uD83D")", "\"a\nb\"", R"("a)"}},
      {"a bounded string",
       R"({"type":"string","minLength":1,"maxLength":3})",
       {R"("a")", R"("abc")", R"("\n12")"},
       {R"("")", R"("abcd")"}},
      {"numbers", R"({"type":"number"})", {"0", "-1.5", "1e10", "12.25E-3"}, {"01", ".5", "1.", "+1", "1e999", "NaN"}},
      {"integers", R"({"type":"integer"})", {"0", "-12"}, {"1.0", "-", "007"}},
      {"whole numbers", R"({"type":"integer","minimum":0})", {"0", "12"}, {"-1"}},
      {"booleans and null", R"({"type":["boolean","null"]})", {"true", "false", "null"}, {"\"true\"", "0", "nul"}},
      {"an enumeration",
       R"({"enum":["a\"b",1,null,{"x":[1]}]})",
       {R"("a\"b")", "1", "null", R"({"x":[1]})"},
       {"2", R"("a")", "{}"}},
      {"a constant", R"({"const":"é\n"})", {R"("é\n")"}, {R"("e")"}},
      {"members in their order, all required",
       R"({"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"string"}},"required":["a","b"]})",
       {R"({"b":1,"a":"x"})", R"({ "b": 1, "a": "x" })", "{\n  \"b\": 1,\n  \"a\": \"x\"\n}"},
       {R"({"a":"x","b":1})", R"({"b":1})", "{}", R"({"b":1,"a":"x","c":2})", R"({"b":1,"a":"x",})"}},
      {"no member required",
       R"({"properties":{"a":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"integer"}}})",
       {"{}", R"({"a":1})", R"({"b":1})", R"({"c":1})", R"({"a":1,"c":1})", R"({"b":1,"c":1})",
        R"({"a":1,"b":1,"c":1})"},
       {R"({"b":1,"a":1})", R"({"a":1,"a":1})", R"({,"a":1})", "[]"}},
      {"one required in the middle",
       R"({"properties":{"a":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"integer"}},"required":["b"]})",
       {R"({"b":1})", R"({"a":1,"b":1})", R"({"b":1,"c":1})", R"({"a":1,"b":1,"c":1})"},
       {"{}", R"({"a":1})", R"({"c":1})", R"({"a":1,"c":1})"}},
      {"required, but not described", R"({"type":"object","required":["x"]})", {R"({"x":[1]})"}, {"{}", R"({"y":1})"}},
      {"nothing allowed", R"({"type":"object","additionalProperties":false})", {"{}", "{ }"}, {R"({"a":1})"}},
      {"a map",
       R"({"type":"object","additionalProperties":{"type":"integer"}})",
       {"{}", R"({"a":1,"b":2})"},
       {R"({"a":"x"})"}},
      {"a list", R"({"type":"array","items":{"type":"integer"}})", {"[]", "[1]", "[1, 2,3]"}, {"[1,]", "[\"a\"]", "1"}},
      {"a bounded list",
       R"({"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3})",
       {"[1,2]", "[1,2,3]"},
       {"[]", "[1]", "[1,2,3,4]"}},
      {"at most one", R"({"type":"array","items":{"type":"integer"},"maxItems":1})", {"[]", "[1]"}, {"[1,2]"}},
      {"at least one", R"({"type":"array","items":{"type":"integer"},"minItems":1})", {"[1]", "[1,2]"}, {"[]"}},
      {"an empty list", R"({"type":"array","maxItems":0})", {"[]"}, {"[1]"}},
      {"a tuple",
       R"({"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}]})",
       {R"(["a",1])"},
       {R"([1,"a"])", R"(["a",1,2])"}},
      {"either",
       R"({"anyOf":[{"type":"integer"},{"type":"array","items":{"type":"null"}}]})",
       {"1", "[null]"},
       {"true", "[1]"}},
      {"what stands beside the choices counts for each",
       R"({"properties":{"k":{"const":1}},"required":["k"],"oneOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},
           {"properties":{"b":{"type":"integer"}},"required":["b"]}]})",
       {R"({"k":1,"a":2})", R"({"k":1,"b":2})"},
       {R"({"a":2})", R"({"k":1})", R"({"k":1,"a":2,"b":2})"}},
      {"all of several",
       R"({"allOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"$ref":"#/$defs/b"}],
           "$defs":{"b":{"properties":{"b":{"type":"integer"}},"required":["b"]}}})",
       {R"({"a":1,"b":2})"},
       {R"({"a":1})", R"({"b":1})"}},
      {"definitions that use themselves",
       R"({"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"v":{"type":"integer"},
           "kids":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"required":["v"]}}})",
       {R"({"v":1})", R"({"v":1,"kids":[{"v":2,"kids":[]},{"v":3}]})"},
       {"{}", R"({"v":1,"kids":[{}]})", R"({"v":1,"kids":[1]})"}},
      {"the whole inside itself",
       R"({"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["next"]})",
       {R"({"next":null})", R"({"next":{"next":null}})"},
       {"{}", R"({"next":1})"}},
      {"names with strange characters",
       R"({"properties":{"a\"b/c~d":{"type":"integer"}},"required":["a\"b/c~d"]})",
       {R"({"a\"b/c~d":1})"},
       {R"({"a":1})"}},
      {"nullable as OpenAPI has it", R"({"type":"string","nullable":true})", {"null", R"("a")"}, {"1"}},
  };
  return all;
}

TEST_CASE("a schema's grammar writes what the schema allows, and nothing that it forbids") {
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    const std::string text = schema_grammar(parse_json(one.schema).value());
    CAPTURE(text);
    const Gbnf grammar(text);
    CHECK(grammar.missing().empty());
    for (const std::string_view right : one.right) {
      CAPTURE(right);
      CHECK(grammar.accepts(right));
    }
    for (const std::string_view wrong : one.wrong) {
      CAPTURE(wrong);
      CHECK_FALSE(grammar.accepts(wrong));
    }
  }
}

TEST_CASE("what a grammar cannot say makes it looser, and is told") {
  SchemaGrammar grammar;
  const json::value schema = parse_json(R"({"type":"object","properties":{
      "a":{"type":"string","pattern":"^x"},"b":{"type":"integer","minimum":3},"c":{"$ref":"https://x/y"},
      "d":{"type":"array","items":{"type":"integer"},"uniqueItems":true},"e":false,"f/g":{"not":{}},"h":{"enum":[]}},
      "x-ours":1,"description":"d"})")
                                 .value();
  grammar.add_rule("root", grammar.add_schema(schema));
  CHECK(grammar.looser() == std::vector<std::string>{"/properties/a/pattern", "/properties/b/minimum",
                                                     "/properties/c/$ref", "/properties/d/uniqueItems",
                                                     "/properties/f~1g/not", "/properties/h/enum"});
  const std::string text = grammar.text();
  const Gbnf read(text);
  CHECK(read.accepts(R"({"a":"y","b":1,"c":[{}],"d":[1,1],"f/g":2})"));
  CHECK_FALSE(read.accepts(R"({"e":1})"));
}

TEST_CASE("a reference that leads to itself ends") {
  for (const std::string_view schema :
       {R"({"$ref":"#"})", R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}})",
        R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})", R"({"allOf":[{"$ref":"#"}]})"}) {
    CAPTURE(schema);
    const std::string text = schema_grammar(parse_json(schema).value());
    CHECK(Gbnf(text).accepts("null"));
  }
}

TEST_CASE("a schema of any size has a bounded grammar") {
  json::value deep = json::object{{"type", "integer"}};
  for (int i = 0; i < 200; ++i) deep = json::object{{"type", "array"}, {"items", deep}};
  CHECK(schema_grammar(deep).size() < 100'000);
  json::object wide;
  for (int i = 0; i < 10'000; ++i) {
    wide["p" + std::to_string(i)] = json::object{{"type", "array"}, {"minItems", i}, {"items", json::object{}}};
  }
  const std::string text = schema_grammar(json::object{{"properties", wide}});
  CHECK(Gbnf(text).accepts("{}"));
  CHECK(text.size() < 4'000'000);
}

TEST_CASE("several schemas share one grammar, and equal rules are one") {
  SchemaGrammar grammar;
  const json::value schema = parse_json(R"({"type":"object","properties":{"a":{"enum":[1,2]}}})").value();
  CHECK(grammar.add_schema(schema) == grammar.add_schema(schema));
}

}  // namespace
}  // namespace sennit::testing
