// Images and other files that a person hands to a run with what they say.
#pragma once

#include <sennit/agent/message.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {

/// `what` is a file, an http:// or https:// URL, or a data: URL. A file's kind is told by its bytes. Throws
/// Error(errc::not_found, io, too_large or invalid_argument), naming `what`.
[[nodiscard]] Blob read_attachment(std::string_view what);

[[nodiscard]] std::vector<Blob> read_attachments(const std::vector<std::string>& all);

/// "image/png, 120 KB", or its type and URL.
[[nodiscard]] std::string describe_attachment(const Blob& file);

}  // namespace sennit::app
