// The keeper is a fork of us that never executes another program. It is a subreaper: a descendant whose parent has
// died becomes its child, however often it forked and whatever session it made. So "no child left" means "nobody
// left", and the keeper kills until the kernel says that.
//
// It is a raw clone() rather than fork() because of other threads' locks (process_keeper_parts.hpp), and because a
// child without an exit signal is none that the host program's SIGCHLD handler or waitpid(-1) would meet.
#include <sennit/agent/io/process_keeper.hpp>
#include <sennit/agent/io/process_keeper_parts.hpp>

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>

namespace sennit::keeper {
namespace {

constexpr int kLastSignal = 64;

struct Keeper {
  int control;
  int host;
  int execute;    // negative once it is known whether the command has begun
  long deadline;  // of the tree; negative: none
  bool stop;
  Tree tree;
};

SENNIT_KEEPER void send(int control, Kind kind, long value, long detail) {
  Message message;
  message.kind = kind;
  message.value = static_cast<std::int32_t>(value);
  message.detail = static_cast<std::int32_t>(detail);
  call(SYS_sendto, control, address(&message), sizeof message, MSG_NOSIGNAL);
}

SENNIT_KEEPER void reset_signals() {
  long action[8];  // the kernel's struct: SIG_DFL, no flags, an empty mask, all of them zero
  for (volatile long& word : action) word = 0;
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    call(SYS_rt_sigaction, signal, address(action), 0, sizeof(std::uint64_t));
  }
}

// Gives a negative errno if the kernel cannot do that.
SENNIT_KEEPER long prepare(Tree& tree) {
  reset_signals();
  call(SYS_setsid);  // a terminal's signals are none of its business; all that can be are blocked as well
  call(SYS_prctl, PR_SET_NAME, address("sennit-keeper"));
  tree.self = static_cast<int>(call(SYS_getpid));
  tree.command_ended = false;
  tree.status = 0;
  const long subreaper = call(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1);
  const std::uint64_t child_ended = std::uint64_t{1} << (SIGCHLD - 1);
  const long deaths = call(SYS_signalfd4, -1, address(&child_ended), sizeof child_ended, SFD_CLOEXEC | SFD_NONBLOCK);
  tree.deaths = static_cast<int>(deaths);
  return deaths < 0 ? deaths : subreaper;
}

SENNIT_KEEPER void tell_beginning(Keeper& keeper) {
  Failure failure;
  if (call(SYS_read, keeper.execute, address(&failure), sizeof failure) == sizeof failure) {
    send(keeper.control, Kind::failed, failure.error, failure.step);
  } else {
    send(keeper.control, Kind::started, keeper.tree.command, 0);
  }
  call(SYS_close, keeper.execute);
  keeper.execute = -1;
}

SENNIT_KEEPER void hear(Keeper& keeper) {
  Message message;
  const long size = call(SYS_recvfrom, keeper.control, address(&message), sizeof message, MSG_DONTWAIT);
  if (size == -EAGAIN || size == -EINTR) return;
  if (size != sizeof message || message.kind != Kind::terminate) {
    keeper.stop = true;
    return;
  }
  const bool first = keeper.deadline < 0;  // a second SIGTERM makes many a program give up cleaning up
  const long end = now() + message.value;
  if (first || end < keeper.deadline) keeper.deadline = end;
  if (first && !keeper.tree.command_ended) {
    call(SYS_kill, -keeper.tree.command, SIGTERM);
    call(SYS_kill, -keeper.tree.command, SIGCONT);  // what is stopped does not hear it
  }
}

// Waits for one of the things that may happen to a keeper.
SENNIT_KEEPER void watch(Keeper& keeper) {
  const long left = keeper.deadline < 0 ? -1 : keeper.deadline - now();
  if (keeper.deadline >= 0 && left <= 0) {
    keeper.stop = true;
    return;
  }
  pollfd ready[4];
  ready[0].fd = keeper.control;
  ready[1].fd = keeper.host;
  ready[2].fd = keeper.tree.deaths;
  ready[3].fd = keeper.execute;  // skipped if negative
  for (pollfd& entry : ready) entry.events = POLLIN;
  wait_for(ready, 4, left);
  if (ready[2].revents != 0) reap(keeper.tree);
  // A command that has ended has closed this pipe: then there is no waiting here.
  if (keeper.execute >= 0 && (ready[3].revents != 0 || keeper.tree.command_ended)) tell_beginning(keeper);
  if (ready[0].revents != 0) hear(keeper);
  if (ready[1].revents != 0) keeper.stop = true;
}

[[noreturn]] SENNIT_KEEPER void keep(const Plan& plan) {
  Keeper keeper;
  keeper.control = plan.control;
  keeper.host = plan.host;
  keeper.execute = plan.execute_read;
  keeper.deadline = -1;
  keeper.stop = false;
  Tree& tree = keeper.tree;
  const long prepared = prepare(tree);
  release_memory(plan);
  tree.command = prepared < 0 ? prepared : call(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (tree.command < 0) {
    send(keeper.control, Kind::failed, -tree.command, static_cast<long>(Step::fork));
    leave(0);
  }
  if (tree.command == 0) become_command(plan, tree.self);

  int kept[4];
  kept[0] = keeper.control;
  kept[1] = keeper.host;
  kept[2] = keeper.execute;
  kept[3] = tree.deaths;
  close_all_but(kept, 4);
  call(SYS_chdir, address("/"));
  while (!keeper.stop && !tree.command_ended) watch(keeper);
  const long survivors = kill_tree(tree);
  send(keeper.control, Kind::ended, tree.status, survivors);
  leave(0);
}

}  // namespace

SENNIT_KEEPER Launched launch(const Plan& plan) {
  // A handler of the host program must not run in the keeper.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  const long keeper = call(SYS_clone, CLONE_PIDFD, 0, address(&pidfd), 0, 0);
  if (keeper == 0) keep(plan);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  Launched launched;
  launched.pidfd = pidfd;
  launched.id = static_cast<int>(keeper);
  launched.error = keeper < 0 ? static_cast<int>(-keeper) : 0;
  return launched;
}

}  // namespace sennit::keeper
