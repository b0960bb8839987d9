// Private: Base64 with padding and without line breaks, as files and vectors stand in JSON.
// https://www.rfc-editor.org/rfc/rfc4648#section-4
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sennit {

[[nodiscard]] std::string encode_base64(std::string_view bytes);

/// Nothing if it is not just that: no white space, nothing after the padding. Nor of more than 2 GiB.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace sennit
