// The backend for every model behind HTTP: DeepSeek, OpenAI, Anthropic, Gemini, Ollama, llama-server, vLLM and kin.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/definition.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/backends/catalogue/catalogue.hpp>

#include <memory>

namespace sennit {

/// `spec.name` is "provider/model", of a provider of `known`. The key is looked up when a request is sent, not here; a
/// missing one ends the stream with Failed(errc::authentication). Throws Error(errc::config) for a provider that is not
/// there, a missing model or address, a protocol that the provider does not speak.
///
/// Its streams: the time until the first token is bounded by `first_token_timeout`, the time between tokens by
/// `idle_timeout`. Only words count: keep-alive comments, empty chunks and chunks that hold nothing but counts extend
/// neither. `total_timeout` bounds the whole answer, however steadily it comes.
[[nodiscard]] std::shared_ptr<const Backend> make_remote_backend(const ModelSpec& spec,
                                                                 std::shared_ptr<const Catalogue> known = catalogue());

/// Registers every provider of `known` under its name; null: of catalogue(), whose faults are told when a model is
/// made.
void add_remote_backends(Registry& registry, const std::shared_ptr<const Catalogue>& known = nullptr);

}  // namespace sennit
