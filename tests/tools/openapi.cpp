// OpenAPI documents as tools: what is read, how it becomes arguments, what is refused and where.
#include "support/fixtures.hpp"
#include <sennit/agent/schema/validate.hpp>
#include <sennit/tools/openapi/openapi_tool.hpp>
#include <sennit/tools/openapi/request.hpp>
#include <sennit/tools/openapi/selection.hpp>

#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sennit;
using namespace sennit::openapi;
using sennit::testing::TempDir;

constexpr std::string_view kStore = R"(openapi: 3.0.3
info: {title: Store, version: "1"}
servers:
  - url: "https://{region}.store.example/v1/"
    variables: {region: {default: eu}}
paths:
  /pets:
    parameters:
      - {name: X-Trace, in: header, schema: {type: string}}
    get:
      operationId: listPets
      summary: Lists pets
      parameters:
        - {name: limit, in: query, schema: {type: integer, minimum: 0, exclusiveMinimum: true}}
        - {name: tags, in: query, explode: false, schema: {type: array, items: {type: string}}}
        - {name: Authorization, in: header, schema: {type: string}}
    post:
      operationId: createPet
      description: Creates a pet
      parameters:
        - {name: Idempotency-Key, in: header, required: true, schema: {type: string}}
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Pet"}
  /pets/{petId}:
    parameters:
      - {name: petId, in: path, required: true, schema: {type: string}}
    get: {operationId: "pets/get one"}
    delete: {summary: Removes a pet}
  /pets/{petId}/photo:
    put:
      operationId: putPhoto
      parameters: [{name: petId, in: path, required: true, schema: {type: string}}]
      requestBody: {content: {multipart/form-data: {schema: {type: object}}}}
components:
  schemas:
    Pet:
      type: object
      required: [id, name]
      properties:
        id: {type: integer, readOnly: true}
        name: {type: string, example: Rex}
        owner: {type: string, nullable: true}
        size: {type: string, enum: [small, large], nullable: true}
        parent: {$ref: "#/components/schemas/Pet"}
)";

Document store() {
  return {kStore, "store.yaml"};
}

Operation operation(const Document& document, const std::string& name) {
  std::vector<Operation> found = select(document, {name});
  REQUIRE(found.size() == 1);
  return std::move(found.front());
}

std::string refusal(std::string_view text, const std::vector<std::string>& wanted = {"*"}) {
  try {
    const Document document(text, "api.yaml");
    (void)select(document, wanted);
  } catch (const Error& error) {
    CHECK(error.code() == errc::config);
    return error.describe();
  }
  return "nothing was refused";
}

/// A document with one operation that has these parameters.
Operation with_parameter(std::string_view path, std::string_view parameter) {
  const Document document(
      fmt::format("openapi: 3.1.0\npaths:\n  {}:\n    get:\n      parameters:\n        - {}\n", path, parameter),
      "api.yaml");
  return operation(document, "*");
}

std::string url_of(std::string_view path, std::string_view parameter, std::string_view value) {
  const Operation one = with_parameter(path, parameter);
  return make_call(one, "http://h", {{one.parameters.front().argument, json::parse(value)}}).url.substr(8);
}

}  // namespace

TEST_CASE("operations are chosen by id, by method and path, and by patterns") {
  const Document document = store();
  const auto ids = [&](const std::vector<std::string>& wanted) {
    std::vector<std::string> lines;
    for (const Operation& one : select(document, wanted)) lines.push_back(one.method + " " + one.path);
    return lines;
  };
  using Lines = std::vector<std::string>;
  CHECK(ids({"listPets"}) == Lines{"GET /pets"});
  CHECK(ids({"delete /pets/{petId}"}) == Lines{"DELETE /pets/{petId}"});
  CHECK(ids({"GET *"}) == Lines{"GET /pets", "GET /pets/{petId}"});
  CHECK(ids({"*et*"}) == Lines{"GET /pets", "POST /pets", "GET /pets/{petId}", "DELETE /pets/{petId}"});
  CHECK(ids({"createPet", "listPets", "createPet"}) == Lines{"GET /pets", "POST /pets"});
  CHECK(ids({"*"}).size() == 4);  // without the one that takes a file
  CHECK(refusal(kStore, {"listPet"}) ==
        "api.yaml: openapi: no operation of the document is 'listPet'; did you mean 'listPets'?");
  CHECK(refusal(kStore, {"GET /pet"}).ends_with("did you mean 'GET /pets'?"));
  CHECK(refusal(kStore, {"zzzzzz"}).find("there are: listPets, createPet") != std::string::npos);
  CHECK(refusal(kStore, {"putPhoto"}) ==
        "api.yaml: #/paths/~1pets~1{petId}~1photo/put/requestBody/content: bodies of type 'multipart/form-data' cannot "
        "be "
        "sent; JSON, application/x-www-form-urlencoded and text/plain can");
}

