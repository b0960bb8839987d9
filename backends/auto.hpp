// `model: auto`: the first model that is there. A key in the environment goes before a local server, and that before
// the agent's own offline intents, so that an agent always answers, and says in one line who does.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/definition.hpp>
#include <sennit/agent/registry.hpp>

#include <memory>
#include <string>
#include <vector>

namespace sennit {

/// How long all local servers together may take to answer. They are asked side by side.
inline constexpr milliseconds kProbeTime{300};

/// Where a model server might listen.
struct LocalServer {
  std::string provider;  ///< a name of providers()
  std::string address;   ///< "http://127.0.0.1:8080", without a path
  friend bool operator==(const LocalServer&, const LocalServer&) = default;
};

/// Ollama (where OLLAMA_HOST says, else at its port), llama-server at its new and its old port, vLLM; best first.
[[nodiscard]] std::vector<LocalServer> local_servers();

/// A BackendFactory, named `auto`. It decides anew at the start of each run (Backend::select). Throws
/// Error(errc::config) for settings that only a named provider can have (base_url, api_key, headers).
[[nodiscard]] std::shared_ptr<const Backend> make_auto_backend(const ModelSpec& spec, const PartContext& context);
/// The same with other local servers.
[[nodiscard]] std::shared_ptr<const Backend> make_auto_backend(const ModelSpec& spec, const PartContext& context,
                                                               std::vector<LocalServer> servers);

}  // namespace sennit
