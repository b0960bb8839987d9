// The command from the fork until it is executed: it gets a session, its control groups and network, its descriptors,
// its folder and limits, and no blocked signal.
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
constexpr int kFirstPassed = STDERR_FILENO + 1;
constexpr int kAbovePassed = kFirstPassed + Plan::kMost;

[[noreturn]] SENNIT_KEEPER void fail(int report, Step step, long error) {
  Failure failure;
  failure.error = static_cast<std::int32_t>(-error);
  failure.step = static_cast<std::int32_t>(step);
  call(SYS_write, report, address(&failure), sizeof failure);
  leave(kExecuteFailed);
}

SENNIT_KEEPER long must(int report, Step step, long result) {
  if (result < 0) fail(report, step, result);
  return result;
}

// Gives where failures are reported from now on. What is passed may lie where something else shall: so all of it first
// goes up, then each to its place.
SENNIT_KEEPER int place_descriptors(const Plan& plan) {
  int report = plan.execute_write;
  if (plan.descriptor_count > 0) {
    report = static_cast<int>(must(report, Step::descriptors, call(SYS_fcntl, report, F_DUPFD_CLOEXEC, kAbovePassed)));
  }
  int kept[kAbovePassed + 1];
  int count = 0;
  for (int i = 0; i < plan.descriptor_count; ++i) {
    kept[i] = static_cast<int>(
        must(report, Step::descriptors, call(SYS_fcntl, plan.descriptors[i], F_DUPFD_CLOEXEC, kAbovePassed)));
  }
  must(report, Step::descriptors, call(SYS_dup3, plan.input, STDIN_FILENO, 0));
  must(report, Step::descriptors, call(SYS_dup3, plan.output, STDOUT_FILENO, 0));
  must(report, Step::descriptors, call(SYS_dup3, plan.errors, STDERR_FILENO, 0));
  for (int i = 0; i < plan.descriptor_count; ++i) {
    must(report, Step::descriptors, call(SYS_dup3, kept[i], kFirstPassed + i, 0));
  }
  for (; count < kFirstPassed + plan.descriptor_count; ++count) kept[count] = count;
  kept[count++] = report;
  // Now, not on exec: we may hold the far ends of other children's pipes, and what follows may take its time.
  must(report, Step::descriptors, close_all_but(kept, count));
  return report;
}

SENNIT_KEEPER void set_limits(const Plan& plan, int report) {
  for (int i = 0; i < plan.limit_count; ++i) {
    std::uint64_t bounds[2];
    bounds[0] = bounds[1] = plan.limits[i].bound;
    must(report, Step::limits, call(SYS_prlimit64, 0, plan.limits[i].resource, address(bounds), 0));
  }
}

}  // namespace

[[noreturn]] SENNIT_KEEPER void become_command(const Plan& plan, long keeper) {
  int report = plan.execute_write;
  must(report, Step::session, call(SYS_setsid));
  for (int i = 0; i < plan.group_count; ++i) {
    must(report, Step::group, call(SYS_write, plan.groups[i], address("0"), 1));  // 0: who writes it
  }
  if (plan.network >= 0) must(report, Step::network, make_network(plan));
  // The keeper kills us anyway, unless it is killed itself. It may be dead already.
  must(report, Step::session, call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL));
  if (call(SYS_getppid) != keeper) leave(kExecuteFailed);
  report = place_descriptors(plan);
  if (plan.directory != nullptr) must(report, Step::directory, call(SYS_chdir, address(plan.directory)));
  set_limits(plan, report);
  const std::uint64_t none = 0;
  call(SYS_rt_sigprocmask, SIG_SETMASK, address(&none), 0, sizeof none);
  must(report, Step::program,
       call(SYS_execve, address(plan.program), address(static_cast<const void*>(plan.arguments)),
            address(static_cast<const void*>(plan.environment))));
  leave(kExecuteFailed);
}

}  // namespace sennit::keeper
