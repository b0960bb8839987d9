// Private: The conversation as chat-completions wants it. Where that protocol is stricter than ours, the gap is closed
// here and in turns.hpp: every tool call is answered, no tool result is empty, arguments are JSON, reasoning goes only
// to whom it belongs.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/backends/wire/wire_model.hpp>

#include <string>
#include <string_view>

namespace sennit {

/// Appends the array of messages. `format`: what the instructions must say about the answer's format; may be empty.
/// Throws Error(errc::invalid_argument) for a file that the protocol has no place for.
void append_chat_messages(std::string& out, const WireModel& model, const CompletionRequest& request,
                          std::string_view format);

}  // namespace sennit