TEST_CASE("tools have names that providers take, and no two the same") {
  const Document document = store();
  std::vector<std::string> taken;
  std::vector<std::string> names;
  for (const Operation& one : select(document, {"*"})) names.push_back(tool_name(one, "", taken));
  CHECK(names == std::vector<std::string>{"listPets", "createPet", "pets_get_one", "delete_pets_petId"});
  Operation one = operation(document, "listPets");
  CHECK(tool_name(one, "", taken) == "listPets_2");
  CHECK(tool_name(one, "store", taken) == "store_listPets");
  one.id = std::string(90, 'x');
  CHECK(tool_name(one, "", taken).size() == 60);
}

TEST_CASE("arguments have a schema that a model can read and we can check") {
  const Document document = store();
  const Operation list = operation(document, "listPets");
  CHECK(list.description == "Lists pets (GET /pets)");
  CHECK(list.schema == json::parse(R"({"type":"object","properties":{
    "limit":{"type":"integer","exclusiveMinimum":0},
    "tags":{"type":"array","items":{"type":"string"}},
    "X-Trace":{"type":"string"}},"additionalProperties":false})"));
  const Operation create = operation(document, "createPet");
  CHECK(create.key_header == "Idempotency-Key");
  CHECK(create.schema ==
        json::parse(R"({"type":"object","properties":{"X-Trace":{"type":"string"},"body":{"$ref":"#/$defs/Pet"}},
    "required":["body"],"additionalProperties":false,"$defs":{"Pet":{"type":"object","required":["name"],"properties":{
      "name":{"type":"string"},"owner":{"type":["string","null"]},
      "size":{"type":["string","null"],"enum":["small","large",null]},"parent":{"$ref":"#/$defs/Pet"}}}}})"));
  const Validator schema(create.schema);
  CHECK(schema.check(json::parse(R"({"body":{"name":"a","owner":null,"parent":{"name":"b"}}})")).empty());
  CHECK_FALSE(schema.check(json::parse(R"({"body":{"name":"a","parent":{"name":1}}})")).empty());
}

TEST_CASE("rules that only another engine understands are left to the server, and other nonsense is refused") {
  const Operation one = with_parameter("/p", R"({name: c, in: query, schema: {type: string, pattern: "(unclosed"}})");
  CHECK(one.schema.at("properties").at("c") == json::parse(R"({"type":"string"})"));
  CHECK(refusal("openapi: 3.1.0\npaths: {/a: {get: {parameters: [{name: c, in: query, schema: {minLength: few}}]}}}\n")
            .starts_with("api.yaml: #/paths/~1a/get: "));
}

TEST_CASE("names that meet get the place where they belong") {
  const Document document(R"({"openapi":"3.1.0","paths":{"/a/{id}":{"post":{"parameters":[
    {"name":"id","in":"path","required":true,"schema":{"type":"string"}},
    {"name":"id","in":"query","schema":{"type":"string"}},
    {"name":"body","in":"query","schema":{"type":"string"}},
    {"name":"filter[name]","in":"query","schema":{"type":"string"}}],
    "requestBody":{"content":{"text/plain":{}}}}}}})",
                          "a.json");
  const Operation one = operation(document, "*");
  const http::Call call =
      make_call(one, "https://h/base/",
                {{"id", "1/2"}, {"id_query", "q q"}, {"body_query", "b"}, {"filter_name_", "ü"}, {"body", "the text"}});
  CHECK(call.url == "https://h/base/a/1%2F2?id=q%20q&body=b&filter%5Bname%5D=%C3%BC");
  CHECK(call.body == "the text");
  CHECK(call.content_type == "text/plain");
}

