// Private: Writes the body of a chat-completions request.
#pragma once

#include <sennit/backends/wire/wire_model.hpp>

#include <string>

namespace sennit {

/// Throws Error(errc::invalid_argument) if a part of the request cannot be expressed (a file that is no image).
[[nodiscard]] std::string chat_request_body(const WireModel& model, const CompletionRequest& request);

}  // namespace sennit
