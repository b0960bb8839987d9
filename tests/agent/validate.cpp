#include <sennit/agent/io/error.hpp>
#include <sennit/agent/schema/validate.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace sennit;

namespace {

json::value parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = 500;
  return json::parse(text, {}, options);
}

std::string check(std::string_view schema, std::string_view instance) {
  return describe(Validator(parse(schema).as_object()).check(parse(instance)));
}

std::string coerced(std::string_view schema, std::string_view instance) {
  json::value value = parse(instance);
  Validator(parse(schema).as_object()).coerce(value);
  return json_text(value);
}

std::string refusal(std::string_view schema) {
  try {
    Validator validator(parse(schema).as_object());
  } catch (const Error& error) {
    CHECK(error.code() == errc::config);
    return error.message();
  }
  return "accepted";
}

struct Case {
  const char* schema;
  const char* instance;
  const char* expected;  // "" where the instance is valid
};

void run(std::initializer_list<Case> cases) {
  for (const Case& one : cases) {
    INFO(one.schema << "   " << one.instance);
    CHECK(check(one.schema, one.instance) == one.expected);
  }
}

}  // namespace

TEST_CASE("a wrong type is reported with what was expected and what came") {
  run({
      {R"({"type":"integer"})", "3", ""},
      {R"({"type":"integer"})", "3.0", ""},
      {R"({"type":"integer"})", "18446744073709551615", ""},
      {R"({"type":"integer"})", "1e300", ""},
      {R"({"type":"integer"})", "3.5", "arguments: expected an integer, got number 3.5"},
      {R"({"type":"integer"})", R"("three")", R"(arguments: expected an integer, got string "three")"},
      {R"({"type":"number"})", "3", ""},
      {R"({"type":"number"})", "null", "arguments: expected a number, got null"},
      {R"({"type":"string"})", "[1,2]", "arguments: expected a string, got an array of 2"},
      {R"({"type":"string"})", "[]", "arguments: expected a string, got an empty array"},
      {R"({"type":"boolean"})", "1", "arguments: expected true or false, got number 1"},
      {R"({"type":"array"})", "{}", "arguments: expected an array, got an empty object"},
      {R"({"type":"array"})", R"({"a":1})", "arguments: expected an array, got an object"},
      {R"({"type":"null"})", "false", "arguments: expected null, got false"},
      {R"({"type":["integer","null"]})", "true", "arguments: expected an integer or null, got true"},
      {R"({"type":["string","number","null"]})", "true", "arguments: expected a number, a string or null, got true"},
      {R"({"type":"string","nullable":true})", "null", ""},
      {R"({"type":"string","nullable":true,"enum":["a"]})", "null", ""},
      {R"({"type":[]})", "1", "arguments: expected nothing, got number 1"},
  });
}

TEST_CASE("a place is written as a program would write it") {
  const char* schema = R"({"properties":{"items":{"items":{"properties":{"count":{"type":"integer"}}}},
                          "two words":{"type":"null"}, "a-b":{"type":"null"}}})";
  CHECK(check(schema, R"({"items":[{},{"count":1},{"count":"three"}]})") ==
        R"(arguments.items[2].count: expected an integer, got string "three")");
  CHECK(check(schema, R"({"two words":1})") == R"(arguments["two words"]: expected null, got number 1)");
  CHECK(check(schema, R"({"a-b":1})") == "arguments.a-b: expected null, got number 1");
  CHECK(describe(std::vector<Violation>{{".x", "wrong"}}, "output") == "output.x: wrong");
  CHECK(describe(std::vector<Violation>{}).empty());
}

