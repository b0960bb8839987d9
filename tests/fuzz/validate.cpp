// Schemas come from strangers' servers, instances from models. The input is {"schema": …, "instance": …}: whatever they
// are, the check ends, and what was repaired is not repaired again to something else.
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/schema/validate.hpp>

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto pair = sennit::parse_json({reinterpret_cast<const char*>(data), size});
  const sennit::json::object* const both = pair ? pair->if_object() : nullptr;
  const sennit::json::value* const schema = both == nullptr ? nullptr : both->if_contains("schema");
  const sennit::json::value* const instance = both == nullptr ? nullptr : both->if_contains("instance");
  if (schema == nullptr || !schema->is_object() || instance == nullptr) return -1;  // keep the corpus to the point
  try {
    const sennit::Validator validator(schema->get_object());
    sennit::json::value value = *instance;
    validator.coerce(value);
    sennit::json::value again = value;
    validator.coerce(again);
    if (validator.check(value).empty() && again != value) std::abort();
  } catch (const sennit::Error& error) {
    if (error.code() != sennit::errc::config) std::abort();
  }
  return 0;
}
