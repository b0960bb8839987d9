#include <sennit/agent/schema/validate.hpp>
#include <sennit/backends/wire/schema_dialect.hpp>
#include <sennit/backends/wire/schema_dialects.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>

namespace sennit::testing {
namespace {

std::optional<json::object> strict(std::string_view text) {
  const std::optional<TranslatedSchema> translated =
      translate_schema(parse_json(text)->as_object(), SchemaDialect::openai_strict);
  return translated ? std::optional(translated->schema) : std::nullopt;
}

void check(std::string_view schema, std::string_view expected) {
  INFO(schema);
  const std::optional<json::object> found = strict(schema);
  REQUIRE(found);
  CHECK(json::value(*found) == *parse_json(expected));
  CHECK(says_as_is(*found, SchemaDialect::openai_strict));
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
  CHECK(says_as_is(
      parse_json(
          R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["b","a"],"additionalProperties":false})")
          ->as_object(),
      SchemaDialect::openai_strict));
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
  CHECK_FALSE(
      says_as_is(parse_json(R"({"type":"object","properties":{}})")->as_object(), SchemaDialect::openai_strict));
}

constexpr std::array kEnforced = {SchemaDialect::openai_strict, SchemaDialect::deepseek_strict, SchemaDialect::messages,
                                  SchemaDialect::gemini_json,   SchemaDialect::gemini_openapi,  SchemaDialect::grammar};

json::object object_of(std::string_view text) {
  INFO(text);
  const std::optional<json::value> value = parse_json(text);
  REQUIRE(value);
  return value->as_object();
}

/// The translation, and what is left to our own check.
void check(SchemaDialect dialect, std::string_view schema, std::string_view expected,
           const std::vector<std::string>& dropped = {}) {
  INFO(to_string(dialect) << ": " << schema);
  std::string why;
  const std::optional<TranslatedSchema> found = translate_schema(object_of(schema), dialect, &why);
  INFO(why);
  REQUIRE(found);
  INFO(json::serialize(found->schema));
  CHECK(found->schema == object_of(expected));
  CHECK(found->dropped == dropped);
  if (dialect != SchemaDialect::gemini_openapi) CHECK(says_as_is(found->schema, dialect));
}

/// A property `x` in a closed object that requires it, which every dialect takes.
std::string with_property(std::string_view schema) {
  return std::string(R"({"type":"object","properties":{"x":)")
      .append(schema)
      .append(R"(},"required":["x"],"additionalProperties":false})");
}

void check_property(SchemaDialect dialect, std::string_view schema, std::string_view expected,
                    const std::vector<std::string>& dropped = {}) {
  std::vector<std::string> paths;
  for (const std::string& path : dropped) paths.push_back("/properties/x" + path);
  check(dialect, with_property(schema), with_property(expected), paths);
}

/// The sentence that says why not.
std::string refusal(SchemaDialect dialect, std::string_view schema) {
  INFO(to_string(dialect) << ": " << schema);
  std::string why;
  CHECK_FALSE(translate_schema(object_of(schema), dialect, &why));
  CHECK_FALSE(why.empty());
  return why;
}

TEST_CASE("a schema that is not enforced is shown as it is") {
  const json::object odd = object_of(R"({"if":{},"patternProperties":{"^x":true},"$ref":"https://example.org"})");
  CHECK(translate_schema(odd, SchemaDialect::plain)->schema == odd);
  CHECK(says_as_is(odd, SchemaDialect::plain));
}

TEST_CASE("the strict dialects agree with each other") {
  const std::string_view schema = R"({"type":"object","properties":{"a":{"type":"string","pattern":"^a"},
      "b":{"type":"array","items":{"type":"integer","minimum":1},"minItems":2}},"required":["b"]})";
  const auto openai = translate_schema(object_of(schema), SchemaDialect::openai_strict);
  const auto deepseek = translate_schema(object_of(schema), SchemaDialect::deepseek_strict);
  REQUIRE(openai);
  REQUIRE(deepseek);
  CHECK(openai->schema == deepseek->schema);
  CHECK(openai->dropped == std::vector<std::string>{"/properties/b/minItems"});
}