TEST_CASE("a long string is shortened between characters") {
  const std::string schema = R"({"type":"integer"})";
  std::string umlauts;
  for (int i = 0; i < 50; ++i) umlauts += "ä";
  CHECK(check(schema, "\"a" + umlauts + "\"") ==
        "arguments: expected an integer, got string \"a" + umlauts.substr(0, 58) + "…\"");
  CHECK(check(schema, R"("line\nend \"q\"")") == R"(arguments: expected an integer, got string "line\nend \"q\"")");
}

TEST_CASE("missing and unknown properties are named, the near ones suggested") {
  const char* schema =
      R"({"type":"object","properties":{"value":{"type":"number"},"from":{"type":["string","null"]},"any":{}},
                          "required":["value","from","any"],"additionalProperties":false})";
  run({
      {schema, R"({"value":1,"from":"m","any":null})", ""},
      {schema, R"({"value":1,"from":"m"})", "arguments.any: required, but missing"},
      {schema, R"({"value":1,"form":"m","any":1})",
       R"(arguments.from: required, but missing (a string or null); arguments.form: unknown; did you mean "from"?)"},
      {schema, R"({"value":1,"from":"m","any":1,"xyzzy":2})", "arguments.xyzzy: unknown"},
      {R"({"additionalProperties":{"type":"integer"}})", R"({"a":1,"b":"x"})",
       R"(arguments.b: expected an integer, got string "x")"},
      {R"({"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false})", R"({"x-a":"1","y":2})",
       "arguments.y: unknown"},
      {R"({"patternProperties":{"^x-":{"type":"string"}}})", R"({"x-a":1})",
       "arguments.x-a: expected a string, got number 1"},
      {R"({"propertyNames":{"maxLength":3}})", R"({"abcd":1})", "arguments.abcd: expected at most 3 characters, got 4"},
      {R"({"minProperties":1,"maxProperties":2})", R"({})", "arguments: expected at least 1 property, got 0"},
      {R"({"minProperties":1,"maxProperties":2})", R"({"a":1,"b":2,"c":3})",
       "arguments: expected at most 2 properties, got 3"},
      {R"({"dependentRequired":{"card":["address"]}})", R"({"card":1})",
       R"(arguments.address: required where "card" is given, but missing)"},
      {R"({"dependencies":{"card":{"required":["name"]},"x":["y"]}})", R"({"card":1})",
       "arguments.name: required, but missing"},
      {R"({"dependentSchemas":{"card":false}})", R"({"card":1})", "arguments: not allowed here"},
  });
}

TEST_CASE("values outside of their bounds say which bound") {
  run({
      {R"({"minimum":0})", "-1", "arguments: expected at least 0, got -1"},
      {R"({"maximum":12})", "13", "arguments: expected at most 12, got 13"},
      {R"({"minimum":0,"maximum":12})", R"("text is not a number")", ""},
      {R"({"exclusiveMinimum":0})", "0", "arguments: expected more than 0, got 0"},
      {R"({"exclusiveMaximum":1})", "1", "arguments: expected less than 1, got 1"},
      {R"({"minimum":0,"exclusiveMinimum":true})", "0", "arguments: expected more than 0, got 0"},
      {R"({"maximum":5,"exclusiveMaximum":true})", "5", "arguments: expected less than 5, got 5"},
      {R"({"maximum":9223372036854775807})", "9223372036854775808",
       "arguments: expected at most 9223372036854775807, got 9223372036854775808"},
      {R"({"multipleOf":3})", "9", ""},
      {R"({"multipleOf":3})", "10", "arguments: expected a multiple of 3, got 10"},
      {R"({"multipleOf":0.01})", "0.07", ""},
      {R"({"multipleOf":0.01})", "19.99", ""},
      {R"({"multipleOf":0.01})", "0.075", "arguments: expected a multiple of 0.01, got 0.075"},
      {R"({"multipleOf":0.5})", "1e308", ""},
      {R"({"minLength":1})", R"("")", "arguments: expected at least 1 character, got 0"},
      {R"({"maxLength":3})", R"("äöü")", ""},
      {R"({"maxLength":2})", R"("äöü")", "arguments: expected at most 2 characters, got 3"},
      {R"({"pattern":"^[a-z]+$"})", R"("abc")", ""},
      {R"({"pattern":"b"})", R"("abc")", ""},
      {R"({"pattern":"^[a-z]+$"})", R"("abc\ndef")",
       R"(arguments: expected text that matches ^[a-z]+$, got string "abc\ndef")"},
      {R"({"enum":["metre","foot",3,null]})", "3.0", ""},
      {R"({"enum":["metre","foot"]})", R"("meter")",
       R"(arguments: expected one of "metre", "foot"; got string "meter"; did you mean "metre"?)"},
      {R"({"enum":["metre","foot"]})", "3", R"(arguments: expected one of "metre", "foot"; got number 3)"},
      {R"({"const":{"a":[1]}})", R"({"a":[1.0]})", ""},
      {R"({"const":"x"})", R"("y")", R"(arguments: expected "x", got string "y")"},
  });
}

