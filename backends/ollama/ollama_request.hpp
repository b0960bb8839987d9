// Private: Writes the body of a request as Ollama wants it.
#pragma once

#include <sennit/backends/wire/wire_model.hpp>

#include <string>

namespace sennit {

/// Throws Error(errc::invalid_argument) if a part of the request cannot be expressed.
[[nodiscard]] std::string ollama_request_body(const WireModel& model, const CompletionRequest& request);

}  // namespace sennit