TEST_CASE("a root that refers to a definition is the definition") {
  const std::string_view schema = R"({"$ref":"#/$defs/A","$defs":{"A":{"type":"object","properties":{
      "next":{"$ref":"#/$defs/A"}},"required":["next"],"additionalProperties":false}}})";
  check(SchemaDialect::openai_strict, schema,
        R"({"type":"object","properties":{"next":{"$ref":"#/$defs/A"}},"required":["next"],"additionalProperties":false,
            "$defs":{"A":{"type":"object","properties":{"next":{"$ref":"#/$defs/A"}},"required":["next"],"additionalProperties":false}}})");
  check(SchemaDialect::grammar, schema, schema);
}

TEST_CASE("Anthropic gets closed objects whose optional properties stay optional") {
  check(
      SchemaDialect::messages,
      R"({"type":"object","properties":{"a":{"type":"string","minLength":1,"format":"date","default":"x"},
            "b":{"type":"array","items":{"type":"number","minimum":0},"minItems":1,"maxItems":3}},"required":["b"]})",
      R"({"type":"object","properties":{"a":{"type":"string","format":"date"},"b":{"type":"array","items":{"type":"number"},
            "minItems":1}},"required":["b"],"additionalProperties":false})",
      {"/properties/a/minLength", "/properties/b/items/minimum", "/properties/b/maxItems"});
  check_property(SchemaDialect::messages, R"({"oneOf":[{"type":"string"},{"type":"integer"}]})",
                 R"({"anyOf":[{"type":"string"},{"type":"integer"}]})", {"/oneOf"});
  check_property(SchemaDialect::messages, R"({"type":"string","nullable":true,"format":"phone"})",
                 R"({"anyOf":[{"type":"string"},{"type":"null"}]})");
  check_property(SchemaDialect::messages, R"({"type":["array","string"],"items":{"type":"string"},"minLength":2})",
                 R"({"anyOf":[{"type":"array","items":{"type":"string"}},{"type":"string"}]})", {"/minLength"});
}

TEST_CASE("Anthropic refuses recursion, and more options and choices than its grammars hold") {
  CHECK(refusal(SchemaDialect::messages,
                R"({"type":"object","properties":{"x":{"$ref":"#/$defs/A"}},"$defs":{"A":{"type":"object","properties":{
                    "next":{"$ref":"#/$defs/A"}}}}})")
            .find("leads back") != std::string::npos);
  json::object properties;
  for (int i = 0; i < 24; ++i) properties["p" + std::to_string(i)] = json::object{{"type", "string"}};
  json::object schema{{"type", "object"}, {"properties", properties}};
  CHECK(translate_schema(schema, SchemaDialect::messages));
  properties["one more"] = json::object{{"type", "string"}};
  schema["properties"] = properties;
  CHECK_FALSE(translate_schema(schema, SchemaDialect::messages));
}

TEST_CASE("Gemini's JSON Schema knows no const, and null stands apart from values") {
  check_property(SchemaDialect::gemini_json, R"({"const":"a"})", R"({"type":"string","enum":["a"]})");
  check_property(SchemaDialect::gemini_json, R"({"const":null})", R"({"type":"null"})");
  check_property(SchemaDialect::gemini_json, R"({"type":["string","null"],"enum":["a",null]})",
                 R"({"anyOf":[{"type":"string","enum":["a"]},{"type":"null"}]})");
  check_property(SchemaDialect::gemini_json, R"({"type":"boolean","enum":[true]})", R"({"type":"boolean"})", {"/enum"});
  check_property(SchemaDialect::gemini_json,
                 R"({"type":"array","prefixItems":[{"type":"string"}],"items":{"type":"integer"},"uniqueItems":true})",
                 R"({"type":"array","prefixItems":[{"type":"string"}],"items":{"type":"integer"}})", {"/uniqueItems"});
  check_property(SchemaDialect::gemini_json,
                 R"({"type":"object","additionalProperties":{"type":"string","maxLength":3}})",
                 R"({"type":"object","additionalProperties":{"type":"string"}})", {"/additionalProperties/maxLength"});
}