TEST_CASE("arrays are checked item by item") {
  run({
      {R"({"minItems":1})", "[]", "arguments: expected at least 1 item, got 0"},
      {R"({"maxItems":1})", "[1,2]", "arguments: expected at most 1 item, got 2"},
      {R"({"prefixItems":[{"type":"string"}],"items":{"type":"integer"}})", R"(["a",1,"b"])",
       R"(arguments[2]: expected an integer, got string "b")"},
      {R"({"items":[{"type":"string"}],"additionalItems":false})", R"(["a",1])", "arguments[1]: not allowed here"},
      {R"({"items":false})", "[1]", "arguments[0]: not allowed here"},
      {R"({"uniqueItems":true})", "[1,2,1.0]", "arguments[2]: the same as item [0]: items must differ"},
      {R"({"uniqueItems":true})", R"([{"a":1,"b":2},{"b":2,"a":1}])",
       "arguments[1]: the same as item [0]: items must differ"},
      {R"({"contains":{"const":5}})", "[1,5]", ""},
      {R"({"contains":{"const":5}})", "[1]", "arguments: expected at least 1 item that fits `contains`, got 0"},
      {R"({"contains":{"const":5},"minContains":0})", "[1]", ""},
      {R"({"contains":{"const":5},"maxContains":1})", "[5,5]",
       "arguments: expected at most 1 item that fits `contains`, got 2"},
  });
}

TEST_CASE("of several alternatives the nearest one is explained") {
  const char* shapes = R"({"oneOf":[
      {"type":"object","properties":{"kind":{"const":"circle"},"radius":{"type":"number"}},"required":["kind","radius"]},
      {"type":"object","properties":{"kind":{"const":"square"},"side":{"type":"number"}},"required":["kind","side"]}]})";
  run({
      {shapes, R"({"kind":"square","side":2})", ""},
      {shapes, R"({"kind":"square","side":"2"})",
       "arguments: fits none of 2 alternatives; the nearest is number 2, but: "
       R"(arguments.side: expected a number, got string "2")"},
      {R"({"anyOf":[{"type":"string"},{"type":"null"}]})", "3", "arguments: expected a string or null, got number 3"},
      {R"({"anyOf":[{"type":"integer","minimum":5},{"type":"null"}]})", "3", "arguments: expected at least 5, got 3"},
      {R"({"oneOf":[{"minimum":1},{"minimum":2}]})", "3",
       "arguments: fits 2 of 2 alternatives, exactly one is allowed (`oneOf`)"},
      {R"({"allOf":[{"minimum":5},{"maximum":1}]})", "3",
       "arguments: expected at least 5, got 3; arguments: expected at most 1, got 3"},
      {R"({"not":{"type":"string"}})", R"("x")", R"(arguments: string "x" fits what the schema excludes (`not`))"},
      {R"({"if":{"properties":{"a":{"const":1}}},"then":{"required":["b"]},"else":{"required":["c"]}})", R"({"a":1})",
       "arguments.b: required, but missing"},
      {R"({"if":{"properties":{"a":{"const":1}}},"then":{"required":["b"]},"else":{"required":["c"]}})", R"({"a":2})",
       "arguments.c: required, but missing"},
      {R"({"anyOf":[]})", "1", ""},
  });
}

TEST_CASE("references inside the schema are followed, also round in a circle") {
  const char* tree =
      R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"value":{"type":"integer"},
                        "children":{"type":"array","items":{"$ref":"#/$defs/node"}}},"required":["value"]}}})";
  run({
      {tree, R"({"value":1,"children":[{"value":2},{"value":3,"children":[]}]})", ""},
      {tree, R"({"value":1,"children":[{"value":2,"children":[{}]}]})",
       "arguments.children[0].children[0].value: required, but missing (an integer)"},
      {R"({"definitions":{"a/b":{"type":"null"},"c~d":{"type":"null"}},
          "properties":{"x":{"$ref":"#/definitions/a~1b"},"y":{"$ref":"#/definitions/c~0d"}}})",
       R"({"x":1,"y":1})", "arguments.x: expected null, got number 1; arguments.y: expected null, got number 1"},
      {R"({"$defs":{"a b":{"type":"null"}},"$ref":"#/$defs/a%20b"})", "1", "arguments: expected null, got number 1"},
      {R"({"$id":"https://example.com/s","$defs":{"n":{"type":"null"}},"$ref":"https://example.com/s#/$defs/n"})", "1",
       "arguments: expected null, got number 1"},
  });
}

