// `sennit check`: everything that is wrong with agent files, before anything runs.
//
// Reading a file finds what its text alone can tell. Here is added what needs the rest of the program: whether the
// names of tools, planners, memories and providers exist and their options are right, whether sub-agents can be read
// and do not reach themselves, and whether intents capture what they use.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/registry.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sennit::app {

struct FileDiagnostic {
  std::filesystem::path file;
  Diagnostic diagnostic;  ///< line 0: about the file as a whole
};

/// Checks a file and the sub-agents that it names, where `deployment` holds for all agents.
[[nodiscard]] std::vector<FileDiagnostic> check_file(const std::filesystem::path& file, const Registry& registry,
                                                     const PolicySettings& deployment = {});

/// Adds the subcommand to `app`. Running it prints `file:line:col: error: …`; `exit_code` becomes 1 for any error.
void add_check(CLI::App& app, int& exit_code);

}  // namespace sennit::app
