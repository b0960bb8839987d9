// `sennit embed`: texts as vectors, or how near they are to one another; for trying a model, and for scripts.
#pragma once

namespace CLI {
class App;
}

namespace sennit::app {

/// Adds the subcommand to `app`. Running it prints to standard output and sets `exit_code`.
void add_embed(CLI::App& app, int& exit_code);

}  // namespace sennit::app
