// A network for one command: the loopback, and a socket that listens there. The socket works wherever it is held, so
// whoever accepts on it is the command's only way out, without a program in between and without an address that
// anything else could reach.
#include <sennit/agent/io/process_keeper_parts.hpp>

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>

namespace sennit::keeper {
namespace {

constexpr int kWaiting = 64;  // connections that are not accepted yet

SENNIT_KEEPER long write_file(const char* path, const char* text, long length) {
  const long file = call(SYS_openat, AT_FDCWD, address(path), O_WRONLY | O_CLOEXEC);
  if (file < 0) return file;
  const long written = call(SYS_write, file, address(text), length);
  call(SYS_close, file);
  return written < 0 ? written : 0;
}

// "1000 1000 1": we stay who we are.
SENNIT_KEEPER long write_map(const char* path, unsigned long id) {
  char text[32];
  long length = 0;
  for (int i = 0; i < 2; ++i) {
    char digits[16];
    int count = 0;
    unsigned long rest = id;
    do {
      digits[count++] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest > 0);
    while (count > 0) text[length++] = digits[--count];
    text[length++] = ' ';
  }
  text[length++] = '1';
  return write_file(path, text, length);
}

// Who may not make a network namespace may do so inside a user namespace of his own.
SENNIT_KEEPER long leave_network() {
  const long left = call(SYS_unshare, CLONE_NEWNET);
  if (left != -EPERM) return left;
  const auto user = static_cast<unsigned long>(call(SYS_geteuid));
  const auto group = static_cast<unsigned long>(call(SYS_getegid));
  long result = call(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNET);
  if (result >= 0) result = write_file("/proc/self/setgroups", "deny", 4);
  if (result >= 0) result = write_map("/proc/self/uid_map", user);
  if (result >= 0) result = write_map("/proc/self/gid_map", group);
  return result;
}

SENNIT_KEEPER long raise_loopback(long socket) {
  ifreq request;
  for (volatile char& c : request.ifr_name) c = 0;
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = 0;
  const long result = call(SYS_ioctl, socket, SIOCGIFFLAGS, address(&request));
  if (result < 0) return result;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return call(SYS_ioctl, socket, SIOCSIFFLAGS, address(&request));
}

SENNIT_KEEPER long listen_on(long socket, std::uint16_t port) {
  sockaddr_in place;
  for (volatile unsigned char& c : place.sin_zero) c = 0;
  place.sin_family = AF_INET;
  place.sin_port = static_cast<std::uint16_t>((port & 0xffU) << 8U | port >> 8U);
  place.sin_addr.s_addr = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0x0100007fU : 0x7f000001U;
  const long bound = call(SYS_bind, socket, address(&place), sizeof place);
  return bound < 0 ? bound : call(SYS_listen, socket, kWaiting);
}

SENNIT_KEEPER long send_socket(int to, long socket) {
  char byte;
  byte = 0;
  iovec piece;
  piece.iov_base = &byte;
  piece.iov_len = 1;
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))];
  for (volatile char& c : room) c = 0;
  msghdr message;
  message.msg_name = nullptr;
  message.msg_namelen = 0;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  message.msg_flags = 0;
  auto* header = reinterpret_cast<cmsghdr*>(room);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  *reinterpret_cast<int*>(room + CMSG_LEN(0)) = static_cast<int>(socket);
  const long sent = call(SYS_sendmsg, to, address(&message), MSG_NOSIGNAL);
  return sent < 0 ? sent : 0;
}

}  // namespace

SENNIT_KEEPER long make_network(const Plan& plan) {
  long result = leave_network();
  if (result < 0) return result;
  const long socket = call(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return socket;
  result = raise_loopback(socket);
  if (result >= 0) result = listen_on(socket, plan.port);
  if (result >= 0) result = send_socket(plan.network, socket);
  call(SYS_close, socket);
  return result;
}

}  // namespace sennit::keeper
