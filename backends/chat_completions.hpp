// The backend for everything that speaks chat completions: DeepSeek, OpenAI, llama-server, Ollama, vLLM and kin.
//
// Thin by intention: chat_request.hpp writes the body, chat_decoder.hpp reads the answer, providers.hpp says who wants
// what. Here is only what needs a socket and a clock: sending, deadlines, ending. It never retries: the run owns that.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/definition.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/backends/providers.hpp>

#include <memory>

namespace sennit {

/// `spec.name` is "provider/model". The key is looked up when a request is sent, not here; a missing one ends the
/// stream with Failed(errc::authentication). Throws Error(errc::config) as resolve_chat_model (chat_request.hpp) does.
///
/// Its streams: the time until the first token is bounded by `first_token_timeout`, the time between tokens by
/// `idle_timeout`. Only words count: keep-alive comments, empty chunks and chunks that hold nothing but counts extend
/// neither. `total_timeout` bounds the whole answer, however steadily it comes.
[[nodiscard]] std::shared_ptr<const Backend> make_chat_backend(const Provider& provider, const ModelSpec& spec);

/// Registers every row of providers() under its name.
void add_chat_backends(Registry& registry);

}  // namespace sennit
