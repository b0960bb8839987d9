// Models write the expressions: any bytes give a result or an error that the model can read, within bounds.
#include <sennit/agent/io/error.hpp>
#include <sennit/tools/expression.hpp>

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    if (sennit::expression::evaluate({reinterpret_cast<const char*>(data), size}).empty()) std::abort();
  } catch (const sennit::Error& error) {
    if (error.message().empty()) std::abort();
  }
  return 0;
}
