// `sennit policy`: what an agent may do, and why, without running it.
#pragma once

namespace CLI {
class App;
}

namespace sennit::app {

/// Adds the subcommand with `test` and `show`.
void add_policy(CLI::App& app, int& exit_code);

/// Adds `policy test`.
void add_policy_test(CLI::App& policy, int& exit_code);
/// Adds `policy show`.
void add_policy_show(CLI::App& policy, int& exit_code);

}  // namespace sennit::app
