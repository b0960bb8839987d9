// Private: The conversation as Responses wants it: a list of items in which a tool call, its answer, a thought and a
// text each stand by themselves. Nothing is kept at the provider's, so each request tells all of it.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/backends/wire/wire_model.hpp>

#include <string>

namespace sennit {

/// Appends the array of items. `stored`: the provider keeps what it is told, so an id is enough for a thought that it
/// had. Throws Error(errc::invalid_argument) for a file that the protocol has no place for.
void append_responses_input(std::string& out, const WireModel& model, const CompletionRequest& request, bool stored);

}  // namespace sennit
