#include <sennit/agent/io/error.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/program.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace sennit::app {
namespace {

constexpr int kStuckMilliseconds = 1000;
/// What may be drawn behind a question before the run has to wait for its answer.
constexpr std::size_t kHeldBytes = 256U << 10U;

/// A non-blocking descriptor of our own for the same terminal or pipe, or -1 (files never block; sockets cannot be
/// opened twice and are written as they are).
int open_again(int descriptor) {
  struct stat facts{};
  if (::fstat(descriptor, &facts) != 0 || !(S_ISFIFO(facts.st_mode) || S_ISCHR(facts.st_mode))) return -1;
  if ((::fcntl(descriptor, F_GETFL) & O_ACCMODE) == O_RDONLY) return -1;  // not to be written: stays so
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  return ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

std::string words_for(int failure) {
  return failure == EPIPE ? "the output was closed by its reader"
                          : std::string("the output cannot be written: ") + std::strerror(failure);
}

}  // namespace

struct Output::State {
  explicit State(const asio::any_io_executor& executor) : descriptor(executor), released(executor) {}
  asio::posix::stream_descriptor descriptor;  // open if it is our own
  asio::steady_timer released;                // expires when text is no longer held
};

Output::Output(const asio::any_io_executor& executor, int descriptor)
    : state_(std::make_unique<State>(executor)), descriptor_(descriptor), terminal_(::isatty(descriptor) == 1) {
  const int own = open_again(descriptor);
  if (own < 0) return;
  boost::system::error_code error;
  state_->descriptor.assign(own, error);
  if (error) {  // /dev/null cannot be waited for, and need not be
    ::close(own);
  } else {
    descriptor_ = own;
  }
}

Output::~Output() = default;

/// Writes what fits now. False: the reader must take something first.
bool Output::write_some(std::string& text) {
  while (!text.empty() && failure_ == 0) {
    const ssize_t written = ::write(descriptor_, text.data(), text.size());
    if (written > 0) {
      text.erase(0, static_cast<std::size_t>(written));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return false;
    } else if (errno != EINTR) {
      failure_ = errno;
    }
  }
  return true;
}

asio::awaitable<void> Output::flush() {
  while (held_) {
    if (buffer_.size() < kHeldBytes) co_return;
    boost::system::error_code ignored;
    state_->released.expires_at(asio::steady_timer::time_point::max());
    co_await state_->released.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  while (!write_some(buffer_)) {
    if (state_->descriptor.is_open()) {
      co_await state_->descriptor.async_wait(asio::posix::stream_descriptor::wait_write, asio::use_awaitable);
    } else {
      pollfd ready{descriptor_, POLLOUT, 0};
      ::poll(&ready, 1, kStuckMilliseconds);
    }
  }
  if (failure_ != 0) {
    buffer_.clear();
    throw Error(errc::io, words_for(failure_));
  }
}

void Output::hold(bool on) {
  held_ = on;
  if (!on) state_->released.cancel();
}

void Output::write_all(std::string& text) {
  while (!write_some(text)) {
    pollfd ready{descriptor_, POLLOUT, 0};
    if (::poll(&ready, 1, kStuckMilliseconds) <= 0) return;
  }
  if (failure_ != 0) text.clear();
}

bool Output::closed() const {
  return failure_ == EPIPE || (failure_ != 0 && terminal_);
}

void Output::flush_now() {
  write_all(buffer_);
}

void Output::say(std::string_view text) {
  std::string rest(text);
  write_all(rest);
}

void open_standard_streams() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one.
    if (::open("/dev/null", descriptor == STDOUT_FILENO ? O_RDONLY : O_RDWR) < 0) return;
  }
}

int print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd ready{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno == EPIPE) {
      return kExitClosed;
    } else if (errno != EINTR) {
      return report(Error(errc::io, words_for(errno)));
    }
  }
  return kExitCompleted;
}

}  // namespace sennit::app
