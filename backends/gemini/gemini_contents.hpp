// Private: The conversation as Gemini wants it: user and model in turn, beginning with the user; the results of all
// calls of a turn in one content; every signature in the part that it came with.
#pragma once

#include <sennit/agent/message.hpp>
#include <sennit/backends/wire/wire_model.hpp>

#include <span>
#include <string>

namespace sennit {

/// Appends the array of contents. Throws Error(errc::invalid_argument) for a file that Gemini cannot read.
void append_gemini_contents(std::string& out, const WireModel& model, std::span<const Message> messages);

}  // namespace sennit
