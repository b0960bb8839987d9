// Private: The shapes in which a secret value may turn up in text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// The value itself; as it stands in Base64 of any text around it (three alignments, both alphabets), in URLs
/// (percent signs with large or small digits), in JSON, and in hexadecimal digits. Without repetitions.
[[nodiscard]] std::vector<std::string> secret_forms(std::string_view value);

}  // namespace sennit
