// `sennit decode`: what Sennit reads in a recorded answer of a model server, as one JSON object (answer_reading.hpp
// says which). For bug reports, and for checking Sennit against traffic of your own.
#pragma once

namespace CLI {
class App;
}

namespace sennit::app {

/// Adds the subcommand to `app`. Running it prints to standard output and sets `exit_code`.
void add_decode(CLI::App& app, int& exit_code);

}  // namespace sennit::app
