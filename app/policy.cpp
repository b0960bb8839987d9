#include <sennit/app/policy.hpp>

#include <CLI/CLI.hpp>

namespace sennit::app {

void add_policy(CLI::App& app, int& exit_code) {
  CLI::App* policy = app.add_subcommand("policy", "Tell what an agent may do, and why");
  policy->require_subcommand(1);
  add_policy_test(*policy, exit_code);
  add_policy_show(*policy, exit_code);
}

}  // namespace sennit::app
