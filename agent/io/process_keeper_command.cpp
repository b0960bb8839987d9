// The command from the fork until it is executed: it gets a session, three descriptors, its folder, and no blocked
// signal.
#include <sennit/agent/io/process_keeper_parts.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace sennit::keeper {
namespace {

constexpr int kExecuteFailed = 127;  // as shells have it; nobody sees it

[[noreturn]] SENNIT_KEEPER void fail(const Plan& plan, Step step, long error) {
  Failure failure;
  failure.error = static_cast<std::int32_t>(-error);
  failure.step = static_cast<std::int32_t>(step);
  call(SYS_write, plan.execute_write, address(&failure), sizeof failure);
  leave(kExecuteFailed);
}

SENNIT_KEEPER void must(const Plan& plan, Step step, long result) {
  if (result < 0) fail(plan, step, result);
}

}  // namespace

[[noreturn]] SENNIT_KEEPER void become_command(const Plan& plan, long keeper) {
  must(plan, Step::session, call(SYS_setsid));
  // The keeper kills us anyway, unless it is killed itself. It may be dead already.
  must(plan, Step::session, call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL));
  if (call(SYS_getppid) != keeper) leave(kExecuteFailed);
  must(plan, Step::descriptors, call(SYS_dup3, plan.input, STDIN_FILENO, 0));
  must(plan, Step::descriptors, call(SYS_dup3, plan.output, STDOUT_FILENO, 0));
  must(plan, Step::descriptors, call(SYS_dup3, plan.errors, STDERR_FILENO, 0));
  // Now, not on exec: we may hold the far ends of other children's pipes, and what follows may take its time.
  int kept[4];
  kept[0] = STDIN_FILENO;
  kept[1] = STDOUT_FILENO;
  kept[2] = STDERR_FILENO;
  kept[3] = plan.execute_write;
  must(plan, Step::descriptors, close_all_but(kept, 4));
  if (plan.directory != nullptr) must(plan, Step::directory, call(SYS_chdir, address(plan.directory)));
  const std::uint64_t none = 0;
  call(SYS_rt_sigprocmask, SIG_SETMASK, address(&none), 0, sizeof none);
  must(plan, Step::program,
       call(SYS_execve, address(plan.program), address(static_cast<const void*>(plan.arguments)),
            address(static_cast<const void*>(plan.environment))));
  leave(kExecuteFailed);
}

}  // namespace sennit::keeper