TEST_CASE("values are written in the style of their parameter") {
  // The table of the specification: https://spec.openapis.org/oas/v3.1.0#style-examples
  struct Case {
    std::string_view path;
    std::string_view parameter;
    std::string_view value;
    std::string_view url;
  };
  constexpr std::string_view kText = R"("blue")";
  constexpr std::string_view kList = R"(["blue","black","brown"])";
  constexpr std::string_view kMap = R"({"R":100,"G":200,"B":150})";
  const std::vector<Case> cases{
      {"/p/{c}", "{name: c, in: path, style: matrix}", kText, "/p/;c=blue"},
      {"/p/{c}", "{name: c, in: path, style: matrix}", kList, "/p/;c=blue,black,brown"},
      {"/p/{c}", "{name: c, in: path, style: matrix}", kMap, "/p/;c=R,100,G,200,B,150"},
      {"/p/{c}", "{name: c, in: path, style: matrix, explode: true}", kList, "/p/;c=blue;c=black;c=brown"},
      {"/p/{c}", "{name: c, in: path, style: matrix, explode: true}", kMap, "/p/;R=100;G=200;B=150"},
      {"/p/{c}", "{name: c, in: path, style: label}", kText, "/p/.blue"},
      {"/p/{c}", "{name: c, in: path, style: label}", kList, "/p/.blue,black,brown"},
      {"/p/{c}", "{name: c, in: path, style: label, explode: true}", kList, "/p/.blue.black.brown"},
      {"/p/{c}", "{name: c, in: path, style: label, explode: true}", kMap, "/p/.R=100.G=200.B=150"},
      {"/p/{c}", "{name: c, in: path}", kText, "/p/blue"},
      {"/p/{c}", "{name: c, in: path}", kList, "/p/blue,black,brown"},
      {"/p/{c}", "{name: c, in: path}", kMap, "/p/R,100,G,200,B,150"},
      {"/p/{c}", "{name: c, in: path, explode: true}", kMap, "/p/R=100,G=200,B=150"},
      {"/p", "{name: c, in: query}", kText, "/p?c=blue"},
      {"/p", "{name: c, in: query}", R"("")", "/p?c="},
      {"/p", "{name: c, in: query}", kList, "/p?c=blue&c=black&c=brown"},
      {"/p", "{name: c, in: query}", kMap, "/p?R=100&G=200&B=150"},
      {"/p", "{name: c, in: query, explode: false}", kList, "/p?c=blue,black,brown"},
      {"/p", "{name: c, in: query, explode: false}", kMap, "/p?c=R,100,G,200,B,150"},
      {"/p", "{name: c, in: query, style: spaceDelimited, explode: false}", kList, "/p?c=blue%20black%20brown"},
      {"/p", "{name: c, in: query, style: pipeDelimited, explode: false}", kList, "/p?c=blue%7Cblack%7Cbrown"},
      {"/p", "{name: c, in: query, style: deepObject, explode: true}", kMap,
       "/p?c%5BR%5D=100&c%5BG%5D=200&c%5BB%5D=150"},
      {"/p", "{name: c, in: query, content: {application/json: {schema: {type: object}}}}", R"({"a":[1,"b"]})",
       "/p?c=%7B%22a%22%3A%5B1%2C%22b%22%5D%7D"},
      {"/p", "{name: c, in: query}", R"("a b&c=d/?#ü%")", "/p?c=a%20b%26c%3Dd%2F%3F%23%C3%BC%25"},
      {"/p", "{name: c, in: query}", "true", "/p?c=true"},
      {"/p/{c}.json", "{name: c, in: path}", "3", "/p/3.json"},
  };
  for (const Case& one : cases) {
    INFO(one.parameter << " " << one.value);
    CHECK(url_of(one.path, one.parameter, one.value) == one.url);
  }
}

TEST_CASE("headers and cookies are written in theirs") {
  const Operation header = with_parameter("/p", "{name: X-C, in: header, explode: true}");
  CHECK(make_call(header, "http://h", {{"X-C", json::parse(R"({"R":100,"G":200})")}}).headers ==
        std::vector<http::Header>{{"X-C", "R=100,G=200"}});
  const Operation cookie = with_parameter("/p", "{name: c, in: cookie}");
  CHECK(make_call(cookie, "http://h", {{"c", "a b"}}).headers == std::vector<http::Header>{{"Cookie", "c=a%20b"}});
}

TEST_CASE("a part of a path cannot lead elsewhere") {
  for (const char* wrong :
       {R"("")", R"(".")", R"("..")", "[]", R"("../../admin")", R"("a/../b")", R"("..;x")", R"("a\\..\\b")"}) {
    INFO(wrong);
    CHECK_THROWS_AS(url_of("/p/{c}/x", "{name: c, in: path}", wrong), Error);
  }
  CHECK(url_of("/p/{c}/x", "{name: c, in: path}", R"("a/b..?x#y")") == "/p/a%2Fb..%3Fx%23y/x");
  CHECK_THROWS_AS(url_of("/p/.{c}/x", "{name: c, in: path}", R"(".")"), Error);
  CHECK_THROWS_AS(url_of("/p/{c}{c}/x", "{name: c, in: path}", R"(".")"), Error);
  CHECK(url_of("/p/.{c}/x", "{name: c, in: path}", R"("a")") == "/p/.a/x");
  CHECK(url_of("/p/{c}/x", "{name: c, in: path}", R"("%2e%2e")") == "/p/%252e%252e/x");
}

TEST_CASE("forms are bodies too") {
  const Document document(R"(openapi: 3.1.0
paths:
  /login:
    post:
      requestBody:
        content: {application/x-www-form-urlencoded: {schema: {type: object}}}
)",
                          "a.yaml");
  const http::Call call = make_call(operation(document, "*"), "http://h",
                                    {{"body", json::parse(R"({"user":"a b","roles":["x","y&z"],"n":1})")}});
  CHECK(call.body == "user=a%20b&roles=x&roles=y%26z&n=1");
  CHECK(call.content_type == "application/x-www-form-urlencoded");
}

TEST_CASE("JSON is preferred to other forms of a body") {
  const Document document(R"(openapi: 3.1.0
paths:
  /x:
    post:
      requestBody:
        content:
          multipart/form-data: {}
          text/plain: {}
          application/merge-patch+json: {schema: {type: object}}
)",
                          "a.yaml");
  const http::Call call = make_call(operation(document, "*"), "http://h", {{"body", json::object{{"a", 1}}}});
  CHECK(call.body == R"({"a":1})");
  CHECK(call.content_type == "application/merge-patch+json");
}

TEST_CASE("a document that cannot be used is refused where it is wrong") {
  constexpr std::string_view kBegin = "openapi: 3.1.0\npaths:\n";
  const auto in_path = [&](std::string_view rest) { return refusal(std::string(kBegin) + std::string(rest)); };
  CHECK(refusal("swagger: '2.0'").find("#/swagger: this is Swagger 2.0") != std::string::npos);
  CHECK(refusal("openapi: 4.0.0").find("#/openapi: the version is '4.0.0'") != std::string::npos);
  CHECK(refusal("{}").find("the version is missing") != std::string::npos);
  CHECK(refusal("[1]").find("an OpenAPI document is a map") != std::string::npos);
  CHECK(refusal("openapi: 3.1.0\npaths: [a]").find("#/paths: expected a map") != std::string::npos);
  CHECK(refusal("openapi: 3.1.0\n  x: 1\n y: 2").starts_with("api.yaml:2:"));
  CHECK(refusal("{\"openapi\": \"3.1.0\",\n \"paths\": [}").starts_with("api.yaml:2:"));
  CHECK(refusal("").find("api.yaml:1:1") != std::string::npos);
  CHECK(in_path("  pets: {get: {}}\n").find("#/paths/pets: a path begins with `/`") != std::string::npos);
  CHECK(in_path("  /a: {get: 1}\n").find("#/paths/~1a/get: an operation is a map") != std::string::npos);
  CHECK(in_path("  /a/{b}: {get: {}}\n").find("the path's `{b}` has no parameter") != std::string::npos);
  CHECK(in_path("  /a: {get: {parameters: [{in: query}]}}\n").find("/get/parameters/0: a parameter needs a name") !=
        std::string::npos);
  CHECK(in_path("  /a: {get: {parameters: [{name: x, in: body}]}}\n").find("not 'body'") != std::string::npos);
  CHECK(in_path("  /a: {get: {parameters: [{name: x, in: query, style: odd}]}}\n").find("the style 'odd'") !=
        std::string::npos);
  CHECK(in_path("  /a: {get: {parameters: [{name: x, in: query, schema: 5}]}}\n").find("a schema is a map") !=
        std::string::npos);
}

TEST_CASE("references lead somewhere inside the document, and not in a circle") {
  const auto with = [](std::string_view reference, std::string_view components = "") {
    return refusal(fmt::format("openapi: 3.1.0\npaths:\n  /a: {{get: {{parameters: [{{$ref: \"{}\"}}]}}}}\n{}",
                               reference, components));
  };
  CHECK(with("other.yaml#/x").find("leads out of the document") != std::string::npos);
  CHECK(with("https://example.com/x").find("leads out of the document") != std::string::npos);
  CHECK(with("#/components/nothing").find("'#/components/nothing' leads nowhere") != std::string::npos);
  CHECK(with("#nothing").find("is no reference") != std::string::npos);
  CHECK(with("#/components/a", "components: {a: {$ref: '#/components/b'}, b: {$ref: '#/components/a'}}\n")
            .find("in a circle") != std::string::npos);
  CHECK(with("#/components/a~1b%7E0", "components: {'a/b~0': {name: x, in: odd}, 'a/b~': {name: x, in: strange}}\n")
            .find("not 'strange'") != std::string::npos);
}

TEST_CASE("documents that are made to be large are refused in time") {
  std::string many = "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n";
  for (int i = 0; i < 101; ++i) many += fmt::format("        - {{name: p{}, in: query}}\n", i);
  CHECK(refusal(many).find("more than 100 parameters") != std::string::npos);
  std::string wide = "openapi: 3.1.0\npaths:\n";
  for (int i = 0; i < 129; ++i) wide += fmt::format("  /p{}: {{get: {{}}}}\n", i);
  CHECK(refusal(wide).find("more than 128 operations are chosen") != std::string::npos);
  std::string deep = R"({"openapi":"3.1.0","paths":{"/a":{"get":{"x":)";
  for (int i = 0; i < 100; ++i) deep += "[";
  for (int i = 0; i < 100; ++i) deep += "]";
  CHECK(refusal(deep + "}}}}").find("nested deeper than") != std::string::npos);
  std::string fat =
      "openapi: 3.1.0\npaths:\n  /a: {post: {requestBody: {content: {application/json: {schema: {$ref: "
      "'#/components/schemas/S0'}}}}}}\ncomponents:\n  schemas:\n";
  for (int i = 0; i < 250; ++i) {
    fat += fmt::format("    S{}: {{type: object, properties: {{x: {{$ref: '#/components/schemas/S{}'}}}}}}\n", i,
                       (i + 1) % 250);
  }
  CHECK(refusal(fat).find("too deeply") != std::string::npos);
  std::string long_enum = "openapi: 3.1.0\npaths:\n  /a: {get: {parameters: [{name: e, in: query, schema: {enum: [";
  for (int i = 0; i < 9000; ++i) long_enum += fmt::format("value{},", i);
  CHECK(refusal(long_enum + "x]}}]}}\n").find("a model would read that with each step") != std::string::npos);
}

TEST_CASE("what an API needs to be a tool is asked for") {
  const TempDir folder;
  folder.write("store.yaml", kStore);
  folder.write("relative.yaml", "openapi: 3.1.0\nservers: [{url: /v1}]\npaths: {/a: {get: {}}}\n");
  folder.write("two.yaml",
               "openapi: 3.1.0\nservers: [{url: 'https://a.example'}]\npaths: {/a: {get: {servers: [{url: "
               "'https://b.example'}]}}}\n");
  const auto refused = [&](OpenApiSettings settings) {
    if (!settings.document.empty()) settings.document = folder.path() / settings.document;
    try {
      (void)make_openapi(settings);
    } catch (const Error& error) {
      return error.describe();
    }
    return std::string("nothing was refused");
  };
  CHECK(refused({}).find("name the document") != std::string::npos);
  CHECK(refused({.document = "store.yaml"}).find("name the operations") != std::string::npos);
  CHECK(refused({.document = "absent.yaml", .operations = {"*"}}).find("no such OpenAPI document") !=
        std::string::npos);
  CHECK(refused({.document = "relative.yaml", .operations = {"*"}}).find("set the option `base_url`") !=
        std::string::npos);
  CHECK(refused({.document = "two.yaml", .operations = {"*"}}).find("is at another server (https://b.example)") !=
        std::string::npos);
  CHECK(refused({.document = "store.yaml", .operations = {"*"}, .base_url = "ftp://x"}).find("only http") !=
        std::string::npos);
  CHECK(refused({.document = "store.yaml", .operations = {"*"}, .auth_value = "x"})
            .find("declares no security schemes") != std::string::npos);
  const auto tools = make_openapi({.document = folder.path() / "store.yaml", .operations = {"*"}});
  REQUIRE(tools.size() == 4);
  const auto at = [&](std::size_t i) { return tools[i]->spec(); };
  CHECK(at(0).touches == Touches{.read = true, .network = true});
  CHECK(at(1).touches == Touches{.write = true, .network = true});
  CHECK(at(0).repeat == Repeat::idempotent);
  CHECK(at(1).repeat == Repeat::keyed);
  CHECK(at(3).repeat == Repeat::idempotent);
  using Facets = std::vector<Facet>;
  CHECK(tools[2]->facets({{"petId", "a/b"}}) == Facets{{"method", "GET"},
                                                       {"host", "eu.store.example"},
                                                       {"path", "/pets/a%2Fb"},
                                                       {"url", "https://eu.store.example/v1/pets/a%2Fb"}});
  CHECK(tools[2]->facets({{"petId", ".."}}) == Facets{{"method", "GET"}, {"host", "eu.store.example"}, {"path", "?"}});
}
