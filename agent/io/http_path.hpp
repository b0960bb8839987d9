// Private: The path and query of a URL in one spelling (RFC 3986, 6.2.2), so that what a rule was asked about is what
// is sent. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sennit::http {

/// `text` is percent-encoded: characters that need no encoding have none, the others one in capital letters.
[[nodiscard]] std::string plain_encoding(std::string_view text);

/// Without `.` and `..`, however these are encoded. Nothing where servers disagree about what they are: behind an
/// encoded slash (`..%2Fadmin`), before a backslash or a parameter (`..;/admin`). Keeps empty segments.
[[nodiscard]] std::optional<std::string> without_dots(std::string_view path);

/// Models write URLs as people do: what the standard wants percent-encoded behind the host is encoded here.
[[nodiscard]] std::string encode_rest(std::string_view url);

/// Whether a segment of the path is `.` or `..`, or may be for some server.
[[nodiscard]] bool has_dots(std::string_view path);

}  // namespace sennit::http
