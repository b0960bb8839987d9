// `sennit run`: one run of an agent, streamed to the terminal or into a pipe.
#pragma once

#include <sennit/app/program.hpp>

namespace sennit::app {

void add_run(CLI::App& app, CommonOptions& common, int& exit_code);

}  // namespace sennit::app
