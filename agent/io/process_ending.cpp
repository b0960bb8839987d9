// A keeper's end is waited for on its loop. A loop that ends first destroys what waits on it, which is the last chance.
#include <sennit/agent/io/process_ending.hpp>

#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include <cerrno>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace sennit::process {
namespace {

// How long the end of a loop waits for a keeper that has been told to end. Killing a tree takes milliseconds.
constexpr int kLastWait = 1'000;

// Those that did not end within kLastWait of the end of their loop.
class Leftovers {
 public:
  static Leftovers& all() {
    static auto* const leftovers = new Leftovers;  // used by destructors: must outlive all of them
    return *leftovers;
  }
  void add(Descriptor pidfd) {
    const std::lock_guard lock(mutex_);
    pidfds_.push_back(std::move(pidfd));
  }
  void look() {
    const std::lock_guard lock(mutex_);
    std::erase_if(pidfds_, [](const Descriptor& pidfd) { return take_in(pidfd.get()); });
  }

 private:
  std::mutex mutex_;
  std::vector<Descriptor> pidfds_;
};

// Waits for the end on the loop. Holds nothing of Asio before it runs there: an Ending may be posted to a loop that is
// being destroyed.
class WaitForEnd {
 public:
  WaitForEnd(asio::any_io_executor executor, Ending ending)
      : executor_(std::move(executor)), ending_(std::move(ending)) {}
  void operator()() {
    struct Waiting {
      Waiting(const asio::any_io_executor& executor, Ending keeper) : ending(std::move(keeper)), stream(executor) {}
      Ending ending;
      Stream stream;
    };
    // The stream closes what it is given, and the Ending must have one left when the stream has gone.
    Descriptor copy(::fcntl(ending_.pidfd(), F_DUPFD_CLOEXEC, 0));
    if (copy.get() < 0) return;  // out of descriptors: our Ending waits
    try {
      const auto waiting = std::make_shared<Waiting>(executor_, std::move(ending_));
      hand_over(copy, waiting->stream);
      waiting->stream.async_wait(Stream::wait_read, [waiting](const boost::system::error_code&) {});
    } catch (...) {  // out of something else: it has waited
    }
  }

 private:
  asio::any_io_executor executor_;
  Ending ending_;
};

}  // namespace

bool take_in(int pidfd) {
  siginfo_t information{};
  int result = 0;
  do {
    result = ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &information, WEXITED | WNOHANG | __WALL);
  } while (result != 0 && errno == EINTR);
  return result != 0 || information.si_pid != 0;
}

Ending::~Ending() {
  if (pidfd_.get() < 0 || take_in(pidfd_.get())) return;
  pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  ::poll(&ended, 1, kLastWait);
  if (!take_in(pidfd_.get())) Leftovers::all().add(std::move(pidfd_));
}

void end_on(const asio::any_io_executor& executor, Ending ending) noexcept {
  try {
    asio::post(executor, WaitForEnd(executor, std::move(ending)));
  } catch (...) {  // no memory: the Ending has waited
  }
}

void take_in_leftovers() {
  Leftovers::all().look();
}

}  // namespace sennit::process
