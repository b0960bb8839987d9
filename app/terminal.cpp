#include <sennit/agent/io/error.hpp>
#include <sennit/app/terminal.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace sennit::app {
namespace {

/// Keys typed ahead beyond this are dropped.
constexpr std::size_t kTypedAhead = 1U << 20U;

constexpr char kPasteOn[] = "\x1b[?2004h";
constexpr char kPasteOff[] = "\x1b[?2004l";

// For the signal handler below, which may touch nothing else.
termios saved_modes{};
volatile std::sig_atomic_t saved_descriptor = -1;
volatile std::sig_atomic_t paste_marked = 0;

void write_quietly(int descriptor, const char* text, std::size_t size) {
  if (::write(descriptor, text, size) < 0) return;
}

void restore_modes() {
  const int descriptor = saved_descriptor;
  if (descriptor < 0) return;
  if (paste_marked != 0) write_quietly(descriptor, kPasteOff, sizeof kPasteOff - 1);
  ::tcsetattr(descriptor, TCSADRAIN, &saved_modes);
}

extern "C" void on_fatal_signal(int signal) {
  restore_modes();
  ::raise(signal);  // SA_RESETHAND: now with its default effect
}

void guard_fatal_signals() {
  struct sigaction action{};
  action.sa_handler = on_fatal_signal;
  action.sa_flags = SA_RESETHAND;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT}) {
    struct sigaction present{};
    // A sanitizer's handler stays.
    if (::sigaction(signal, nullptr, &present) == 0 && present.sa_handler == SIG_DFL)
      ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace

struct Terminal::State {
  State(asio::io_context& loop, int descriptor) : stream(loop, descriptor) {}
  asio::posix::stream_descriptor stream;
  std::shared_ptr<bool> ready = std::make_shared<bool>(false);
  bool waiting = false;
};

bool Terminal::interactive(int shown_on) {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(shown_on) == 1;
}

std::size_t Terminal::width(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

void Terminal::restore_now() {
  restore_modes();
}

Terminal::Terminal(asio::io_context& loop) : loop_(loop) {
  const int descriptor = ::open("/dev/tty", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) throw Error(errc::io, "there is no terminal to read from");
  state_ = std::make_unique<State>(loop, descriptor);
  ::tcgetattr(descriptor, &saved_modes);
  saved_descriptor = descriptor;
  guard_fatal_signals();
}

Terminal::~Terminal() {
  restore_modes();
  paste_marked = 0;
  saved_descriptor = -1;
}

void Terminal::original() {
  ::tcsetattr(state_->stream.native_handle(), TCSADRAIN, &saved_modes);
}

void Terminal::quiet() {
  termios modes = saved_modes;
  modes.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  modes.c_lflag |= ISIG;
  modes.c_cc[VMIN] = 1;
  modes.c_cc[VTIME] = 0;
  ::tcsetattr(state_->stream.native_handle(), TCSADRAIN, &modes);
}

void Terminal::keys() {
  termios modes = saved_modes;
  modes.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
  modes.c_cc[VMIN] = 1;
  modes.c_cc[VTIME] = 0;
  ::tcsetattr(state_->stream.native_handle(), TCSADRAIN, &modes);
  fetch(typed_);
}

void Terminal::bracketed_paste(bool on) {
  paste_marked = on ? 1 : 0;
  const char* sequence = on ? kPasteOn : kPasteOff;
  write_quietly(state_->stream.native_handle(), sequence, sizeof kPasteOn - 1);
}

/// Takes every byte that is there. False: none was.
bool Terminal::fetch(std::deque<char>& into) {
  std::array<char, 512> bytes{};
  bool any = false;
  for (;;) {
    const ssize_t count = ::read(state_->stream.native_handle(), bytes.data(), bytes.size());
    if (count > 0) {
      any = true;
      if (into.size() < kTypedAhead) into.insert(into.end(), bytes.begin(), bytes.begin() + count);
    } else if (count < 0 && errno == EINTR) {
      continue;
    } else {
      if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) gone_ = true;
      return any;
    }
  }
}

/// Runs the loop until something was typed. False: `stop` said so.
bool Terminal::wait(const std::function<bool()>& stop) {
  if (!state_->waiting) {
    state_->waiting = true;
    *state_->ready = false;
    state_->stream.async_wait(asio::posix::stream_descriptor::wait_read,
                              [ready = state_->ready](boost::system::error_code) { *ready = true; });
  }
  while (!*state_->ready) {
    if (stop()) return false;
    if (loop_.stopped()) loop_.restart();
    loop_.run_one();
  }
  state_->waiting = false;
  return true;
}

std::optional<char> Terminal::read(const std::function<bool()>& stop) {
  while (typed_.empty()) {
    if (fetch(typed_)) break;
    if (gone_ || !wait(stop)) return std::nullopt;
  }
  const char byte = typed_.front();
  typed_.pop_front();
  return byte;
}

std::optional<char> Terminal::read_fresh(const std::function<bool()>& stop) {
  std::deque<char> fresh;
  while (!fetch(fresh)) {
    if (gone_ || !wait(stop)) return std::nullopt;
  }
  return fresh.front();  // what came with it is the rest of an escape sequence, no second answer
}

bool Terminal::more_within(int milliseconds) {
  if (!typed_.empty() || fetch(typed_)) return true;
  pollfd ready{state_->stream.native_handle(), POLLIN, 0};
  return ::poll(&ready, 1, milliseconds) > 0 && fetch(typed_);
}

}  // namespace sennit::app
