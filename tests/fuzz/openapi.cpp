// OpenAPI documents come from strangers: whatever the bytes, there are operations whose arguments have a schema that
// can be checked, or an error of the configuration.
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/schema/validate.hpp>
#include <sennit/tools/openapi/request.hpp>
#include <sennit/tools/openapi/selection.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sennit;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const openapi::Document document(text, "fuzz.yaml");
    for (const openapi::Operation& operation : openapi::select(document, {"*"})) {
      json::object arguments;
      for (const openapi::Parameter& parameter : operation.parameters) arguments[parameter.argument] = "x";
      const http::Call call = make_call(operation, "https://example.com", arguments);
      if (!call.url.starts_with("https://example.com/")) std::abort();
      const Validator schema(operation.schema);
      (void)schema.check(arguments);
    }
  } catch (const Error& error) {
    if (error.code() != errc::config && error.code() != errc::invalid_argument) std::abort();
  }
  return 0;
}
