// The keeper is a fork of us that never executes another program. It is a subreaper: a descendant whose parent has
// died becomes its child, however often it forked and whatever session it made. So "no child left" means "nobody
// left", and the keeper kills until the kernel says that.
//
// We may have threads that hold locks at the moment of the fork, so this file makes system calls and nothing else: no
// allocation, no library function, no sanitizer's instrumentation (their runtimes have locks as well). It is a raw
// clone() rather than fork() for the same reason, and because a child without an exit signal is none that the
// host program's SIGCHLD handler or waitpid(-1) would meet.
#include <sennit/agent/io/process_keeper.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SENNIT_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SENNIT_SANITIZED
#endif
#endif

#if defined(__clang__)
#define SENNIT_KEEPER __attribute__((no_sanitize("address", "undefined", "thread", "coverage"), no_builtin))
#else
#define SENNIT_KEEPER __attribute__((no_sanitize("address", "undefined", "thread")))
#endif

namespace sennit::keeper {
namespace {

#if defined(SENNIT_SANITIZED)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// How long nothing may die before the keeper gives up on what does not: SIGKILL works within milliseconds, or never.
constexpr long kGiveUpAfter = 2'000;
// Between two sweeps over /proc, unless a death comes first.
constexpr long kSweepEvery = 10;
// The processes of the machine that a sweep looks at.
constexpr long kMostProcesses = 1L << 17;

// Kept around the stack's and the thread's pointers: our frames take 30 KiB, a thread's block some KiB.
constexpr unsigned long kNeeded = 1UL << 18U;

constexpr int kExecuteFailed = 127;  // as shells have it; nobody sees it
constexpr int kLastSignal = 64;

// errno's negative instead of -1.
SENNIT_KEEPER long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  const long result = ::syscall(number, a, b, c, d, e, f);
  return result == -1 ? -static_cast<long>(errno) : result;
}

SENNIT_KEEPER long address(const void* place) {
  return reinterpret_cast<long>(place);
}

[[noreturn]] SENNIT_KEEPER void leave(int code) {
  for (;;) call(SYS_exit_group, code);
}

SENNIT_KEEPER long now() {
  timespec time;
  call(SYS_clock_gettime, CLOCK_MONOTONIC, address(&time));
  return time.tv_sec * 1'000L + time.tv_nsec / 1'000'000L;
}

SENNIT_KEEPER void send(int control, Kind kind, long value, long detail) {
  Message message;
  message.kind = kind;
  message.value = static_cast<std::int32_t>(value);
  message.detail = static_cast<std::int32_t>(detail);
  call(SYS_sendto, control, address(&message), sizeof message, MSG_NOSIGNAL);
}

// Waits until one of them is ready, or `limit` ms have passed (negative: for ever).
SENNIT_KEEPER void wait_for(pollfd* descriptors, long count, long limit) {
  timespec time;
  time.tv_sec = limit / 1'000;
  time.tv_nsec = limit % 1'000 * 1'000'000;
  for (long i = 0; i < count; ++i) descriptors[i].revents = 0;
  call(SYS_ppoll, address(descriptors), count, limit < 0 ? 0 : address(&time));
}

SENNIT_KEEPER void reset_signals() {
  long action[8];  // the kernel's struct: SIG_DFL, no flags, an empty mask, all of them zero
  for (volatile long& word : action) word = 0;
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    call(SYS_rt_sigaction, signal, address(action), 0, sizeof(std::uint64_t));
  }
}

// Gives a negative errno if the kernel cannot do that.
SENNIT_KEEPER long close_all_but(int* kept, int count) {
  for (int i = 1; i < count; ++i) {
    for (int j = i; j > 0 && kept[j - 1] > kept[j]; --j) {
      const int lower = kept[j];
      kept[j] = kept[j - 1];
      kept[j - 1] = lower;
    }
  }
  unsigned first = 0;
  for (int i = 0; i < count; ++i) {
    const auto next = static_cast<unsigned>(kept[i]);
    if (next > first) call(SYS_close_range, first, next - 1, 0);
    first = next + 1;
  }
  return call(SYS_close_range, first, ~0U, 0);
}

// ---- the command, until it is executed ----