TEST_CASE("Gemini's JSON Schema takes recursion where a property may be left out") {
  const std::string_view tree = R"({"type":"object","properties":{"next":{"$ref":"#"}}})";
  check(SchemaDialect::gemini_json, tree, tree);
  CHECK(
      refusal(SchemaDialect::gemini_json, R"({"type":"object","properties":{"next":{"$ref":"#"}},"required":["next"]})")
          .find("not required") != std::string::npos);
}

TEST_CASE("Gemini's OpenAPI has one type, nullable, and no references") {
  check(
      SchemaDialect::gemini_openapi,
      R"({"type":"object","properties":{"a":{"type":["string","null"],"minLength":1},"b":{"$ref":"#/definitions/B","description":"why"},
            "c":{"anyOf":[{"type":"integer","exclusiveMinimum":0},{"type":"null"}]},"d":{"type":["string","integer"]}},
            "required":["a"],"additionalProperties":false,"definitions":{"B":{"enum":["x","y",null]}}})",
      R"({"type":"OBJECT","properties":{"a":{"type":"STRING","minLength":1,"nullable":true},
            "b":{"type":"STRING","enum":["x","y"],"nullable":true,"description":"why"},"c":{"type":"INTEGER","nullable":true},
            "d":{"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]}},"required":["a"]})",
      {"/properties/c/anyOf/0/exclusiveMinimum"});
  check(SchemaDialect::gemini_openapi, R"({"type":"integer","enum":[1,2]})", R"({"type":"INTEGER"})", {"/enum"});
  CHECK(refusal(SchemaDialect::gemini_openapi, R"({"type":"object","properties":{"x":{"$ref":"#"}}})")
            .find("leads back") != std::string::npos);
}

TEST_CASE("a grammar gets what its server reads as we do") {
  check_property(SchemaDialect::grammar, R"({"type":"string","pattern":"^[a-z]{2,4}(-(x|y)+)?$","maxLength":9})",
                 R"({"type":"string","pattern":"^[a-z]{2,4}(-(x|y)+)?$"})", {"/maxLength"});
  for (const std::string_view pattern : {"a", "^a|b$", "^\\\\d+$", "^.*$", "^[^a]$", "^(?:a)$", "^a{100}$", "^é$"}) {
    check_property(SchemaDialect::grammar, std::string(R"({"type":"string","pattern":")").append(pattern).append("\"}"),
                   R"({"type":"string"})", {"/pattern"});
  }
  check_property(SchemaDialect::grammar, R"({"type":"integer","minimum":1.5,"maximum":9,"multipleOf":3})",
                 R"({"type":"integer","maximum":9})", {"/minimum", "/multipleOf"});
  check_property(SchemaDialect::grammar, R"({"type":"string","maxLength":100000,"minLength":2})",
                 R"({"type":"string","minLength":2})", {"/maxLength"});
  check_property(SchemaDialect::grammar, R"({"type":"number","minimum":1,"exclusiveMinimum":true})",
                 R"({"type":"number","minimum":1})", {"/exclusiveMinimum"});
  check_property(SchemaDialect::grammar, "true",
                 R"({"type":["object","array","string","integer","number","boolean","null"]})");
  check_property(SchemaDialect::grammar, R"({"type":"object","properties":{}})", R"({"type":"object"})");
}

TEST_CASE("a tuple goes into a grammar only if it is exactly that") {
  check_property(SchemaDialect::grammar,
                 R"({"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":false,"minItems":2})",
                 R"({"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"minItems":2,"maxItems":2})");
  check_property(SchemaDialect::grammar, R"({"type":"array","items":[{"type":"string"}],"additionalItems":false})",
                 R"({"type":"array"})", {"/items"});
}

TEST_CASE("one schema in allOf stands for itself") {
  check_property(SchemaDialect::messages, R"({"allOf":[{"type":"string"}],"description":"why","default":"a"})",
                 R"({"type":"string","description":"why"})");
  CHECK(refusal(SchemaDialect::grammar, R"({"allOf":[{"type":"object"},{"type":"object"}]})").find("allOf") !=
        std::string::npos);
}

TEST_CASE("a choice that only narrows an object is left to our own check") {
  const std::string_view properties = R"("type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}})";
  const std::string schema =
      std::string("{").append(properties).append(R"(,"anyOf":[{"required":["a"]},{"required":["b"]}]})");
  check(SchemaDialect::grammar, schema, std::string("{").append(properties).append("}"), {"/anyOf"});
  CHECK(
      refusal(
          SchemaDialect::grammar,
          R"({"type":"object","properties":{"a":{"type":"string"}},"anyOf":[{"properties":{"b":{"type":"string"}}}]})")
          .find("beside") != std::string::npos);
  check_property(SchemaDialect::grammar, R"({"type":"string","anyOf":[{"maxLength":1},{"enum":["ab"]}]})",
                 R"({"anyOf":[{"type":"string","maxLength":1},{"enum":["ab"]}]})", {"/type"});
}

