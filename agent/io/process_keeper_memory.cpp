// The memory that a fork leaves the keeper with is a snapshot of all of ours. One that lives for hours would hold on to
// every page as it was then, and we would have to copy what we write to. Measured beside a host that uses 570 MB, its
// share would be 284 MB and grow to 540 MB while the host rewrites its own; like this it is 1.3 MB. Nothing simpler
// gets there: there is no other program to execute, MADV_DONTFORK would have to know each piece of everybody's heap,
// and a keeper that shares our memory (CLONE_VM) is killed together with us when the system runs out of it.
//
// So it lets go of all memory but code, libraries' variables, its stack, its thread's block and what the command gets;
// before it forks the command, which makes that cheap.
#include <sennit/agent/io/process_keeper_parts.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SENNIT_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SENNIT_SANITIZED
#endif
#endif

namespace sennit::keeper {
namespace {

#if defined(SENNIT_SANITIZED)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Kept around the stack's and the thread's pointers: our frames take 30 KiB, a thread's block some KiB.
constexpr unsigned long kNeeded = 1UL << 18U;

struct Range {
  unsigned long from, to;
};

// Rounded to what every page size divides.
SENNIT_KEEPER Range around(unsigned long first, unsigned long last) {
  Range range;
  range.from = (first & ~(kNeeded - 1)) - kNeeded;
  range.to = (last & ~(kNeeded - 1)) + 2 * kNeeded;
  return range;
}

// Drops a piece of our memory but for what is needed.
SENNIT_KEEPER void release(unsigned long from, unsigned long to, const Range* needed, int count) {
  if (from >= to) return;
  if (count == 0) {
    call(SYS_madvise, static_cast<long>(from), static_cast<long>(to - from), MADV_DONTNEED);
    return;
  }
  release(from, to < needed->from ? to : needed->from, needed + 1, count - 1);
  release(from > needed->to ? from : needed->to, to, needed + 1, count - 1);
}

// /proc/self/maps, letter by letter.
struct Maps {
  long file;
  long at;
  long size;
  char text[4096];
};

// 0 at the end.
SENNIT_KEEPER char next(Maps& maps) {
  if (maps.at == maps.size) {
    maps.at = 0;
    maps.size = call(SYS_read, maps.file, address(maps.text), sizeof maps.text);
    if (maps.size <= 0) {
      maps.size = 0;
      return '\0';
    }
  }
  return maps.text[maps.at++];
}

// Hexadecimal; the letter behind it is taken as well.
SENNIT_KEEPER unsigned long next_number(Maps& maps) {
  unsigned long number = 0;
  for (;;) {
    const char c = next(maps);
    if (c >= '0' && c <= '9') {
      number = number << 4U | static_cast<unsigned long>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      number = number << 4U | static_cast<unsigned long>(c - 'a' + 10);
    } else {
      return number;
    }
  }
}

// Reads a line: start-end rw-p offset major:minor inode path. Gives the range that it is about, an empty one if that
// has to stay; false at the end.
SENNIT_KEEPER bool next_mapping(Maps& maps, Range& mapping) {
  mapping.from = next_number(maps);
  mapping.to = next_number(maps);
  if (mapping.to == 0) return false;
  next(maps);
  const bool writable = next(maps) == 'w';
  next(maps);
  const bool is_private = next(maps) == 'p';
  next(maps);
  next_number(maps);
  next_number(maps);
  next_number(maps);
  const bool is_file = next_number(maps) != 0;
  char c = next(maps);
  while (c == ' ') c = next(maps);
  // "[heap]" and "[anon…" may go.
  const bool is_stack = c == '[' && next(maps) == 's';
  while (c != '\n' && c != '\0') c = next(maps);
  if (!writable || !is_private || is_file || is_stack) mapping.to = mapping.from;
  return true;
}

}  // namespace

SENNIT_KEEPER void release_memory(const Plan& plan) {
  if (kSanitized) return;  // functions may be entered through a runtime that has memory of its own
  // The dynamic linker's memory goes too: what call() uses has to be bound before. This fails, so errno is as well.
  call(SYS_close, -1);
  const auto stack = static_cast<unsigned long>(address(__builtin_frame_address(0)));
  const auto thread = static_cast<unsigned long>(address(__builtin_thread_pointer()));
  const auto words = static_cast<unsigned long>(address(plan.words.data()));
  // All of them lie in mappings that may have grown together with others.
  Range needed[3];
  needed[0] = around(stack, stack);
  needed[1] = around(thread, thread);
  needed[2] = around(words, words + plan.words.size());
  Maps maps;
  maps.file = call(SYS_openat, AT_FDCWD, address("/proc/self/maps"), O_RDONLY | O_CLOEXEC);
  if (maps.file < 0) return;
  maps.at = maps.size = 0;
  Range mapping;
  while (next_mapping(maps, mapping)) release(mapping.from, mapping.to, needed, 3);
  call(SYS_close, maps.file);
}

}  // namespace sennit::keeper
