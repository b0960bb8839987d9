// What Tab offers at the prompt: commands and their arguments, and files anywhere else.
#pragma once

#include <sennit/app/editor.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {

/// The commands that start with what was typed; nothing if that is no beginning of a command.
[[nodiscard]] Completion complete_word(std::string_view before_cursor, std::size_t start,
                                       const std::vector<std::string>& words);
/// The files and folders (with a slash) that continue the last word. `~/` is the home folder; hidden ones are offered
/// only after a dot.
[[nodiscard]] Completion complete_file(std::string_view before_cursor);

}  // namespace sennit::app
