// A conversation as a file: Markdown for people, JSON for programs.
#pragma once

#include <sennit/agent/message.hpp>

#include <string>
#include <vector>

namespace sennit::app {

[[nodiscard]] std::string transcript_markdown(const std::vector<Message>& messages);
/// An array of messages, one a line, as to_json(Message) writes them.
[[nodiscard]] std::string transcript_json(const std::vector<Message>& messages);

}  // namespace sennit::app
