// Killing a whole tree, though its members may fork and leave their sessions meanwhile. The keeper is a subreaper: "no
// child left" means "nobody left", so it looks into /proc and kills until the kernel says that.
#include <sennit/agent/io/process_keeper_parts.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>

namespace sennit::keeper {
namespace {

// How long nothing may die before the keeper gives up on what does not: SIGKILL works within milliseconds, or never.
constexpr long kGiveUpAfter = 2'000;
// Between two sweeps over /proc, unless a death comes first.
constexpr long kSweepEvery = 10;
// The processes of the machine that a sweep looks at.
constexpr long kMostProcesses = 1L << 17;

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

SENNIT_KEEPER void forget_deaths(int deaths) {
  signalfd_siginfo information;
  while (call(SYS_read, deaths, address(&information), sizeof information) > 0) {
  }
}

}  // namespace

SENNIT_KEEPER Reaped reap(Tree& tree) {
  forget_deaths(tree.deaths);
  Reaped reaped;
  reaped.any = false;
  for (;;) {
    int ended = 0;
    const long id = call(SYS_wait4, -1, address(&ended), WNOHANG | __WALL);
    if (id == -EINTR) continue;
    reaped.left = id == 0;
    if (id <= 0) return reaped;
    reaped.any = true;
    if (id != tree.command) continue;
    tree.status = ended;
    tree.command_ended = true;
  }
}

SENNIT_KEEPER long kill_tree(Tree& tree) {
  bool first = true;
  long alive = 0;
  long last_death = now();
  // Most trees are one group. The leader's id is nobody else's before it is reaped.
  if (!tree.command_ended) call(SYS_kill, -tree.command, SIGKILL);
  if (!tree.command_ended) call(SYS_kill, tree.command, SIGKILL);
  for (;;) {
    const Reaped reaped = reap(tree);
    if (!reaped.left) return 0;
    if (reaped.any) last_death = now();
    if (now() - last_death > kGiveUpAfter) return alive > 0 ? alive : 1;
    if (!first) alive = kill_descendants(processes, tree.self);
    first = false;  // the group needs a moment
    pollfd death;
    death.fd = tree.deaths;
    death.events = POLLIN;
    wait_for(&death, 1, kSweepEvery);
  }
}

}  // namespace sennit::keeper
