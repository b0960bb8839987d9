// An agent file with some of its settings replaced, as if they were written in it.
#pragma once

#include <sennit/agent/definition.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {

/// `settings`: KEY=VALUE, the key with dots as it stands in the file (`limits.steps=5`); the value is text, a number,
/// true or false, or YAML where it begins with `[` or `{`. REQUIRES: `text` is an agent file without errors. Throws
/// Error(errc::invalid_argument), with the words that the same mistake gets in a file.
[[nodiscard]] Definition overlaid(std::string_view text, const std::filesystem::path& file,
                                  const std::vector<std::string>& settings);

}  // namespace sennit::app
