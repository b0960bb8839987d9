// Pipes between us and a child: made so that both can live with them, and used without signals.
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/process_errors.hpp>
#include <sennit/agent/io/process_pipes.hpp>

#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace sennit::process {
namespace {

Pair make_pair(const std::string& program, int made, const int (&ends)[2]) {
  if (made != 0) throw scarce(program, errno);
  Descriptor first(ends[0]);
  Descriptor second(ends[1]);
  Pair pair;
  pair.first = above_standard(program, std::move(first));
  pair.second = above_standard(program, std::move(second));
  return pair;
}

// write() to a pipe that nobody reads, without the SIGPIPE: it is for the writing thread, and is taken back from it.
ssize_t write_quietly(int pipe, std::string_view bytes) {
  sigset_t broken;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &broken, &before);
  const ssize_t written = ::write(pipe, bytes.data(), bytes.size());
  const int error = errno;
  if (written < 0 && error == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
    const timespec at_once{};
    while (sigtimedwait(&broken, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Descriptor above_standard(const std::string& program, Descriptor descriptor) {
  if (descriptor.get() > STDERR_FILENO) return descriptor;
  const int copy = ::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (copy < 0) throw scarce(program, errno);
  return Descriptor(copy);
}

Pair make_pipe(const std::string& program) {
  int ends[2];
  const int made = ::pipe2(ends, O_CLOEXEC);
  return make_pair(program, made, ends);
}

Pair make_sockets(const std::string& program) {
  int ends[2];
  const int made = ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
  return make_pair(program, made, ends);
}

void do_not_block(const Descriptor& descriptor) {
  ::fcntl(descriptor.get(), F_SETFL, ::fcntl(descriptor.get(), F_GETFL) | O_NONBLOCK);
}

void hand_over(Descriptor& descriptor, Stream& stream) {
  stream.assign(descriptor.get());
  static_cast<void>(descriptor.release());
}

asio::awaitable<void> ready(Stream& stream, Stream::wait_type what) {
  try {
    co_await stream.async_wait(what, asio::use_awaitable);
  } catch (...) {
    throw current_error();
  }
  // The news of its readiness may have been on its way when the Process was destroyed.
  if (!stream.is_open()) throw Error(errc::cancelled, "cancelled");
}

std::optional<std::size_t> try_read(Stream& stream, std::span<char> buffer, const std::string& program) {
  if (buffer.empty()) throw Error(errc::invalid_argument, "reading from " + program + " needs room");
  const ssize_t length = ::read(stream.native_handle(), buffer.data(), buffer.size());
  if (length >= 0) return static_cast<std::size_t>(length);
  if (errno == EAGAIN || errno == EINTR) return std::nullopt;
  throw Error(errc::io, "cannot read from " + program + ": " + words(errno));
}

// Before each read the loop has its turn: a child that writes without pause must not keep it from other work.
asio::awaitable<std::size_t> read_some(Stream& stream, std::span<char> buffer, const std::string& program) {
  for (;;) {
    co_await ready(stream, Stream::wait_read);
    if (const auto length = try_read(stream, buffer, program)) co_return *length;
  }
}

asio::awaitable<void> write_all(Stream& stream, const std::string& bytes, const std::string& program) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    co_await ready(stream, Stream::wait_write);
    const ssize_t length = write_quietly(stream.native_handle(), rest);
    if (length >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(length));
    } else if (errno == EPIPE) {
      throw Error(errc::io, program + " does not read its input any more");
    } else if (errno != EAGAIN && errno != EINTR) {
      throw Error(errc::io, "cannot write to " + program + ": " + words(errno));
    }
  }
}

}  // namespace sennit::process