[[noreturn]] SENNIT_KEEPER void fail(const Plan& plan, Step step, long error) {
  std::int32_t failure[2];
  failure[0] = static_cast<std::int32_t>(-error);
  failure[1] = static_cast<std::int32_t>(step);
  call(SYS_write, plan.execute_write, address(failure), sizeof failure);
  leave(kExecuteFailed);
}

SENNIT_KEEPER void must(const Plan& plan, Step step, long result) {
  if (result < 0) fail(plan, step, result);
}

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

// ---- looking into /proc ----

struct Entry {
  int id;
  int parent;
  bool doomed;
};

// Only a keeper that sweeps touches it: elsewhere it takes no memory.
Entry processes[kMostProcesses];

SENNIT_KEEPER bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

SENNIT_KEEPER long read_file(const char* path, char* buffer, long size) {
  const long file = call(SYS_openat, AT_FDCWD, address(path), O_RDONLY | O_CLOEXEC);
  if (file < 0) return file;
  const long length = call(SYS_read, file, address(buffer), size);
  call(SYS_close, file);
  return length;
}

// The parent of a process, -1 if it has gone.
SENNIT_KEEPER int parent_of(int id) {
  char path[32];
  char digits[16];
  long length = 0;
  for (const char* c = "/proc/"; *c != '\0'; ++c) path[length++] = *c;
  int count = 0;
  for (int rest = id; rest > 0; rest /= 10) digits[count++] = static_cast<char>('0' + rest % 10);
  while (count > 0) path[length++] = digits[--count];
  for (const char* c = "/stat"; *c != '\0'; ++c) path[length++] = *c;
  path[length] = '\0';

  char stat[512];
  const long size = read_file(path, stat, sizeof stat);
  long at = size - 1;
  while (at >= 0 && stat[at] != ')') --at;  // the name before it may hold anything
  if (at < 0) return -1;
  at += 4;  // ") S "
  int parent = 0;
  while (at < size && is_digit(stat[at])) parent = parent * 10 + (stat[at++] - '0');
  return parent;
}

