// Ways to the network, to services of this machine, and to others' sockets.
#include "tools/escapes.hpp"

namespace sennit::testing {

const std::vector<Attempt>& network_attempts() {
  static const std::vector<Attempt> attempts{
      {"connect to a server on this machine", "socket.create_connection(('127.0.0.1', PORT), 2)\nescaped()"},
      {"connect by 0.0.0.0", "socket.create_connection(('0.0.0.0', PORT), 2)\nescaped()"},
      {"connect by IPv6", "socket.create_connection(('::1', PORT), 2)\nescaped()"},
      {"connect by an IPv4 address in IPv6",
       "s = socket.socket(socket.AF_INET6)\ns.settimeout(2)\ns.connect(('::ffff:127.0.0.1', PORT))\nescaped()"},
      {"connect to a public address", "socket.create_connection(('1.1.1.1', 80), 2)\nescaped()"},
      {"connect to the cloud's metadata", "socket.create_connection(('169.254.169.254', 80), 2)\nescaped()"},
      {"scan the machine's own ports", R"PY(for port in range(1, 32768, 127):
    s = socket.socket()
    if s.connect_ex(('127.0.0.1', port)) == 0: escaped(port)
    s.close())PY"},
      {"send a datagram", "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(b'x', ('127.0.0.1', UDP))"},
      {"send a datagram to everybody", R"PY(s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
for to in ('255.255.255.255', '127.255.255.255', '224.0.0.1'): quietly(s.sendto, b'x', (to, UDP)))PY"},
      {"ask for a name", "escaped(socket.getaddrinfo('example.com', 80))"},
      {"ask a name server by hand",
       "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.settimeout(1)\ns.connect(('8.8.8.8', 53))\n"
       "s.send(bytes.fromhex('000101000001000000000000076578616d706c6503636f6d0000010001'))\nescaped(s.recv(512))"},
      {"open a raw socket", "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)\nescaped()"},
      {"open a raw IPv6 socket", "socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58)\nescaped()"},
      {"listen to every packet", "socket.socket(17, socket.SOCK_RAW, 0x0300)\nescaped()"},
      {"ping",
       "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1)\ns.settimeout(1)\n"
       "s.sendto(b'\\x08\\0\\xf7\\xff\\0\\0\\0\\0', ('1.1.1.1', 0))\nescaped(s.recv(64))"},
      {"configure interfaces by netlink", "socket.socket(16, socket.SOCK_RAW, 0)\nescaped()"},
      {"listen to the kernel's events", "socket.socket(16, socket.SOCK_DGRAM, 15)\nescaped()"},
      {"reach the hypervisor by vsock", "s = socket.socket(40, socket.SOCK_STREAM)\nescaped()"},
      {"open a crypto socket", "socket.socket(38, socket.SOCK_SEQPACKET)\nescaped()"},
      {"open sockets of every other family", R"PY(for family in range(3, 64):
    if family != socket.AF_INET6 and libc.socket(family, 3, 0) >= 0: escaped(family)
    if family != socket.AF_INET6 and libc.socket(family, 2, 0) >= 0: escaped(family))PY"},
      {"hide a family in the upper half of its number",
       "r = libc.syscall(ctypes.c_long(41), ctypes.c_long((1 << 32) | 16), ctypes.c_long(3), ctypes.c_long(0))\n"
       "if os.uname().machine == 'x86_64' and r >= 0: escaped()"},
      {"connect to an abstract socket", "s = socket.socket(socket.AF_UNIX)\ns.connect('\\0' + ABSTRACT)\nescaped()"},
      {"connect to a socket in a hidden folder", "s = socket.socket(socket.AF_UNIX)\ns.connect(UNIX)\nescaped()"},
      {"connect to services in /run",
       R"PY(for path in ('/run/dbus/system_bus_socket', '/var/run/docker.sock', '/run/docker.sock',
             '/run/systemd/private', '/run/containerd/containerd.sock', '/run/nscd/socket', '/var/run/nscd/socket'):
    s = socket.socket(socket.AF_UNIX)
    if s.connect_ex(path) == 0: escaped(path))PY"},
      {"give itself another interface", R"PY(import fcntl
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
request = struct.pack('16sH14s', b'tun0', 0x0001, b'')
for number in (0x8914, 0x8916, 0x89a0, 0x8946): quietly(fcntl.ioctl, s, number, request)
if fcntl.ioctl(os.open('/dev/net/tun', os.O_RDWR), 0x400454ca, request): escaped())PY"},
      {"bind to a privileged port of this machine",
       "s = socket.socket()\ns.setsockopt(socket.SOL_SOCKET, 25, b'eth0')\nescaped()"},
      {"enter the network of the first process",
       "fd = os.open('/proc/1/ns/net', os.O_RDONLY)\nif call('setns', fd, 0) == 0:\n"
       "    socket.create_connection(('127.0.0.1', PORT), 2)\n    escaped()"},
      {"make a network of its own and configure it", "if call('unshare', 0x40000000) == 0: escaped()"},
      {"use the shell's own sockets",
       "r = subprocess.run(['/bin/bash', '-c', 'echo x > /dev/tcp/127.0.0.1/%d' % PORT])\nif r.returncode == 0: "
       "escaped()"},
      {"connect with every kind of stream", R"PY(for protocol in (0, 6, 132, 262, 33, 136):
    for kind in (1, 2, 5):
        s = libc.socket(2, kind, protocol)
        address = struct.pack('=HHI8x', 2, socket.htons(PORT), socket.htonl(0x7f000001))
        if s >= 0 and kind != 2 and libc.connect(s, address, 16) == 0: escaped(protocol))PY"},
      {"connect fast open", R"PY(s = socket.socket()
s.sendto(b'GET / HTTP/1.0\r\n\r\n', 0x20000000, ('127.0.0.1', PORT)))PY"},
  };
  return attempts;
}

}  // namespace sennit::testing