TEST_CASE("a schema that cannot be used is refused with the place and the reason") {
  const std::string prefix = "the JSON Schema cannot be used: ";
  CHECK(refusal(R"({"type":"strin"})") == prefix + "schema.type: expected a type's name or an array of them");
  CHECK(refusal(R"({"properties":{"a":{"type":5}}})") ==
        prefix + "schema.properties.a.type: expected a type's name or an array of them");
  CHECK(refusal(R"({"properties":[]})") == prefix + "schema.properties: expected an object of schemas");
  CHECK(refusal(R"({"properties":{"a":7}})") ==
        prefix + "schema.properties.a: a schema is an object, or true or false");
  CHECK(refusal(R"({"minLength":-1})") == prefix + "schema.minLength: expected a whole number, 0 or more");
  CHECK(refusal(R"({"multipleOf":0})") == prefix + "schema.multipleOf: expected a number above 0");
  CHECK(refusal(R"({"minimum":"1"})") == prefix + "schema.minimum: expected a number");
  CHECK(refusal(R"({"anyOf":{}})") == prefix + "schema.anyOf: expected an array of schemas");
  CHECK(refusal(R"({"enum":"a"})") == prefix + "schema.enum: expected an array");
  CHECK(refusal(R"({"required":["a",1]})") == prefix + "schema.required: expected an array of strings");
  CHECK(refusal(R"({"$ref":"#/nowhere"})") ==
        prefix + "schema.$ref: #/nowhere leads nowhere: only references inside the schema are followed");
  CHECK(refusal(R"({"$ref":"https://example.com/schema"})") ==
        prefix +
            "schema.$ref: https://example.com/schema leads nowhere: only references inside the schema are followed");
  CHECK(refusal(R"({"items":{"pattern":"(a"}})")
            .starts_with(prefix + "schema.items.pattern: the pattern (a is no regular expression"));
}

TEST_CASE("odd but harmless schemas are used") {
  for (const char* schema :
       {R"({})", R"({"type":"object","properties":{"a":{"required":true,"type":"string"}}})",
        R"({"x-vendor":{"type":7},"format":"uuid","default":{"$ref":"x"},"examples":[{"type":1}]})",
        R"({"$schema":"http://json-schema.org/draft-07/schema#","title":3})",
        R"({"properties":{"$ref":{"type":"string"}}})", R"({"required":[],"dependentRequired":{}})"}) {
    INFO(schema);
    CHECK(refusal(schema) == "accepted");
    CHECK(check(schema, "{}").empty());
  }
}

TEST_CASE("hostile schemas and instances end in a bounded time and stack") {
  CHECK(check(R"({"$ref":"#"})", "1") == "arguments: too complex to be checked against this schema");
  CHECK(check(R"({"anyOf":[{"$ref":"#"},{"$ref":"#"}]})", "1") ==
        "arguments: too complex to be checked against this schema");
  CHECK(check(R"({"allOf":[{"$ref":"#"},{"$ref":"#"}]})", "1") ==
        "arguments: too complex to be checked against this schema");

  std::string deep;
  for (int i = 0; i < 100; ++i) deep += R"({"not":)";
  deep += "{}" + std::string(100, '}');
  CHECK(refusal(deep) == "the JSON Schema cannot be used: schema: nested deeper than 64");

  std::string wide = R"({"enum":[0)";
  for (int i = 0; i < 30'000; ++i) wide += ",1";
  CHECK(refusal(wide + "]}") == "the JSON Schema cannot be used: schema: more than 20000 values");

  std::string many = "[";
  for (int i = 0; i < 5'000; ++i) many += (i ? "," : "") + std::to_string(i);
  CHECK(check(R"({"uniqueItems":true})", many + "]") == "arguments: too complex to be checked against this schema");

  const std::string text = "\"" + std::string(200'000, 'a') + "\"";
  CHECK(check(R"({"pattern":"^(a|b)*$"})", text).size() < 200);  // std::regex overflows the stack here
  CHECK(check(R"({"pattern":"^(a+)+$"})", "\"" + std::string(5'000, 'a') + "!\"") ==
        "arguments: matching against ^(a+)+$ took too long");
  CHECK(refusal("{\"pattern\":\"" + std::string(3'000, 'a') + "\"}").find("a pattern of 3000 bytes") !=
        std::string::npos);
}

TEST_CASE("the number of violations is bounded and said to be") {
  std::string many = "[0";
  for (int i = 0; i < 1'000; ++i) many += ",0";
  const Validator validator(parse(R"({"items":{"type":"string"}})").as_object());
  const auto violations = validator.check(parse(many + "]"));
  CHECK(violations.size() == kMaxViolations);
  CHECK(describe(violations).ends_with("arguments[19]: expected a string, got number 0; and possibly more"));
}

TEST_CASE("what weak models send is repaired where nothing is lost") {
  const char* one = R"({"properties":{"n":{"type":"integer"},"x":{"type":"number"},"b":{"type":"boolean"},
      "s":{"type":"string"},"o":{"type":"object","properties":{"n":{"type":"integer"}}},"a":{"type":"array","items":{"type":"integer"}},
      "m":{"type":["integer","string"]},"q":{"anyOf":[{"type":"integer"},{"type":"null"}]}},"required":["s"]})";
  const std::pair<const char*, const char*> cases[] = {
      {R"({"n":"3"})", R"({"n":3})"},
      {R"({"n":"-3"})", R"({"n":-3})"},
      {R"({"n":"3.0"})", R"({"n":3})"},
      {R"({"n":3.0})", R"({"n":3})"},
      {R"({"n":"3.5"})", R"({"n":"3.5"})"},
      {R"({"n":3.5})", R"({"n":3.5})"},
      {R"({"n":"three"})", R"({"n":"three"})"},
      {R"({"n":" 3"})", R"({"n":" 3"})"},
      {R"({"n":"0x10"})", R"({"n":"0x10"})"},
      {R"({"n":""})", R"({"n":""})"},
      {R"({"n":true})", R"({"n":true})"},
      {R"({"x":"2.5"})", R"({"x":2.5})"},
      {R"({"x":"1e3"})", R"({"x":1000})"},
      {R"({"x":3})", R"({"x":3})"},
      {R"({"b":"true"})", R"({"b":true})"},
      {R"({"b":"false"})", R"({"b":false})"},
      {R"({"b":"yes"})", R"({"b":"yes"})"},
      {R"({"b":1})", R"({"b":1})"},
      {R"({"s":3})", R"({"s":"3"})"},
      {R"({"s":3.5})", R"({"s":3.5})"},
      {R"({"s":null})", R"({"s":null})"},
      {R"({"o":"{\"n\":\"3\"}"})", R"({"o":{"n":3}})"},
      {R"({"o":"{broken"})", R"({"o":"{broken"})"},
      {R"({"o":"[1]"})", R"({"o":"[1]"})"},
      {R"({"a":"[\"1\",2]"})", R"({"a":[1,2]})"},
      {R"({"a":["1","x"]})", R"({"a":[1,"x"]})"},
      {R"({"m":"3"})", R"({"m":"3"})"},
      {R"({"q":"3"})", R"({"q":3})"},
      {R"({"q":null})", R"({"q":null})"},
      {R"({"n":null,"x":1})", R"({"x":1})"},
      {R"({"unknown":"3"})", R"({"unknown":"3"})"},
  };
  for (const auto& [sent, repaired] : cases) {
    INFO(sent);
    CHECK(coerced(one, sent) == repaired);
  }
  CHECK(coerced(R"({"additionalProperties":{"$ref":"#/$defs/n"},"$defs":{"n":{"type":"integer"}}})", R"({"k":"4"})") ==
        R"({"k":4})");
  CHECK(coerced(R"({"$ref":"#"})", R"("3")") == R"("3")");
  CHECK(coerced(R"({"type":"integer"})", R"("123456789012345678901234567890")") ==
        R"("123456789012345678901234567890")");
}

TEST_CASE("null for an optional property goes, unless the property may be null") {
  CHECK(coerced(R"({"properties":{"a":{"enum":["x","y"]},"b":{"const":1},"c":{"enum":["x",null]}}})",
                R"({"a":null,"b":null,"c":null})") == R"({"c":null})");
}

TEST_CASE("JSON text shows numbers as people write them") {
  CHECK(json_text(parse(R"({"a":[1.5,0.1,1e22,3,-0.0,[]],"b":{},"c":"x\"y","d":null,"e":true})")) ==
        R"({"a":[1.5,0.1,1e+22,3,-0,[]],"b":{},"c":"x\"y","d":null,"e":true})");
}
