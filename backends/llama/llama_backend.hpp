// The backend for models that run in this process, through llama.cpp: an agent file with `model: llama/tiny.gguf` works
// as it does with a remote model, and needs no server.
//
// llama.cpp itself is in a component of its own (plugins/llama), which is looked for when a model is first asked.
// Agents that name the same file with the same settings share one loaded model and one thread, which answers several of
// them at once.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/definition.hpp>
#include <sennit/agent/embedder.hpp>
#include <sennit/agent/registry.hpp>

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace sennit {

/// `spec.name` is "llama/PATH.gguf", relative to `directory`, or "llama/NAME", looked for as NAME.gguf in
/// $XDG_DATA_HOME/sennit/models. Settings are in `spec.options.extra`: context, sequences, batch, threads, gpu_layers,
/// queue. Throws Error(errc::config) for a setting that cannot be right. A file or a component that is not there is
/// told when a stream asks for it: Failed(errc::not_found).
///
/// Its streams: `first_token_timeout` bounds waiting, loading and reading the prompt together, `idle_timeout` the time
/// between tokens, `total_timeout` the whole answer. Who does not pull holds its sequence up, and nobody else's.
[[nodiscard]] std::shared_ptr<const Backend> make_llama_backend(const ModelSpec& spec,
                                                                const std::filesystem::path& directory);

/// Vectors of the same models, of length 1. Made on the engine's thread while one of the pool's waits; a completion
/// that is cancelled stops between two tokens, these are made to their end.
[[nodiscard]] std::shared_ptr<const Embedder> make_llama_embedder(const ModelSpec& spec,
                                                                  const std::filesystem::path& directory);

/// Where a model of that name may be, the likeliest first; the first that exists is taken.
[[nodiscard]] std::vector<std::filesystem::path> llama_model_places(std::string_view name,
                                                                    const std::filesystem::path& directory);

/// Registers the provider `llama`.
void add_llama_backend(Registry& registry);

}  // namespace sennit
