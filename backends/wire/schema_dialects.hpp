// Private: What each dialect of JSON Schema takes, as two constexpr tables: a row a dialect, and a row a keyword. The
// walk that obeys them is schema_dialect.cpp; people read them in docs/structured-output.md.
//
// Where a server's documentation and its behaviour differ, or nothing is documented, the table takes the careful side:
// a keyword that is dropped costs nothing, for our own check enforces it; one that is sent and refused costs the
// request.
#pragma once

#include <sennit/agent/schema/compiled_schema.hpp>
#include <sennit/backends/wire/schema_dialect.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace sennit::schema_dialects {

/// Lists in `type`.
enum class TypeLists : std::uint8_t {
  kept,          ///< ["string","integer"] is understood, whatever the types
  plain_values,  ///< not with objects, but for ["object","null"], which becomes a choice
  split_deep,    ///< with objects or arrays among them they become a choice
  single,        ///< one type and `nullable`; more become a choice
};

/// `$ref` to `#/$defs/NAME` and, where it says so, to `#`.
enum class Refs : std::uint8_t {
  cyclic,        ///< also `#`
  cyclic_named,  ///< not `#`
  cyclic_where_optional,
  acyclic,
  inlined,  ///< not understood: what they refer to is put in their place
};

/// What may stand in `enum`.
enum class Values : std::uint8_t { anything, plain, strings_and_numbers, strings };

struct Dialect {
  std::string_view name;
  bool object_root = false;       ///< the root is an object, described in place: no choice, no reference
  bool closed = false;            ///< every object says `additionalProperties: false`
  bool all_required = false;      ///< every property is required; optional ones may be null
  bool free_objects = true;       ///< objects may have keys that `properties` does not name
  bool any_value = true;          ///< a schema may leave the type open
  bool names_any_value = false;   ///< … but has to list all types then
  bool empty_is_closed = false;   ///< `properties: {}` is read as “no properties”
  bool upper_case = false;        ///< names of types
  bool unknown_is_fatal = false;  ///< a keyword that we do not know is no mere note
  TypeLists type_lists = TypeLists::kept;
  Refs refs = Refs::cyclic;
  Values values = Values::anything;
  std::size_t max_nesting = 0;     ///< objects and arrays inside each other; 0 here and below: no limit that we know
  std::size_t max_properties = 0;  ///< in the whole schema
  std::size_t max_values = 0;      ///< in all `enum`s
  std::size_t max_optional = 0;    ///< properties that are not required
  std::size_t max_choices = 0;     ///< `anyOf`s and lists of types
  std::size_t max_count = 0;       ///< in minItems, maxLength …; above it they are dropped
};

