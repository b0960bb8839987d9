// Private: The key of a provider: found at the last moment, and kept out of everything else.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/backends/providers.hpp>

#include <string>

namespace sennit {

/// `spec.api_key`, else the provider's environment variable; empty where none is set and none is needed.
/// Throws Error(errc::authentication) naming the variable to set, or that the key holds what no header may hold.
[[nodiscard]] std::string resolve_key(const Provider& provider, const ModelSpec& spec);

/// `error` with the key blotted out of its texts: servers quote what they refuse.
[[nodiscard]] Error without_key(Error error, const Provider& provider, const ModelSpec& spec);

}  // namespace sennit
