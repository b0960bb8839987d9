// `sennit [AGENT.yaml]`: a conversation at the prompt.
#pragma once

#include <sennit/app/program.hpp>

namespace sennit::app {

/// Makes it what the program does without a subcommand.
void add_repl(CLI::App& app, const CommonOptions& common, int& exit_code);

}  // namespace sennit::app
