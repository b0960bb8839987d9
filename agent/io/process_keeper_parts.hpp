// Private: what the keeper's sources share, and the rule under which they are written.
//
// We may have threads that hold locks at the moment of the fork, so they make system calls and nothing else: no
// allocation, no library function, no sanitizer's instrumentation (their runtimes have locks as well). Nor may they
// need the dynamic linker, whose memory is let go of: what is declared here is hidden, so that it is called directly.
#pragma once

#include <sennit/agent/io/process_keeper.hpp>

#include <poll.h>

#if defined(__clang__)
#define SENNIT_KEEPER __attribute__((no_sanitize("address", "undefined", "thread", "coverage"), no_builtin))
#else
#define SENNIT_KEEPER __attribute__((no_sanitize("address", "undefined", "thread")))
#endif

namespace sennit {
namespace [[gnu::visibility("hidden")]] keeper {

/// A system call. Gives errno's negative instead of -1.
long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0);
/// A pointer as a call's argument.
SENNIT_KEEPER inline long address(const void* place) {
  return reinterpret_cast<long>(place);
}

[[noreturn]] void leave(int code);
/// Milliseconds of the monotonic clock.
long now();
/// Waits until one of them is ready, or `limit` ms have passed (negative: for ever).
void wait_for(pollfd* descriptors, long count, long limit);
/// Sorts `kept`. Gives a negative errno if the kernel cannot do that.
long close_all_but(int* kept, int count);

/// Lets go of the memory that the fork has left us with, but for what is needed to start the command.
void release_memory(const Plan& plan);

/// In a child of the keeper: executes the command, or writes to `plan.execute_write` why not (Failure).
[[noreturn]] void become_command(const Plan& plan, long keeper);

/// In a child of the keeper: leaves our network for a new one that has the loopback only, listens there and sends the
/// socket. Gives a negative errno.
long make_network(const Plan& plan);

struct Failure {
  std::int32_t error;  ///< errno
  std::int32_t step;   ///< Step
};

/// The command and whoever descends from it, which is all that falls back to the keeper.
struct Tree {
  int self;    ///< the keeper's process id
  int deaths;  ///< a signalfd for SIGCHLD
  long command;
  bool command_ended;
  int status;  ///< the command's then, as of waitpid()
};

struct Reaped {
  bool any;   ///< somebody has ended
  bool left;  ///< somebody is alive
};

/// Takes in every child that has ended.
Reaped reap(Tree& tree);
/// Kills until nobody is left. Gives the number of those that could not be killed.
long kill_tree(Tree& tree);

}  // namespace keeper
}  // namespace sennit