/// In the order of SchemaDialect.
inline constexpr std::array<Dialect, 7> kDialects = {{
    // https://platform.openai.com/docs/guides/structured-outputs#supported-schemas: root object that is no anyOf,
    // closed
    // objects, all fields required, recursion in $defs and to the root; 5000 properties, 10 levels, 1000 enum values.
    {.name = "openai_strict",
     .object_root = true,
     .closed = true,
     .all_required = true,
     .free_objects = false,
     .any_value = false,
     .unknown_is_fatal = true,
     .type_lists = TypeLists::plain_values,
     .max_nesting = 10,
     .max_properties = 5000,
     .max_values = 1000},
    // https://api-docs.deepseek.com/guides/tool_calls (strict, beta): closed objects, all required, no empty object
    // below
    // the root, anyOf, $ref and $defs (facts/protocols/deepseek.md). No limits are documented.
    {.name = "deepseek_strict",
     .object_root = true,
     .closed = true,
     .all_required = true,
     .free_objects = false,
     .any_value = false,
     .unknown_is_fatal = true,
     .type_lists = TypeLists::plain_values},
    // https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations: closed objects,
    // optional properties stay optional, no recursion, enums of plain values; over all schemas of one request at most
    // 24
    // optional parameters and 16 unions. The SDKs' own transform (anthropic-sdk-python, lib/_parse/_transform.py) wants
    // a
    // type, enum or choice everywhere, and writes oneOf as anyOf. `input_schema` takes no choice at its top.
    {.name = "messages",
     .object_root = true,
     .closed = true,
     .free_objects = false,
     .any_value = false,
     .type_lists = TypeLists::split_deep,
     .refs = Refs::acyclic,
     .values = Values::plain,
     .max_optional = 24,
     .max_choices = 16},
    // https://ai.google.dev/api/generate-content#generationconfig, `responseJsonSchema`: the keywords that are listed
    // there; nothing beside $ref; cycles only within properties that are not required; enums of strings and numbers.
    {.name = "gemini_json", .refs = Refs::cyclic_where_optional, .values = Values::strings_and_numbers},
    // https://ai.google.dev/api/caching#Schema: one type, a closed set of fields (another one is a 400, as
    // `additionalProperties` is), enums of strings, no references; objects need properties.
    {.name = "gemini_openapi",
     .free_objects = false,
     .any_value = false,
     .upper_case = true,
     .type_lists = TypeLists::single,
     .refs = Refs::inlined,
     .values = Values::strings},
    // llama.cpp, common/json-schema.cpp and json-schema-to-grammar.cpp (Ollama embeds them): references are `#/…`, `{}`
    // was an object for years, `properties: {}` is an empty object, nothing beside $ref and anyOf is read, repetitions
    // that
    // expand to 2000 rules do not compile (src/llama-grammar.cpp; an array's take up to four each). vLLM and SGLang:
    // https://xgrammar.mlc.ai, and what vLLM lists as unsupported
    // (v1/structured_output/backend_xgrammar.py).
    {.name = "grammar", .names_any_value = true, .empty_is_closed = true, .refs = Refs::cyclic_named, .max_count = 499},
    {.name = "plain"},
}};

/// What becomes of a keyword.
enum class Rule : std::uint8_t {
  keep,     ///< as it is
  some,     ///< kept with some values, else as `drop` (`format`: as `note`)
  rewrite,  ///< said in other words
  drop,     ///< left out: only our own check enforces it
  note,     ///< left out: it says nothing that anybody checks
  fatal,    ///< cannot be said
};

struct Keyword {
  std::string_view name;
  unsigned types;             ///< TypeBits of the values it speaks about; beside another type it is a note
  std::array<Rule, 6> rules;  ///< in the order of SchemaDialect, without `plain`
};

