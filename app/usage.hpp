// What the command line says of itself: its help, and what was wrong with what was typed.
#pragma once

namespace CLI {
class App;
}

namespace sennit::app {

/// Help without the library's jargon, and usage errors that lead on. Before subcommands are added: they inherit it.
void add_usage(CLI::App& app);

/// For a person's names (of a session, a model): '' is none.
void refuse_empty(CLI::App& app, const char* option);

}  // namespace sennit::app
