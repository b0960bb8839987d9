// Ways through the kernel: namespaces, mounts, rights, interfaces, and what belongs to the machine.
#include "tools/escapes.hpp"

namespace sennit::testing {

const std::vector<Attempt>& kernel_attempts() {
  static const std::vector<Attempt> attempts{
      {"make a user namespace", "if call('unshare', 0x10000000) == 0: escaped()"},
      {"make every other namespace",
       "for flag in (0x00020000, 0x04000000, 0x08000000, 0x20000000, 0x40000000, 0x02000000, 0x80):\n"
       "    if call('unshare', flag) == 0: escaped(hex(flag))"},
      {"clone into a user namespace", R"PY(pid = call('clone', 0x10000000 | 17, 0, 0, 0, 0)
if pid == 0: os._exit(0)
if pid > 0: escaped())PY"},
      {"clone by the newer call",
       R"PY(arguments = ctypes.create_string_buffer(struct.pack('QQQQQQQQ', 0x10000000, 0, 0, 0, 17, 0, 0, 0))
pid = call('clone3', arguments, 64)
if pid == 0: os._exit(0)
if pid > 0: escaped())PY"},
      {"make a user namespace by a program",
       "r = subprocess.run(['/usr/bin/unshare', '-Ur', '/bin/true'])\nif r.returncode == 0: escaped()"},
      {"start another sandbox that is laxer",
       "r = subprocess.run(['/usr/bin/bwrap', '--bind', '/', '/', '--dev', '/dev', '/bin/true'])\nif r.returncode == "
       "0: escaped()"},
      {"enter the namespaces of others", R"PY(for pid in (1, HOST, VICTIM):
    for name in ('user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'):
        fd = quietly(os.open, '/proc/%d/ns/%s' % (pid, name), os.O_RDONLY)
        if fd is not None and call('setns', fd, 0) == 0: escaped(name)
fd = call('pidfd_open', 1, 0)
if call('setns', fd, 0x00020000) == 0: escaped())PY"},
      {"map itself to another user",
       "quietly(write, '/proc/self/setgroups', 'allow')\nwrite('/proc/self/uid_map', '0 0 4294967295')\nescaped()"},
      {"mount a file system", "if call('mount', b'none', b'/tmp', b'tmpfs', 0, None) == 0: escaped()"},
      {"bind a folder elsewhere",
       "if call('mount', b'/usr', (ROOT + '/work').encode(), None, 4096, None) == 0: escaped()"},
      {"make a read-only mount writable",
       "for p in (b'/', b'/usr', READ.encode(), b'/proc/sys'):\n"
       "    if call('mount', None, p, None, 32 | 4096, None) == 0: escaped(p)"},
      {"mount by the newer calls", R"PY(if call('fsopen', b'tmpfs', 0) >= 0: escaped('fsopen')
if call('open_tree', -100, b'/usr', 1) >= 0: escaped('open_tree')
if call('mount_setattr', -100, b'/', 0, ctypes.create_string_buffer(struct.pack('QQQQ', 0, 1, 0, 0)), 32) == 0: escaped('setattr')
if call('move_mount', -100, b'/tmp', -100, b'/home', 0) == 0: escaped('move'))PY"},
      {"take a mount away",
       "for p in (b'/', b'/proc', b'/proc/sys', b'/usr', ROOT.encode()):\n"
       "    if call('umount2', p, 2) == 0: escaped(p)"},
      {"change the root", "os.makedirs('/tmp/r/old')\nif call('pivot_root', b'/tmp/r', b'/tmp/r/old') == 0: escaped()"},
      {"mount control groups",
       "os.mkdir('/tmp/cg')\nfor t in (b'cgroup2', b'cgroup'):\n"
       "    if call('mount', b'none', b'/tmp/cg', t, 0, b'pids') == 0: escaped(t)"},
      {"leave its control group", R"PY(for folder, _, names in os.walk('/sys'):
    for name in names:
        if name in ('cgroup.procs', 'tasks', 'release_agent'): quietly(write, folder + '/' + name, '1'); escaped(folder))PY"},
      {"change the kernel's settings",
       R"PY(for path, value in (('kernel/core_pattern', '|/tmp/evil'), ('kernel/modprobe', '/tmp/evil'), ('vm/overcommit_memory', '1'),
                    ('kernel/hostname', 'evil'), ('kernel/domainname', 'evil'), ('kernel/printk', '9'), ('fs/binfmt_misc/register', ':x:M::x::/tmp/evil:'),
                    ('net/ipv4/ip_forward', '1'), ('kernel/ns_last_pid', '1'), ('user/max_user_namespaces', '9999')):
    if quietly(write, '/proc/sys/' + path, value) is None and (quietly(read, '/proc/sys/' + path) or '').strip() == value: escaped(path))PY"},
      {"press the machine's emergency key", "write('/proc/sysrq-trigger', 'h')\nescaped()"},
      {"read the kernel's memory",
       R"PY(for path in ('/proc/kcore', '/proc/kallsyms', '/proc/vmallocinfo', '/proc/iomem', '/proc/keys', '/proc/timer_list', '/proc/slabinfo'):
    if quietly(read, path): escaped(path))PY"},
      {"read the kernel's messages",
       "if quietly(read, '/dev/kmsg'): escaped()\nif call('syslog', 3, ctypes.create_string_buffer(4096), 4096) > 0: "
       "escaped()"},
      {"write a message of the kernel's", "write('/dev/kmsg', 'evil')\nescaped()"},
      {"use devices through /sys",
       "for p in ('/sys/power/state', '/sys/kernel/uevent_helper', '/sys/class'):\n"
       "    if os.path.exists(p): escaped(p)"},
      {"load a module", R"PY(call('init_module', ctypes.create_string_buffer(64), 64, b'')
fd = os.open('/usr/bin/env', os.O_RDONLY)
if call('finit_module', fd, b'', 0) == 0 or call('delete_module', b'loop', 0) == 0: escaped())PY"},
      {"start another kernel", "if call('kexec_load', 0, 0, None, 0) == 0: escaped()"},
      {"restart the machine", "if call('reboot', 0xfee1dead, 672274793, 0x89ABCDEF, None) == 0: escaped()"},
      {"rename the machine",
       "if call('sethostname', b'evil', 4) == 0 or call('setdomainname', b'evil', 4) == 0: escaped()"},
      {"set the clock", R"PY(t = ctypes.create_string_buffer(struct.pack('qq', 1, 0))
if call('settimeofday', t, None) == 0 or call('clock_settime', 0, t) == 0: escaped())PY"},
      {"count processes for itself", "if call('acct', (ROOT + '/work/file').encode()) == 0: escaped()"},
      {"swap to a file", "if call('swapon', (ROOT + '/work/file').encode(), 0) == 0: escaped()"},
      {"use quotas", "if call('quotactl', 0x800002 << 8, None, 0, None) == 0: escaped()"},
      {"watch all of a file system", "if call('fanotify_init', 0, 0) >= 0: escaped()"},
      {"hang up the terminal", "if call('vhangup') == 0: escaped()"},
      {"type at the terminal", R"PY(import fcntl
fds = [0, 1, 2]
tty = quietly(os.open, '/dev/tty', os.O_RDWR)
if tty is not None: fds.append(tty)
master, slave = os.openpty()
fds.append(slave)
for fd in fds:
    for request in (0x5412, 0x541C, (1 << 32) | 0x5412):
        try:
            if libc.ioctl(fd, ctypes.c_ulong(request), b'x') == 0: escaped(fd)
        except OSError: pass)PY"},
      {"use the keys of others", R"PY(KEYRINGS = (-1, -2, -3, -4, -5)
for ring in KEYRINGS:
    if call('keyctl', 0, ring, 0) >= 0: escaped(ring)
if call('add_key', b'user', b'x', b'y', 1, -3) >= 0: escaped('add')
if call('request_key', b'user', b'x', None, -3) >= 0: escaped('request'))PY"},
      {"load a program into the kernel",
       R"PY(attributes = ctypes.create_string_buffer(struct.pack('IIII', 2, 4, 8, 1) + bytes(64))
for command in (0, 5):
    if call('bpf', command, attributes, 72) >= 0: escaped(command))PY"},
      {"measure the kernel", R"PY(attributes = ctypes.create_string_buffer(struct.pack('IIQ', 1, 112, 0) + bytes(96))
for pid in (0, -1):
    if call('perf_event_open', attributes, pid, -1 if pid == 0 else 0, -1, 0) >= 0: escaped(pid))PY"},
      {"make calls without making calls",
       "if call('io_uring_setup', 8, ctypes.create_string_buffer(120)) >= 0: escaped()"},
      {"stop the kernel at a page fault", "for flags in (0, 1):\n    if call('userfaultfd', flags) >= 0: escaped()"},
      {"change its personality",
       "for p in (0x0040000, 0x0008, 0x0400000):\n    if call('personality', p) >= 0: escaped(hex(p))"},
      {"make calls of another architecture", R"PY(import mmap, platform
if platform.machine() == 'x86_64':
    code = mmap.mmap(-1, 4096, prot=7)
    # mov eax, 359 (socket of 32 bits); mov ebx, 16; mov ecx, 3; xor edx, edx; int 0x80; ret
    code.write(bytes.fromhex('53b867010000bb10000000b90300000031d2cd805bc3'))
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    pid = os.fork()
    if pid == 0: os._exit(7 if function() >= 0 else 0)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7: escaped('int 0x80')
    for number in (41, 101, 165):
        pid = os.fork()
        if pid == 0: os._exit(7 if libc.syscall(ctypes.c_long(0x40000000 + number), 16, 3, 0, 0) >= 0 else 0)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7: escaped(number))PY"},
      {"touch the machine's ports", R"PY(if 'iopl' in CALLS:
    if call('iopl', 3) == 0 or call('ioperm', 0x70, 2, 1) == 0: escaped()
    if call('modify_ldt', 1, ctypes.create_string_buffer(16), 16) == 0: escaped())PY"},
      {"take all capabilities back", R"PY(header = ctypes.create_string_buffer(struct.pack('Ii', 0x20080522, 0))
data = ctypes.create_string_buffer(struct.pack('IIIIII', *[0xffffffff] * 6))
if call('capset', header, data) == 0: escaped()
if 'CapEff:\t0000000000000000' not in read('/proc/self/status'): escaped('has some'))PY"},
      {"become another user",
       "for user in (0, 1, 65534):\n    if user != os.getuid() and call('setresuid', user, user, user) == 0: "
       "escaped(user)"},
      {"become root by a program",
       R"PY(for path in ('/usr/bin/su', '/usr/bin/sudo', '/usr/bin/mount', '/usr/bin/passwd', '/usr/bin/newgrp'):
    if os.path.exists(path): quietly(lambda: subprocess.run([path], input=b'', timeout=2, capture_output=True))
r = subprocess.run(['/usr/bin/su', '-c', 'id -u; mount -t tmpfs x /tmp && echo ESCAPED'], input=b'\n', capture_output=True, timeout=5)
print(r.stdout.decode()))PY"},
      {"take its guards off", R"PY(if libc.prctl(38, 0, 0, 0, 0) == 0: escaped('no new privileges')
if libc.prctl(22, 0) == 0: escaped('seccomp')
if 'NoNewPrivs:\t1' not in read('/proc/self/status') or 'Seccomp:\t2' not in read('/proc/self/status'): escaped())PY"},
      {"find who it is on the outside",
       "text = read('/proc/self/mountinfo') + read('/proc/1/cmdline') + read('/proc/self/cgroup')\n"
       "if 'sennit-' in text.replace(ROOT, '').replace(READ, '') and 'cgroup' not in text: escaped(text)"},
      {"hear from the machine's namesakes", "if socket.gethostname() != 'sandbox': escaped(socket.gethostname())"},
  };
  return attempts;
}

}  // namespace sennit::testing
