// A conversation as a file: Markdown for people, JSON for programs.
#pragma once

#include <sennit/agent/message.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace sennit::app {

[[nodiscard]] std::string transcript_markdown(const std::vector<Message>& messages);
/// An array of messages, one a line, as to_json(Message) writes them.
[[nodiscard]] std::string transcript_json(const std::vector<Message>& messages);

/// Writes a .md or .json file: a new one, or with `replace` in the place of one that is there, which stays as it was if
/// that fails. Throws Error: invalid_argument (another ending, a file that is there), io. Blocks.
void save_transcript(const std::filesystem::path& file, const std::vector<Message>& messages, bool replace);

}  // namespace sennit::app
