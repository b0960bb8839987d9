// Vectors from every provider of the catalogue: OpenAI's `/embeddings` and all that speak it, Ollama's own
// `/api/embed`, Gemini's `:batchEmbedContents`.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/embedder.hpp>
#include <sennit/backends/catalogue/catalogue.hpp>

#include <memory>

namespace sennit {

/// `spec.name` is "provider/model", of a provider of `known`. Of the rest counts: `api` (generate-content, ollama-chat,
/// and all others for `/embeddings`; empty: the provider's own where it has one), `base_url`, `api_key`, `headers`,
/// `proxy`, `ca_file`, the timeouts (of one request each; `first_token_timeout` until its first byte), `retry`,
/// `prices`, and `options.extra`, whose fields are sent: `dimensions` is understood by all three, `encoding_format` by
/// OpenAI. The key is looked up when a request is sent.
/// Throws Error(errc::config) for a provider that is not there or has no vectors, a missing model or address.
[[nodiscard]] std::shared_ptr<const Embedder> make_remote_embedder(
    const ModelSpec& spec, const std::shared_ptr<const Catalogue>& known = catalogue());

/// Whatever `spec` names: "llama/FILE.gguf" in this process (see llama/llama_backend.hpp), all others remote.
[[nodiscard]] std::shared_ptr<const Embedder> make_embedder(const ModelSpec& spec);

}  // namespace sennit
