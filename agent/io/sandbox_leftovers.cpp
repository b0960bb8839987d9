#include <sennit/agent/io/sandbox_leftovers.hpp>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mutex>
#include <utility>

namespace sennit::sandbox {
namespace {

struct Leftover {
  process::Descriptor keeper;  // a pidfd; none: it has ended
  std::vector<Placeholder> placeholders;
  std::unique_ptr<Gate> gate;
};

bool has_ended(const Leftover& leftover) {
  pollfd ended{.fd = leftover.keeper.get(), .events = POLLIN, .revents = 0};
  return leftover.keeper.get() < 0 || ::poll(&ended, 1, 0) > 0;
}

struct Leftovers {
  std::mutex mutex;
  std::vector<Leftover> all;
  // Placeholders outlive a program that is killed, not one that ends.
  ~Leftovers() = default;
};

Leftovers& leftovers() {
  static Leftovers kept;
  return kept;
}

}  // namespace

void leave_behind(int keeper, std::vector<Placeholder> placeholders, std::unique_ptr<Gate> gate) {
  process::Descriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, keeper, 0)));
  const std::lock_guard lock(leftovers().mutex);
  leftovers().all.push_back({std::move(pidfd), std::move(placeholders), std::move(gate)});
}

void clear_leftovers() {
  const std::lock_guard lock(leftovers().mutex);
  std::erase_if(leftovers().all, has_ended);
}

}  // namespace sennit::sandbox
