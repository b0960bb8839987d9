// The backend that needs no model: an agent's offline intents, carried out. What a device does without a connection,
// and what the first run of a newcomer shows. Deterministic, and ready in microseconds.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/definition.hpp>
#include <sennit/agent/registry.hpp>

#include <memory>
#include <string_view>

namespace sennit {

/// A field of `model.options.extra` that is for this backend alone.
inline constexpr std::string_view kScriptedPace = "words_per_second";

/// A BackendFactory, named `scripted`: answers by the `intents` of the agent. With `options: {extra:
/// {words_per_second: N}}` it speaks at that pace instead of at once, for demonstrations.
/// Throws Error(errc::config) for a pattern that is wrong.
[[nodiscard]] std::shared_ptr<const Backend> make_scripted_backend(const ModelSpec& spec, const PartContext& context);

}  // namespace sennit
