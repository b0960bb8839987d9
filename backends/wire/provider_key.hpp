// Private: The key of a provider: found at the last moment, and kept out of everything else.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/backends/catalogue/catalogue.hpp>

#include <string>
#include <string_view>

namespace sennit {

/// `spec.api_key`, else the provider's environment variable; empty where none is set and none is needed.
/// The variable of a hosted provider is for that provider's own host: an agent file that names another one must name
/// the key as well, or none goes there. A server on this machine needs none, nor does one that gets credentials in a
/// header; for any other host with the variable set it is an error, because the request would only fail later.
/// Throws Error(errc::authentication) saying what to set, or that the key holds what no header may hold.
[[nodiscard]] std::string resolve_key(const Provider& provider, const ModelSpec& spec);

/// The variable in which a missing or wrong key should be looked for; empty where none is read.
[[nodiscard]] std::string_view key_variable_for(const Provider& provider, const ModelSpec& spec);

/// `error` with the key blotted out of its texts: servers quote what they refuse.
[[nodiscard]] Error without_key(Error error, const Provider& provider, const ModelSpec& spec);

}  // namespace sennit
