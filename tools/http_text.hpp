// Private: What a model is shown of an answer's body: text, whatever it was encoded in, or one line about what it is.
#pragma once

#include <string>
#include <string_view>

namespace sennit::http {

/// `body` as UTF-8 text. The charset comes from a byte order mark, the content type, or an HTML page's own head; what
/// does not fit it becomes U+FFFD. For a body that is no text: `[binary data: image/png, 1234 bytes]`.
[[nodiscard]] std::string body_text(std::string_view body, std::string_view content_type);

}  // namespace sennit::http
