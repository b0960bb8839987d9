// The agent that `sennit` talks with when no file is named: examples/assistant.yaml, built into the program.
#pragma once

#include <sennit/agent/definition.hpp>

#include <string_view>

namespace sennit::app {

/// Relative paths in it are relative to the working directory.
[[nodiscard]] Definition assistant();
/// Its agent file.
[[nodiscard]] std::string_view assistant_text();

}  // namespace sennit::app