// All processes in the order of their ids, which is that of /proc.
SENNIT_KEEPER long list_processes(Entry* table) {
  const long folder = call(SYS_openat, AT_FDCWD, address("/proc"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return 0;
  alignas(dirent64) char names[8192];
  long count = 0;
  for (;;) {
    const long size = call(SYS_getdents64, folder, address(names), sizeof names);
    if (size <= 0) break;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(names + at);
      at += entry->d_reclen;
      if (!is_digit(entry->d_name[0]) || count == kMostProcesses) continue;
      int id = 0;
      for (const char* c = entry->d_name; is_digit(*c); ++c) id = id * 10 + (*c - '0');
      table[count].id = id;
      table[count].parent = parent_of(id);
      table[count].doomed = false;
      ++count;
    }
  }
  call(SYS_close, folder);
  return count;
}

SENNIT_KEEPER bool is_doomed(const Entry* table, long count, int id) {
  long low = 0;
  long high = count;
  while (low < high) {
    const long middle = low + (high - low) / 2;
    if (table[middle].id == id) return table[middle].doomed;
    if (table[middle].id < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return false;
}

// Through a pidfd, and only if it is still where it was seen: its id may be another's by now.
SENNIT_KEEPER void strike(const Entry& entry, int self) {
  const long process = call(SYS_pidfd_open, entry.id, 0);
  if (process < 0) return;
  const int parent = parent_of(entry.id);
  if (parent == entry.parent || parent == self) call(SYS_pidfd_send_signal, process, SIGKILL, 0, 0);
  call(SYS_close, process);
}

// Kills each descendant, parents before their children, so that nobody is left to replace the dead. What was forked
// meanwhile comes with the next sweep: only who has not been seen can fork.
SENNIT_KEEPER long kill_descendants(Entry* table, int self) {
  const long count = list_processes(table);
  long doomed = 0;
  bool more = true;
  while (more) {
    more = false;
    for (long i = 0; i < count; ++i) {
      if (table[i].doomed || !(table[i].parent == self || is_doomed(table, count, table[i].parent))) continue;
      table[i].doomed = true;
      more = true;
      ++doomed;
      strike(table[i], self);
    }
  }
  return doomed;
}

// ---- the keeper ----

struct Range {
  unsigned long from, to;
};

// Drops a piece of our memory but for what lies in one of three ranges.
[[maybe_unused]] SENNIT_KEEPER void release(unsigned long from, unsigned long to, const Range* needed) {
  while (from < to) {
    // The next part to be kept, or the end.
    unsigned long keep_from = to;
    unsigned long keep_to = to;
    for (int i = 0; i < 3; ++i) {
      if (needed[i].to <= from || needed[i].from >= keep_from) continue;
      keep_from = needed[i].from > from ? needed[i].from : from;
      keep_to = needed[i].to < to ? needed[i].to : to;
    }
    if (keep_from > from)
      call(SYS_madvise, static_cast<long>(from), static_cast<long>(keep_from - from), MADV_DONTNEED);
    from = keep_to;
  }
}

// Rounded to what every page size divides.
[[maybe_unused]] SENNIT_KEEPER Range around(unsigned long first, unsigned long last) {
  Range range;
  range.from = (first & ~(kNeeded - 1)) - kNeeded;
  range.to = (last & ~(kNeeded - 1)) + 2 * kNeeded;
  return range;
}

// A keeper that lives for hours would hold on to every page of ours as it was at the fork, and we would have to copy
// what we write to. So it lets go of all memory but code, libraries' variables, its stack, its thread's block and what
// the command gets; before it forks the command, which makes that cheap. From then on not even the dynamic linker may
// be needed: what call() uses has been bound before.
SENNIT_KEEPER void release_memory(const Plan& plan) {
  if (kSanitized) return;  // functions may be entered through a runtime that has memory of its own
  call(SYS_close, -1);     // fails: errno is bound too now
  const auto stack = static_cast<unsigned long>(address(__builtin_frame_address(0)));
  const auto thread = static_cast<unsigned long>(address(__builtin_thread_pointer()));
  const auto words = static_cast<unsigned long>(address(plan.words.data()));
  // All of them lie in mappings that may have grown together with others.
  Range needed[3];
  needed[0] = around(stack, stack);
  needed[1] = around(thread, thread);
  needed[2] = around(words, words + plan.words.size());
  const long maps = call(SYS_openat, AT_FDCWD, address("/proc/self/maps"), O_RDONLY | O_CLOEXEC);
  if (maps < 0) return;
  // start-end rw-p offset device inode path
  char text[4096];
  char rights[4];
  unsigned long number[2];
  int field = 0;
  int letter = 0;
  bool candidate = true;
  number[0] = number[1] = 0;
  rights[0] = rights[1] = rights[2] = rights[3] = '-';
  for (;;) {
    const long size = call(SYS_read, maps, address(text), sizeof text);
    if (size <= 0) break;
    for (long i = 0; i < size; ++i) {
      const char c = text[i];
      if (c == '\n') {
        const bool private_data = rights[0] == 'r' && rights[1] == 'w' && rights[3] == 'p';
        if (candidate && private_data) release(number[0], number[1], needed);
        field = letter = 0;
        number[0] = number[1] = 0;
        candidate = true;
      } else if (c == ' ' && field < 5) {
        ++field;
        letter = 0;
      } else if (field == 0 && c == '-') {
        letter = 1;  // of the two numbers
      } else if (field == 0) {
        const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
        number[letter] = number[letter] << 4U | static_cast<unsigned long>(digit);
      } else if (field == 1) {
        if (letter < 4) rights[letter++] = c;
      } else if (field == 4 && c != '0') {
        candidate = false;  // an inode: the memory of a file
      } else if (field == 5 && c != ' ') {
        // "[heap]" and "[anon…" may go, "[stack]" may not: the first letter tells.
        if (letter == 1 && c != 'h' && c != 'a') candidate = false;
        ++letter;
      }
    }
  }
  call(SYS_close, maps);
}

// Takes in every child that has ended. False once there is none left at all.
SENNIT_KEEPER bool reap(long command, int& status, bool& command_ended, bool& any) {
  for (;;) {
    int ended = 0;
    const long id = call(SYS_wait4, -1, address(&ended), WNOHANG | __WALL);
    if (id == -EINTR) continue;
    if (id == 0) return true;
    if (id < 0) return false;
    any = true;
    if (id != command) continue;
    status = ended;
    command_ended = true;
  }
}

SENNIT_KEEPER void forget_deaths(int deaths) {
  signalfd_siginfo information;
  while (call(SYS_read, deaths, address(&information), sizeof information) > 0) {
  }
}

// Gives the number of those that could not be killed.
SENNIT_KEEPER long kill_tree(long command, int self, int deaths, int& status, bool& command_ended) {
  bool first = true;
  long alive = 0;
  long last_death = now();
  // Most trees are one group. The leader's id is nobody else's before it is reaped.
  if (!command_ended) call(SYS_kill, -command, SIGKILL);
  if (!command_ended) call(SYS_kill, command, SIGKILL);
  for (;;) {
    forget_deaths(deaths);
    bool any = false;
    if (!reap(command, status, command_ended, any)) return 0;
    if (any) last_death = now();
    if (now() - last_death > kGiveUpAfter) return alive > 0 ? alive : 1;
    if (!first) alive = kill_descendants(processes, self);
    first = false;  // the group needs a moment
    pollfd death;
    death.fd = deaths;
    death.events = POLLIN;
    wait_for(&death, 1, kSweepEvery);
  }
}

[[noreturn]] SENNIT_KEEPER void keep(const Plan& plan) {
  const int control = plan.control;
  const int host = plan.host;
  int execute = plan.execute_read;
  reset_signals();
  call(SYS_setsid);  // a terminal's signals are none of its business; all that can be are blocked as well
  call(SYS_prctl, PR_SET_NAME, address("sennit-keeper"));
  const int self = static_cast<int>(call(SYS_getpid));
  long failed = call(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1);
  const std::uint64_t child_ended = std::uint64_t{1} << (SIGCHLD - 1);
  const long deaths_or_error =
      call(SYS_signalfd4, -1, address(&child_ended), sizeof child_ended, SFD_CLOEXEC | SFD_NONBLOCK);
  if (deaths_or_error < 0) failed = deaths_or_error;
  const int deaths = static_cast<int>(deaths_or_error);
  release_memory(plan);
  const long command = failed < 0 ? failed : call(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (command < 0) {
    send(control, Kind::failed, -command, static_cast<long>(Step::fork));
    leave(0);
  }
  if (command == 0) become_command(plan, self);

  int kept[4];
  kept[0] = control;
  kept[1] = host;
  kept[2] = execute;
  kept[3] = deaths;
  close_all_but(kept, 4);
  call(SYS_chdir, address("/"));

  bool stop = false;
  bool command_ended = false;
  int status = 0;
  long deadline = -1;
  while (!stop && !command_ended) {
    pollfd ready[4];
    ready[0].fd = control;
    ready[1].fd = host;
    ready[2].fd = deaths;
    ready[3].fd = execute;  // negative, and skipped, once it is over
    for (pollfd& entry : ready) entry.events = POLLIN;
    const long left = deadline < 0 ? -1 : deadline - now();
    if (deadline >= 0 && left <= 0) break;
    wait_for(ready, 4, left);
    if (ready[2].revents != 0) {
      forget_deaths(deaths);
      bool any = false;
      reap(command, status, command_ended, any);
    }
    // A command that has ended has closed this pipe: then there is no waiting here.
    if (execute >= 0 && (ready[3].revents != 0 || command_ended)) {
      std::int32_t failure[2];
      if (call(SYS_read, execute, address(failure), sizeof failure) == sizeof failure) {
        send(control, Kind::failed, failure[0], failure[1]);
      } else {
        send(control, Kind::started, command, 0);
      }
      call(SYS_close, execute);
      execute = -1;
    }
    if (ready[0].revents != 0) {
      Message message;
      const long size = call(SYS_recvfrom, control, address(&message), sizeof message, MSG_DONTWAIT);
      if (size == sizeof message && message.kind == Kind::terminate) {
        const bool first = deadline < 0;  // a second SIGTERM makes many a program give up cleaning up
        const long end = now() + message.value;
        if (first || end < deadline) deadline = end;
        if (first && !command_ended) {
          call(SYS_kill, -command, SIGTERM);
          call(SYS_kill, -command, SIGCONT);  // what is stopped does not hear it
        }
      } else if (size != -EAGAIN && size != -EINTR) {
        stop = true;
      }
    }
    if (ready[1].revents != 0) stop = true;
  }
  const long survivors = kill_tree(command, self, deaths, status, command_ended);
  send(control, Kind::ended, status, survivors);
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
  launched.error = keeper < 0 ? static_cast<int>(-keeper) : 0;
  return launched;
}

}  // namespace sennit::keeper
