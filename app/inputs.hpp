// What a person hands to a run: the words, and values for the agent's declared inputs.
#pragma once

#include <sennit/agent/definition.hpp>

#include <map>
#include <string>
#include <vector>

namespace sennit::app {

/// The words of the command line joined by spaces; standard input for a lone `-`, or where there are none and standard
/// input is no terminal. Throws Error(errc::invalid_argument) if there is nothing to say.
[[nodiscard]] std::string read_input(const std::vector<std::string>& words);

/// `KEY=VALUE` each, as the type that the definition declares. Throws Error(errc::invalid_argument).
[[nodiscard]] std::map<std::string, json::value> read_inputs(const Definition& definition,
                                                             const std::vector<std::string>& values);

}  // namespace sennit::app
