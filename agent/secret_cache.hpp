// Private: The values behind references, kept in memory once they are read. [thread-safe]
#pragma once

#include <sennit/agent/secret_reference.hpp>

#include <string>
#include <string_view>

namespace sennit::secret {

/// Reads a file or runs a program anew and keeps what comes of it, failures too. Nothing for variables.
void refresh(const Reference& reference);

/// Throws Error(errc::config). Blocks for a file or a program that was not refreshed before.
[[nodiscard]] std::string value_of(const Reference& reference);

/// Registers the value as secret, unless the reference is to what everybody knows (`${env:HOME}`).
void hide(const Reference& reference, std::string_view value);

}  // namespace sennit::secret
