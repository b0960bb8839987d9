// `sennit ping`: whether a model answers: its key, its address, how fast it is, whether it calls tools. What is wrong
// is said in words.
#pragma once

namespace CLI {
class App;
}

namespace sennit::app {

/// Adds the subcommand to `app`. Running it prints to standard output and sets `exit_code`.
void add_ping(CLI::App& app, int& exit_code);

}  // namespace sennit::app
