// The few calls that the keeper and the command before its execution have in common.
#include <sennit/agent/io/process_keeper_parts.hpp>

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace sennit::keeper {

SENNIT_KEEPER long call(long number, long a, long b, long c, long d, long e, long f) {
  const long result = ::syscall(number, a, b, c, d, e, f);
  return result == -1 ? -static_cast<long>(errno) : result;
}

[[noreturn]] SENNIT_KEEPER void leave(int code) {
  for (;;) call(SYS_exit_group, code);
}

SENNIT_KEEPER long now() {
  timespec time;
  call(SYS_clock_gettime, CLOCK_MONOTONIC, address(&time));
  return time.tv_sec * 1'000L + time.tv_nsec / 1'000'000L;
}

SENNIT_KEEPER void wait_for(pollfd* descriptors, long count, long limit) {
  timespec time;
  time.tv_sec = limit / 1'000;
  time.tv_nsec = limit % 1'000 * 1'000'000;
  for (long i = 0; i < count; ++i) descriptors[i].revents = 0;
  call(SYS_ppoll, address(descriptors), count, limit < 0 ? 0 : address(&time));
}

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

}  // namespace sennit::keeper