/// The columns: OpenAI, DeepSeek, Anthropic, Gemini's JSON Schema, Gemini's OpenAPI, grammars. Sources as above.
inline constexpr auto kKeywords = [] {
  constexpr Rule k = Rule::keep, s = Rule::some, r = Rule::rewrite, d = Rule::drop, n = Rule::note, f = Rule::fatal;
  constexpr unsigned any = kAnyType, num = kNumberType | kIntegerType, str = kStringType, arr = kArrayType,
                     obj = kObjectType;
  return std::to_array<Keyword>({
      // The frame. `properties` and its companions are written together, so are `items` and tuples.
      {"type", any, {k, k, k, k, r, k}},
      {"properties", obj, {k, k, k, k, k, k}},
      {"required", obj, {r, r, k, k, k, k}},
      {"additionalProperties", obj, {r, r, r, k, n, k}},
      {"items", arr, {k, k, k, k, k, k}},
      // Tuples: only Gemini's JSON Schema has them as they are meant. llama.cpp reads “exactly these”: kept if that is
      // meant.
      {"prefixItems", arr, {f, f, f, k, f, r}},
      {"additionalItems", arr, {f, f, n, k, n, r}},
      // Choices. That exactly one of them fits (oneOf) is left to our own check; OpenAI refuses the word. One schema in
      // an
      // allOf stands for itself (pydantic's way to describe a $ref); more cannot be said.
      {"anyOf", any, {k, k, k, k, k, k}},
      {"oneOf", any, {f, f, r, r, r, r}},
      {"allOf", any, {f, f, r, r, r, r}},
      // Values. Gemini's lists have no const.
      {"enum", any, {k, k, s, s, s, k}},
      {"const", any, {k, k, s, r, r, k}},
      {"nullable", any, {f, f, r, r, k, r}},
      // References: `definitions` is the older name of `$defs`.
      {"$ref", any, {k, k, k, k, r, k}},
      {"$defs", any, {k, k, k, k, r, k}},
      {"definitions", any, {r, r, r, r, r, r}},
      // Strings. Anthropic takes simple patterns only, and its SDKs send none; llama.cpp wants ^…$ and knows no
      // backslash
      // classes; xgrammar takes either a pattern or a format or lengths. `format` is checked by nobody but a server.
      {"pattern", str, {k, k, d, d, k, s}},
      {"minLength", str, {d, d, d, d, k, s}},
      {"maxLength", str, {d, d, d, d, k, s}},
      {"format", str, {n, n, s, k, s, s}},
      // Numbers. Grammars count in whole numbers; xgrammar has no multipleOf.
      {"minimum", num, {k, k, d, k, k, s}},
      {"maximum", num, {k, k, d, k, k, s}},
      {"exclusiveMinimum", num, {k, k, d, d, d, s}},
      {"exclusiveMaximum", num, {k, k, d, d, d, s}},
      {"multipleOf", num, {k, k, d, d, d, d}},
      // Arrays. Anthropic: minItems of 0 or 1.
      {"minItems", arr, {d, d, s, k, k, s}},
      {"maxItems", arr, {d, d, d, k, k, s}},
      {"uniqueItems", arr, {d, d, d, d, d, d}},
      {"contains", arr, {f, f, d, d, d, d}},
      {"minContains", arr, {f, f, d, d, d, d}},
      {"maxContains", arr, {f, f, d, d, d, d}},
      {"unevaluatedItems", arr, {f, f, d, d, d, d}},
      // Objects.
      {"minProperties", obj, {d, d, d, d, k, d}},
      {"maxProperties", obj, {d, d, d, d, k, d}},
      {"propertyNames", obj, {f, f, d, d, d, d}},
      {"dependentRequired", obj, {f, f, d, d, d, d}},
      {"unevaluatedProperties", obj, {f, f, d, d, d, d}},
      {"not", any, {f, f, d, d, d, d}},
      // These may bring properties of their own: an object closed without them could never be valid. (llguidance takes
      // patternProperties, and then writes spaces without end: guidance-ai/llguidance#265.)
      {"patternProperties", obj, {f, f, f, f, f, f}},
      {"dependentSchemas", any, {f, f, f, f, f, f}},
      {"dependencies", any, {f, f, f, f, f, f}},
      {"if", any, {f, f, f, f, f, f}},
      {"then", any, {f, f, f, f, f, f}},
      {"else", any, {f, f, f, f, f, f}},
      // For people and models.
      {"description", any, {k, k, k, k, k, k}},
      {"title", any, {k, k, k, k, k, k}},
      {"default", any, {n, n, n, n, n, n}},
      {"examples", any, {n, n, n, n, n, n}},
      {"example", any, {n, n, n, n, n, n}},
      {"$schema", any, {n, n, n, n, n, n}},
      {"$id", any, {n, n, n, n, n, n}},
      {"$comment", any, {n, n, n, n, n, n}},
      {"deprecated", any, {n, n, n, n, n, n}},
      {"readOnly", any, {n, n, n, n, n, n}},
      {"writeOnly", any, {n, n, n, n, n, n}},
      {"contentMediaType", any, {n, n, n, n, n, n}},
      {"propertyOrdering", obj, {f, f, n, k, k, n}},
  });
}();

[[nodiscard]] constexpr const Keyword* find_keyword(std::string_view name) noexcept {
  const auto* found =
      std::find_if(kKeywords.begin(), kKeywords.end(), [name](const Keyword& row) { return row.name == name; });
  return found == kKeywords.end() ? nullptr : found;
}

/// Whether the dialect takes a keyword of Rule::some with the value that `schema` gives it.
[[nodiscard]] bool takes(const Dialect& dialect, const json::object& schema, std::string_view key);
/// Whether all of these may stand in an `enum` beside `types`.
[[nodiscard]] bool takes_values(const Dialect& dialect, const json::array& values, unsigned types);

}  // namespace sennit::schema_dialects
