// Private: JSON Schemas in the words of whoever shall enforce them. Each server takes another part of JSON Schema, and
// answers 400 to the rest, or ignores it silently. One walk translates; what a dialect takes stands in one table
// (schema_dialects.hpp). A translation never refuses what our own validator accepts: it may accept more, and the
// validator, which checks every answer and every call, has the last word.
#pragma once

#include <sennit/agent/io/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

enum class SchemaDialect : std::uint8_t {
  openai_strict,    ///< `strict: true` of OpenAI's protocols
  deepseek_strict,  ///< `strict: true` of DeepSeek's tools (beta)
  messages,         ///< Anthropic's `output_config.format` and strict tools
  gemini_json,      ///< Gemini's `responseJsonSchema` and `parametersJsonSchema`
  gemini_openapi,   ///< Gemini's `responseSchema` and `parameters`: a part of OpenAPI with types in upper case
  grammar,          ///< servers that make a grammar of the schema: llama-server, Ollama, vLLM, SGLang
  plain,            ///< not enforced: shown to the model as it is
};

[[nodiscard]] std::string_view to_string(SchemaDialect dialect) noexcept;

struct TranslatedSchema {
  json::object schema;
  /// JSON Pointers into the original, sorted: constraints that only the local check enforces
  /// ("/properties/a/minLength").
  std::vector<std::string> dropped;
};

/// `schema` in `dialect`; nothing if it says what the dialect cannot, or is deeper or larger than any schema in
/// earnest. `why` (optional) then receives one sentence: which keyword, where, what to do. Pure: the same bytes every
/// time.
///
/// Where the dialect wants every property (`openai_strict`, `deepseek_strict`), optional ones become required ones that
/// may be null; arguments that are null where a property is optional are dropped again by Validator::coerce.
/// What has `properties` but no `type` is taken for an object. `gemini_openapi` knows no object without properties but
/// a root: a tool that takes nothing is sent without `parameters`. Anthropic counts its limits (24 optional properties,
/// 16 choices) over all schemas of a request; here they are checked for one.
[[nodiscard]] std::optional<TranslatedSchema> translate_schema(const json::object& schema, SchemaDialect dialect,
                                                               std::string* why = nullptr);

/// True if `dialect` takes `schema` as it is: translating it changes nothing, but perhaps the order of `required`.
[[nodiscard]] bool says_as_is(const json::object& schema, SchemaDialect dialect);

}  // namespace sennit
