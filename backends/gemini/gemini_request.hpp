// Private: Writes the body of a request as Gemini (generate-content) wants it.
#pragma once

#include <sennit/backends/wire/wire_model.hpp>

#include <string>

namespace sennit {

/// Throws Error(errc::invalid_argument) if a part of the request cannot be expressed.
[[nodiscard]] std::string gemini_request_body(const WireModel& model, const CompletionRequest& request);

}  // namespace sennit