TEST_CASE("a refusal says which dialect, where, and what") {
  CHECK(refusal(SchemaDialect::openai_strict,
                R"({"type":"object","properties":{"a/b":{"oneOf":[{"type":"string"}]}}})") ==
        "openai_strict cannot say the schema at /properties/a~1b: it has no words for `oneOf`: leave it out, or say it "
        "otherwise");
  for (const SchemaDialect dialect : kEnforced) {
    CHECK(refusal(dialect, with_property(R"({"type":"object","patternProperties":{"^x":{"type":"string"}}})"))
              .find("patternProperties") != std::string::npos);
    CHECK(refusal(dialect, with_property(R"({"type":"string","if":{},"then":{}})")).find("`if`") != std::string::npos);
    CHECK(refusal(dialect, with_property(R"({"$ref":"#/$defs/Missing"})")).find("leads to nothing") !=
          std::string::npos);
    CHECK(refusal(dialect, with_property(R"({"type":"text"})")).find("names no type") != std::string::npos);
    CHECK(refusal(dialect, R"({"type":"object","properties":{"a":{"type":"string"}},"required":["b"]})")
              .find("`required`") != std::string::npos);
    CHECK(refusal(dialect, with_property(R"({"enum":[]})")).find("`enum` is empty") != std::string::npos);
  }
}

TEST_CASE("what is deeper or larger than any schema in earnest is refused") {
  json::value deep = json::object{{"type", "string"}};
  for (int i = 0; i < 200; ++i) deep = json::object{{"type", "array"}, {"items", std::move(deep)}};
  json::array values;
  for (int i = 0; i < 30'000; ++i) values.emplace_back(i);
  // 2^30 copies, if one put them in place.
  json::object doubling{{"d0", {{"type", "string"}}}};
  for (int i = 1; i <= 30; ++i) {
    const json::object reference{{"$ref", "#/$defs/d" + std::to_string(i - 1)}};
    doubling["d" + std::to_string(i)] = {{"anyOf", {reference, reference}}};
  }
  const json::object doubled{{"$ref", "#/$defs/d30"}, {"$defs", doubling}};
  for (const SchemaDialect dialect : kEnforced) {
    CHECK_FALSE(translate_schema({{"type", "object"}, {"properties", {{"x", deep}}}}, dialect));
    CHECK_FALSE(translate_schema({{"type", "object"}, {"properties", {{"x", {{"enum", values}}}}}}, dialect));
  }
  CHECK_FALSE(translate_schema(doubled, SchemaDialect::gemini_openapi));
  CHECK(translate_schema(doubled, SchemaDialect::grammar));
}

TEST_CASE("OpenAI's limits of nesting and size are kept") {
  json::value nested = json::object{{"type", "string"}};
  for (int i = 0; i < 9; ++i) nested = json::object{{"type", "array"}, {"items", std::move(nested)}};
  json::object schema{{"type", "object"}, {"properties", {{"x", nested}}}};
  CHECK(translate_schema(schema, SchemaDialect::openai_strict));
  schema["properties"] = {{"x", {{"type", "array"}, {"items", nested}}}};
  CHECK_FALSE(translate_schema(schema, SchemaDialect::openai_strict));
  CHECK(translate_schema(schema, SchemaDialect::deepseek_strict));
}

TEST_CASE("every keyword that our validator checks has its row") {
  std::set<std::string_view> names;
  for (const schema_dialects::Keyword& keyword : schema_dialects::kKeywords) CHECK(names.insert(keyword.name).second);
  for (const std::string_view checked : {"additionalItems",
                                         "additionalProperties",
                                         "allOf",
                                         "anyOf",
                                         "const",
                                         "contains",
                                         "dependencies",
                                         "dependentRequired",
                                         "enum",
                                         "dependentSchemas",
                                         "else",
                                         "exclusiveMaximum",
                                         "items",
                                         "exclusiveMinimum",
                                         "if",
                                         "maxContains",
                                         "maxItems",
                                         "maxLength",
                                         "maxProperties",
                                         "maximum",
                                         "minItems",
                                         "minContains",
                                         "minLength",
                                         "minProperties",
                                         "minimum",
                                         "multipleOf",
                                         "not",
                                         "nullable",
                                         "oneOf",
                                         "pattern",
                                         "prefixItems",
                                         "patternProperties",
                                         "properties",
                                         "propertyNames",
                                         "required",
                                         "then",
                                         "type",
                                         "uniqueItems",
                                         "$ref"}) {
    CHECK(names.contains(checked));
  }
}

std::string_view in_words(schema_dialects::Rule rule) {
  switch (rule) {
    case schema_dialects::Rule::keep:
      return "yes";
    case schema_dialects::Rule::some:
      return "some";
    case schema_dialects::Rule::rewrite:
      return "rewritten";
    case schema_dialects::Rule::drop:
      return "ours";
    case schema_dialects::Rule::note:
      return "–";
    case schema_dialects::Rule::fatal:
      return "no";
  }
  return {};
}

TEST_CASE("the page for people shows the table that is obeyed") {
  std::ifstream file(SENNIT_SOURCE_DIR "/docs/structured-output.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const schema_dialects::Keyword& keyword : schema_dialects::kKeywords) {
    const std::string name = "`" + std::string(keyword.name) + "`";
    std::string row = "| " + name + " |";
    bool left_out = true;
    for (const schema_dialects::Rule rule : keyword.rules) {
      row.append(" ").append(in_words(rule)).append(" |");
      left_out = left_out && rule == schema_dialects::Rule::note;
    }
    INFO(row);
    CHECK(page.find(left_out ? name : row + "\n") != std::string::npos);
  }
}

/// Schemas and values that mostly fit them, the same ones for the same seed on every machine.
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}

  std::size_t below(std::size_t bound) { return engine_() % bound; }
  bool one_in(std::size_t bound) { return below(bound) == 0; }

  json::object document() {
    const bool recursive = one_in(2);
    json::object schema = object(3);
    json::object properties{{"a", {{"$ref", "#/$defs/A"}}}};
    if (recursive) properties["next"] = {{"$ref", "#/$defs/C"}};
    const json::object c{{"type", "object"}, {"properties", properties}, {"required", {"a"}}};
    schema["$defs"] = {{"A", leaf()}, {"B", object(1)}, {"C", c}};
    return schema;
  }

  /// `nulls`: what may be left out is null instead.
  json::value instance(const json::value& schema, const json::object& root, bool nulls, int depth = 0) {
    if (schema.is_bool()) return plain_value();
    const json::object& said = schema.get_object();
    if (const json::value* reference = said.if_contains("$ref")) {
      const std::string_view name = std::string_view(reference->get_string()).substr(8);
      return instance(root.at("$defs").at(name), root, nulls, depth + 1);
    }
    for (const std::string_view key : {"anyOf", "oneOf", "allOf"}) {
      if (!said.contains(key)) continue;
      const json::array& options = said.at(key).get_array();
      return instance(options[below(options.size())], root, nulls, depth + 1);
    }
    if (said.contains("nullable") && one_in(3)) return nullptr;
    if (said.contains("const")) return said.at("const");
    if (said.contains("enum")) return said.at("enum").at(below(said.at("enum").get_array().size()));
    const json::value* type = said.if_contains("type");
    if (type == nullptr) return plain_value();
    const json::value& name = type->is_array() ? type->get_array()[below(type->get_array().size())] : *type;
    return value_of(std::string_view(name.get_string()), said, root, nulls, depth);
  }

 private:
  json::object schema(int depth) {
    if (depth == 0) return leaf();
    switch (below(10)) {
      case 0:
      case 1:
        return object(depth);
      case 2:
        return array(depth);
      case 3:
        return {{one_in(2) ? "anyOf" : "oneOf", {schema(depth - 1), schema(depth - 1)}}, {"description", "one of"}};
      case 4:
        return {{"allOf", {schema(depth - 1)}}, {"title", "that"}};
      case 5:
        return {{"$ref", one_in(2) ? "#/$defs/A" : one_in(2) ? "#/$defs/B" : "#/$defs/C"}};
      default:
        return leaf();
    }
  }

  json::object object(int depth) {
    json::object properties;
    json::array required;
    for (const std::string_view name : {"a", "b", "c"}) {
      if (one_in(4)) continue;
      properties[name] = one_in(20) ? json::value(true) : json::value(schema(depth - 1));
      if (one_in(2)) required.emplace_back(name);
    }
    json::object out{{"type", "object"}, {"properties", properties}};
    if (!required.empty()) out["required"] = required;
    if (one_in(2)) out["additionalProperties"] = false;
    if (one_in(12)) out["additionalProperties"] = leaf();
    if (one_in(12)) out["maxProperties"] = 3;
    if (one_in(12) && !required.empty()) out["anyOf"] = {{{"required", required}}, {{"required", {required.front()}}}};
    return out;
  }

  json::object array(int depth) {
    json::object out{{"type", "array"}};
    if (one_in(6)) {
      out["prefixItems"] = {leaf(), leaf()};
      if (one_in(2)) out["items"] = false;
      if (one_in(2)) out["minItems"] = 2;
    } else if (!one_in(8)) {
      out["items"] = schema(depth - 1);
    }
    if (one_in(4)) out["maxItems"] = 2;
    if (one_in(4)) out["uniqueItems"] = true;
    if (one_in(8)) out["contains"] = leaf();
    return out;
  }

  json::object leaf() {
    constexpr std::array<std::string_view, 16> kLeaves = {
        R"({"type":"string","minLength":1,"maxLength":3})",
        R"({"type":"string","pattern":"^[a-c]+$","maxLength":2})",
        R"({"type":"string","pattern":"b"})",
        R"({"type":"string","format":"date","default":"a"})",
        R"({"type":"integer","minimum":1.5,"exclusiveMaximum":5})",
        R"({"type":"number","minimum":0,"multipleOf":0.5})",
        R"({"type":"number","maximum":2,"exclusiveMaximum":true})",
        R"({"type":"boolean","description":"x"})",
        R"({"type":["string","integer","null"],"maxLength":2,"minimum":2})",
        R"({"type":["string","null"],"enum":["a",null,"bb"]})",
        R"({"type":"integer","enum":[1,2,3]})",
        R"({"const":"abc","type":"string"})",
        R"({"type":"string","nullable":true,"minLength":2})",
        R"({"enum":["a",1,true]})",
        R"({"type":"string","not":{"enum":["a"]}})",
        R"({"minLength":2,"x-note":1})",
    };
    return parse_json(kLeaves.at(below(kLeaves.size())))->as_object();
  }

  json::value plain_value() {
    constexpr std::array<std::string_view, 12> kValues = {"\"a\"", "\"ab\"", "\"abc\"", "\"\"",  "0",    "1",
                                                          "2",     "3.5",    "true",    "false", "null", "[]"};
    return *parse_json(kValues.at(below(kValues.size())));
  }

  json::value value_of(std::string_view type, const json::object& schema, const json::object& root, bool nulls,
                       int depth) {
    if (type == "null") return nullptr;
    if (type == "boolean") return one_in(2);
    if (type == "integer") return static_cast<std::int64_t>(below(6));
    if (type == "number") return static_cast<double>(below(8)) / 2;
    if (type == "string") return json::value(std::string("abcb").substr(below(3), 1 + below(3)));
    if (type == "array") {
      json::array items;
      for (std::size_t i = below(3); i > 0; --i) {
        const json::value* item = schema.if_contains("items");
        items.push_back(item != nullptr ? instance(*item, root, nulls, depth + 1) : plain_value());
      }
      return items;
    }
    json::object out;
    const json::value* required = schema.if_contains("required");
    for (const auto& [name, property] : schema.at("properties").get_object()) {
      const json::value word(name);
      const bool needed = required != nullptr && std::find(required->get_array().begin(), required->get_array().end(),
                                                           word) != required->get_array().end();
      if (needed || (depth < 6 && one_in(2))) {
        out[name] = instance(property, root, nulls, depth + 1);
      } else if (nulls) {
        out[name] = nullptr;
      }
    }
    const json::value* others = schema.if_contains("additionalProperties");
    if (others != nullptr && others->is_object() && one_in(2)) out["other"] = instance(*others, root, nulls, depth + 1);
    return out;
  }

  std::mt19937 engine_;
};

/// Gemini's OpenAPI as the JSON Schema that our validator reads.
json::value without_capitals(json::value schema) {
  if (json::array* items = schema.if_array()) {
    for (json::value& item : *items) item = without_capitals(std::move(item));
  }
  json::object* object = schema.if_object();
  if (object == nullptr) return schema;
  for (auto& [key, value] : *object) {
    if (key == "type" && value.is_string()) {
      for (char& c : value.get_string()) c = static_cast<char>(c | 0x20);
    } else if (key != "enum") {
      value = without_capitals(std::move(value));
    }
  }
  // Null is taken there whatever else is said.
  const json::value* nullable = object->if_contains("nullable");
  if (nullable == nullptr || !nullable->is_bool()) return schema;
  return json::object{{"anyOf", {*object, {{"type", "null"}}}}};
}

/// What the strict dialects give back when it is put before the original: nulls for optional properties go.
bool gives_back(const json::object& schema, json::value instance) {
  const Validator validator(schema);
  validator.coerce(instance);
  return validator.check(instance).empty();
}

TEST_CASE("what our own check accepts, a translated schema accepts") {
  std::map<SchemaDialect, int> checks;
  for (std::uint32_t seed = 0; seed < 600; ++seed) {
    const json::object schema = Random(seed).document();
    const Validator original(schema);
    for (const SchemaDialect dialect : kEnforced) {
      const std::optional<TranslatedSchema> translated = translate_schema(schema, dialect);
      if (!translated) continue;
      const json::value said = dialect == SchemaDialect::gemini_openapi ? without_capitals(translated->schema)
                                                                        : json::value(translated->schema);
      const Validator other(said.get_object());
      const bool strict = schema_dialects::kDialects.at(static_cast<std::size_t>(dialect)).all_required;
      for (std::uint32_t i = 0; i < 10; ++i) {
        const json::value instance = Random(seed * 10 + i).instance(schema, schema, false);
        if (!original.check(instance).empty()) continue;
        // The same choices are made with nulls for what is left out.
        const json::value sent = strict ? Random(seed * 10 + i).instance(schema, schema, true) : instance;
        const std::vector<Violation> violations = other.check(sent);
        ++checks[dialect];
        if (violations.empty()) continue;
        FAIL(to_string(dialect) << ": " << json::serialize(schema) << "\nas " << json::serialize(said) << "\nrefuses "
                                << json::serialize(sent) << "\n"
                                << describe(violations));
      }
    }
  }
  for (const SchemaDialect dialect : kEnforced) {
    INFO(to_string(dialect));
    CHECK(checks[dialect] > 100);
  }
}

TEST_CASE("translations are the same bytes every time, and are not translated again") {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const json::object schema = Random(seed).document();
    for (const SchemaDialect dialect : kEnforced) {
      const auto once = translate_schema(schema, dialect);
      const auto again = translate_schema(schema, dialect);
      REQUIRE(once.has_value() == again.has_value());
      if (!once) continue;
      REQUIRE(json::serialize(once->schema) == json::serialize(again->schema));
      REQUIRE(once->dropped == again->dropped);
      if (dialect == SchemaDialect::gemini_openapi) continue;
      INFO(to_string(dialect) << ": " << json::serialize(schema) << "\nas " << json::serialize(once->schema));
      REQUIRE(says_as_is(once->schema, dialect));
    }
  }
}

TEST_CASE("null where a strict schema asks for what is optional is dropped before a tool sees it") {
  int checks = 0;
  for (std::uint32_t seed = 0; seed < 600; ++seed) {
    const json::object schema = Random(seed).document();
    if (!translate_schema(schema, SchemaDialect::openai_strict)) continue;
    // Where one of several schemas fits, it is not known whose property is optional; and coerce() takes an `enum` that
    // says no type for one that may be null.
    const std::string text = json::serialize(schema);
    if (text.find("Of\":") != std::string::npos || text.find(R"({"enum":)") != std::string::npos) continue;
    const json::value instance = Random(seed).instance(schema, schema, false);
    if (!Validator(schema).check(instance).empty()) continue;
    INFO(text);
    REQUIRE(gives_back(schema, Random(seed).instance(schema, schema, true)));
    ++checks;
  }
  CHECK(checks > 10);
}

}  // namespace
}  // namespace sennit::testing
