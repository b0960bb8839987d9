// Any answer of an embedding server is read as vectors that keep their promise, or refused as errc::protocol.
#include <sennit/backends/wire/embedding_wire.hpp>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sennit;
  if (size < 1) return 0;
  const auto api = static_cast<EmbeddingApi>(data[0] % 3U);
  const std::size_t texts = data[0] / 3U % 8U;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::optional<json::value> document = parse_json_lenient(body);
  if (!document) return 0;
  try {
    const Embeddings given = read_embeddings(api, *document, texts);
    if (given.vectors.size() != texts) std::abort();
    for (const std::vector<float>& vector : given.vectors) {
      if (vector.empty() || vector.size() != given.vectors.front().size()) std::abort();
      for (const float number : vector) {
        if (!std::isfinite(number)) std::abort();
      }
      const double angle = cosine(vector, given.vectors.front());
      if (!(angle >= -1 && angle <= 1)) std::abort();
    }
  } catch (const Error& error) {
    if (error.code() != errc::protocol) std::abort();
  }
  return 0;
}
