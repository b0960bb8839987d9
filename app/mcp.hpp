// `sennit mcp`: agents, and their tools, for clients of the Model Context Protocol.
#pragma once

namespace CLI {
class App;
}

namespace sennit::app {

struct CommonOptions;

void add_mcp(CLI::App& app, CommonOptions& common, int& exit_code);

}  // namespace sennit::app
