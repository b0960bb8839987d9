// `sennit test`: recorded runs as tests of an agent file: each is told again with the agent as it is now, without
// network, key or state folder, and has to go the same way.
#pragma once

namespace CLI {
class App;
}

namespace sennit::app {

/// Adds the subcommand to `app`. `exit_code` becomes 1 where a run goes another way, 2 where there is none.
void add_test(CLI::App& app, int& exit_code);

}  // namespace sennit::app
