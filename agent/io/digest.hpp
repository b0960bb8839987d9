// SHA-256 in hex: for what must be the same, on every machine and in every version.
#pragma once

#include <string>
#include <string_view>

namespace sennit {

/// Throws Error(errc::internal) where OpenSSL has no SHA-256.
[[nodiscard]] std::string sha256(std::string_view text);

}  // namespace sennit
