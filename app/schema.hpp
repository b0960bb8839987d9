// `sennit schema`: the format of agent files, as JSON Schema for editors or as Markdown for people.
#pragma once

namespace CLI {
class App;
}

namespace sennit::app {

/// Adds the subcommand to `app`. Running it prints to standard output.
void add_schema(CLI::App& app, int& exit_code);

}  // namespace sennit::app
