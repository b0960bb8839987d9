// Agent files come from strangers: whatever the bytes, the parser answers with a definition or with diagnostics that
// have a place, and a definition without errors has a digest.
#include <sennit/agent/definition.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const sennit::ParsedDefinition parsed = sennit::parse_definition(text, "fuzz.yaml");
  for (const sennit::Diagnostic& diagnostic : parsed.diagnostics) {
    if (diagnostic.line < 1 || diagnostic.column < 1 || diagnostic.message.empty()) std::abort();
  }
  if (parsed.ok() && sennit::digest(parsed.definition).size() != 64) std::abort();
  return 0;
}
