// Schemas come from strangers' servers and from agent files. The input is a schema: whatever it is, each translation
// ends, is the same twice, is not translated again, and names as dropped only what is there; a refusal says why.
#include <sennit/backends/wire/schema_dialect.hpp>

#include <cstdint>
#include <cstdlib>

namespace {

using sennit::SchemaDialect;

void check(const sennit::json::value& schema, SchemaDialect dialect) {
  std::string why;
  const auto translated = sennit::translate_schema(schema.get_object(), dialect, &why);
  if (!translated) {
    if (why.empty() || sennit::says_as_is(schema.get_object(), dialect)) std::abort();
    return;
  }
  const auto again = sennit::translate_schema(schema.get_object(), dialect);
  if (!again || serialize(again->schema) != serialize(translated->schema)) std::abort();
  if (dialect != SchemaDialect::gemini_openapi && !sennit::says_as_is(translated->schema, dialect)) std::abort();
  for (const std::string& pointer : translated->dropped) {
    boost::system::error_code missing;
    if (schema.find_pointer(pointer, missing) == nullptr) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto schema = sennit::parse_json({reinterpret_cast<const char*>(data), size});
  if (!schema || !schema->is_object()) return -1;  // keep the corpus to the point
  for (const auto dialect :
       {SchemaDialect::openai_strict, SchemaDialect::deepseek_strict, SchemaDialect::messages,
        SchemaDialect::gemini_json, SchemaDialect::gemini_openapi, SchemaDialect::grammar, SchemaDialect::plain}) {
    check(*schema, dialect);
  }
  return 0;
}
