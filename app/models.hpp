// `sennit models`: which models and providers the catalogue has, and all that it knows of one.
#pragma once

namespace CLI {
class App;
}

namespace sennit::app {

/// Adds the subcommand to `app`. Running it prints to standard output and sets `exit_code`.
void add_models(CLI::App& app, int& exit_code);
/// `sennit models show`.
void add_models_show(CLI::App& models, int& exit_code);

}  // namespace sennit::app
