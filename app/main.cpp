// The program `sennit`: one subcommand a file; without one, a conversation at the prompt.
#include <sennit/agent/io/error.hpp>
#include <sennit/app/check.hpp>
#include <sennit/app/decode.hpp>
#include <sennit/app/discretion.hpp>
#include <sennit/app/embed.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/mcp.hpp>
#include <sennit/app/models.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/ping.hpp>
#include <sennit/app/policy.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/repl.hpp>
#include <sennit/app/run.hpp>
#include <sennit/app/runs.hpp>
#include <sennit/app/schema.hpp>
#include <sennit/app/test_runs.hpp>
#include <sennit/app/usage.hpp>

#include <CLI/CLI.hpp>

#include <clocale>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

namespace {

using namespace sennit::app;

/// Characters beyond ASCII need a UTF-8 locale; where the environment names none, terminals speak UTF-8 all the same.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (MB_CUR_MAX < 4) std::setlocale(LC_CTYPE, "C.UTF-8");
}

/// CLI11 has a status for each of its errors; ours are few.
int report_usage(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream out;  // help, or the version
  const bool wrong = app.exit(error, out, std::cerr) != 0;
  return wrong ? kExitUsage : print(out.str());
}

}  // namespace

int main(int argc, char** argv) {
  keep_secrets_in();
  open_standard_streams();
  use_utf8();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is an error like a full disk
  CommonOptions common;
  int exit_code = kExitCompleted;
  CLI::App app("Sennit runs agents: a model that calls tools, remembers, and answers.", "sennit");
  app.set_version_flag("--version", "sennit " + std::string(kVersion));
  app.footer("Without a command Sennit starts a conversation, with AGENT or its own assistant.\n\n" +
             std::string(kExitCodeTable));
  add_usage(app);
  add_common_options(app, common);
  add_run(app, common, exit_code);
  add_runs(app, common, exit_code);
  add_test(app, exit_code);
  add_check(app, exit_code);
  add_policy(app, exit_code);
  add_schema(app, exit_code);
  add_models(app, exit_code);
  add_ping(app, exit_code);
  add_decode(app, exit_code);
  add_embed(app, exit_code);
  add_mcp(app, common, exit_code);
  add_repl(app, common, argc > 0 ? argv[0] : "sennit", exit_code);
  for (CLI::App* command : app.get_subcommands(nullptr)) command->group("Commands");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report_usage(app, error);
  } catch (...) {
    return report(sennit::current_error());
  }
  return exit_code;
}
