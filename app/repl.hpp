// `sennit [AGENT.yaml]`: a conversation at the prompt.
#pragma once

#include <sennit/app/program.hpp>

namespace sennit::app {

/// Makes it what the program does without a subcommand. `name`: argv[0].
void add_repl(CLI::App& app, const CommonOptions& common, const char* name, int& exit_code);

}  // namespace sennit::app
