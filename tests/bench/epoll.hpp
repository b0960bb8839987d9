// The few system calls of an epoll loop, behind RAII: what the mock server and the limit client stand on.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>

namespace sennit::bench {

/// Throws with the system's words if `result` is -1.
template <class Result>
Result checked(Result result, const char* what) {
  if (result == -1) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

class Epoll {
 public:
  void add(int fd, std::uint32_t events, std::uint64_t data) const { control(EPOLL_CTL_ADD, fd, events, data); }
  void change(int fd, std::uint32_t events, std::uint64_t data) const { control(EPOLL_CTL_MOD, fd, events, data); }

  /// Waits without a limit: a benchmark is ended from outside.
  [[nodiscard]] std::span<const epoll_event> wait() {
    int count = 0;
    do {
      count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), -1);
    } while (count < 0 && errno == EINTR);
    return {events_.data(), static_cast<std::size_t>(checked(count, "epoll_wait"))};
  }

 private:
  void control(int operation, int fd, std::uint32_t events, std::uint64_t data) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = data;
    checked(::epoll_ctl(epoll_.get(), operation, fd, &event), "epoll_ctl");
  }

  Descriptor epoll_{checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::array<epoll_event, 1024> events_{};
};

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline void send_at_once(int fd) {
  int on = 1;
  checked(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

/// Ten thousand connections need more descriptors than a shell gives.
inline void allow_many_descriptors() {
  rlimit limit{};
  checked(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  checked(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

}  // namespace sennit::bench
