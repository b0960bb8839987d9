// How the program ends, for scripts. `sennit --help` prints this table.
#pragma once

#include <sennit/agent/event.hpp>

#include <csignal>

namespace sennit::app {

enum ExitCode : int {
  kExitCompleted = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitRefused = 3,
  kExitLimit = 4,
  kExitSuspended = 5,
  kExitInterrupted = 128 + SIGINT,
  kExitClosed = 128 + SIGPIPE,
  kExitTerminated = 128 + SIGTERM,
};

inline constexpr char kExitCodeTable[] =
    "Exit status:\n"
    "  0    completed\n"
    "  1    failed: the model, the network, a file\n"
    "  2    used wrongly: arguments, or an error in the agent file\n"
    "  3    the model or its provider refused\n"
    "  4    stopped by a limit, or cut at the output limit\n"
    "  5    suspended: it waits for a person, or was interrupted; see `sennit runs`\n"
    "  129  the terminal was closed; a run that is kept can be resumed\n"
    "  130  cancelled by Ctrl-C\n"
    "  141  the reader of the output went away\n"
    "  143  terminated; a run that is kept can be resumed\n";

[[nodiscard]] inline int exit_code_of(const Outcome& outcome) {
  switch (outcome.ending) {
    case Ending::completed:
      return kExitCompleted;
    case Ending::refused:
      return kExitRefused;
    case Ending::truncated:
    case Ending::limit:
      return kExitLimit;
    case Ending::cancelled:
      return kExitInterrupted;
    case Ending::suspended:
      return kExitSuspended;
    case Ending::failed:
      break;
  }
  if (!outcome.error) return kExitFailed;
  const errc code = outcome.error->code();
  return code == errc::config || code == errc::invalid_argument ? kExitUsage : kExitFailed;
}

}  // namespace sennit::app
