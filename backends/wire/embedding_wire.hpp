// Private: Requests for vectors and their answers, in the three forms that servers speak. Pure: no clock, no socket.
#pragma once

#include <sennit/agent/embedder.hpp>
#include <sennit/agent/io/json.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sennit {

enum class EmbeddingApi : std::uint8_t {
  openai,  ///< POST /embeddings: https://developers.openai.com/api/reference/resources/embeddings
  ollama,  ///< POST /api/embed: https://docs.ollama.com/api/embed
  gemini,  ///< POST /models/NAME:batchEmbedContents: https://ai.google.dev/api/embeddings
};

/// How much one request may hold.
struct EmbeddingBatch {
  std::size_t texts = 0;
  std::size_t bytes = 0;  ///< of all texts; a single longer one goes alone
};
[[nodiscard]] EmbeddingBatch batch_of(EmbeddingApi api) noexcept;

/// How many of `texts` the next request takes; at least one where there is one.
[[nodiscard]] std::size_t next_batch(std::span<const std::string> texts, const EmbeddingBatch& most) noexcept;

/// The address below `base`, which may be written with the path, with a slash at its end, with a query.
[[nodiscard]] std::string embedding_url(EmbeddingApi api, std::string_view base, std::string_view model);

/// Throws Error(errc::config) if `extra` would replace what the request itself says (the model, the texts).
void check_embedding_extra(const json::object& extra);

/// `extra`: further fields, sent as they are; for Gemini they go into each text's request, and `dimensions` by the
/// name that it has there.
[[nodiscard]] std::string embedding_body(EmbeddingApi api, std::string_view model, std::span<const std::string> texts,
                                         EmbedFor use, const json::object& extra);

/// `document`: what a server answered with status 200; `texts`: how many were sent.
/// Throws Error(errc::protocol) that says what is wrong: no such list, another count, an index that is missing, a
/// vector that is empty, of another length or not finite.
[[nodiscard]] Embeddings read_embeddings(EmbeddingApi api, const json::value& document, std::size_t texts);

}  // namespace sennit
