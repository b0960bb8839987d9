// Ways to files that were not given, and to those that must not be changed.
#include "tools/escapes.hpp"

namespace sennit::testing {

const std::vector<Attempt>& file_attempts() {
  static const std::vector<Attempt> attempts{
      {"read a file by its path", "print(read(SECRET))"},
      {"read it by going up", "print(read(os.path.join(ROOT, '../' * 20 + SECRET[1:])))"},
      {"read it through a link of its own", "os.symlink(SECRET, ROOT + '/link')\nprint(read(ROOT + '/link'))"},
      {"read it through a chain of links",
       "os.symlink('/', ROOT + '/a')\nos.symlink('a' + OUT, ROOT + '/b')\nprint(read(ROOT + '/b/secret'))"},
      {"read it through its own root", "print(read('/proc/self/root' + SECRET))"},
      {"read it through the first process's root", "print(read('/proc/1/root' + SECRET))"},
      {"read it through the first process's folder", "print(read('/proc/1/cwd/' + '../' * 9 + SECRET[1:]))"},
      {"read it through anybody's root", R"PY(for name in os.listdir('/proc'):
    if name.isdigit(): quietly(lambda: print(read('/proc/' + name + '/root' + SECRET)))
for pid in (HOST, VICTIM): quietly(lambda: print(read('/proc/%d/root%s' % (pid, SECRET)))))PY"},
      {"read it through an inherited descriptor", R"PY(for fd in range(0, 1024):
    quietly(lambda: print(os.readlink('/proc/self/fd/%d' % fd)))
    for path in ('../' * 20 + SECRET[1:], SECRET[1:]):
        try: print(os.read(os.open(path, os.O_RDONLY, dir_fd=fd), 100))
        except OSError: pass)PY"},
      {"find a descriptor that is no pipe of its own", R"PY(import stat
for fd in range(0, 1024):
    try: mode = os.fstat(fd).st_mode
    except OSError: continue
    if fd > 2 or not stat.S_ISFIFO(mode): escaped(fd))PY"},
      {"leave by a descriptor after chroot", R"PY(fd = os.open('/', os.O_RDONLY)
os.makedirs(ROOT + '/jail', exist_ok=True)
if call('chroot', (ROOT + '/jail').encode()) == 0:
    os.fchdir(fd)
    for i in range(50): os.chdir('..')
    libc.chroot(b'.')
    print(read(SECRET)))PY"},
      {"open a file by its handle", R"PY(handle = ctypes.create_string_buffer(struct.pack('II', 128, 0) + bytes(128))
mount = ctypes.c_int(0)
call('name_to_handle_at', -100, b'/usr', handle, ctypes.c_long(ctypes.addressof(mount)), 0)
inode = struct.pack('IIIi', 8, 1, 2, 0)
for fd in (os.open('/usr', os.O_RDONLY), os.open(ROOT, os.O_RDONLY)):
    got = call('open_by_handle_at', fd, ctypes.create_string_buffer(inode), 0)
    if got >= 0: escaped(os.listdir(got)))PY"},
      {"link a hidden file into its folder", "os.link(SECRET, ROOT + '/mine')\nprint(read(ROOT + '/mine'))"},
      {"write a file outside", "write(OUT + '/secret')"},
      {"make a file outside", "write(OUT + '/new')"},
      {"make a file outside through a link",
       "os.symlink(OUT, ROOT + '/dir')\nos.makedirs(OUT)\nwrite(ROOT + '/dir/new')\nos.rename(ROOT + '/dir/new', OUT + "
       "'/n')"},
      {"move its folder to the outside", "os.rename(ROOT + '/work', OUT + '/work')"},
      {"delete what is outside", "import shutil\nshutil.rmtree(OUT)\nos.rmdir(os.path.dirname(ROOT))"},
      {"move its own root away", "os.rename(ROOT, ROOT + '-moved')\nos.mkdir(ROOT)"},
      {"change what may only be read", "quietly(write, READ + '/given')\nos.unlink(READ + '/given')"},
      {"make a file where it may only read", "write(READ + '/new')"},
      {"change the mode of what may only be read", "os.chmod(READ + '/given', 0o777)"},
      {"link what may only be read into its folder",
       "os.link(READ + '/given', ROOT + '/given')\nwrite(ROOT + '/given')"},
      {"change programs of the system",
       "for path in ('/usr/bin/env', '/bin/sh', '/usr/bin/bwrap'): quietly(write, path, 'x', "
       "'a')\nwrite('/usr/bin/new')"},
      {"change a program through a mapping", R"PY(import mmap
with open('/usr/bin/env', 'rb') as f:
    m = mmap.mmap(f.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ)
    address = ctypes.addressof(ctypes.c_char.from_buffer_copy(m[:1]))
    start = [l for l in open('/proc/self/maps') if 'bin/env' in l][0].split('-')[0]
    with open('/proc/self/mem', 'r+b') as mem:
        mem.seek(int(start, 16))
        mem.write(b'evil'))PY"},
      {"change the program that shut it in", R"PY(fd = os.open('/proc/1/exe', os.O_RDONLY)
for path in ('/proc/1/exe', '/proc/self/fd/%d' % fd): quietly(write, path, 'evil', 'r+')
os.truncate('/proc/1/exe', 0))PY"},
      {"change the interpreter that runs it", "for i in range(3): quietly(write, '/proc/self/exe', 'evil', 'r+')"},
      {"read the machine's accounts",
       "text = read('/etc/passwd') + (quietly(read, '/etc/shadow') or '')\n"
       "if 'root:' in text: escaped(text)"},
      {"change the machine's accounts",
       "quietly(write, '/etc/passwd', 'evil::0:0::/:/bin/sh', 'a')\nwrite('/etc/hosts')"},
      {"look into homes", R"PY(for path in ('/root', '/home', '/var/lib', '/var/log', '/srv', '/opt', '/mnt', '/boot'):
    found = quietly(os.listdir, path)
    if found and found != ['sandbox']: escaped(found))PY"},
      {"read a disk", R"PY(import stat
for number in ((254, 0), (8, 0), (259, 0), (1, 1), (1, 2)):
    for kind in (stat.S_IFBLK, stat.S_IFCHR):
        path = ROOT + '/device%d' % len(os.listdir(ROOT))
        quietly(os.mknod, path, kind | 0o666, os.makedev(*number))
        if os.path.exists(path): escaped(open(path, 'rb').read(16)))PY"},
      {"read the kernel's devices",
       R"PY(for path in ('/dev/mem', '/dev/kmem', '/dev/port', '/dev/vda', '/dev/sda', '/dev/kvm', '/dev/fuse', '/dev/loop0'):
    if quietly(os.open, path, os.O_RDONLY) is not None: escaped(path))PY"},
      {"name a file without a name outside", R"PY(fd = os.open(ROOT, os.O_TMPFILE | os.O_RDWR)
os.write(fd, b'evil')
call('linkat', -100, b'/proc/self/fd/%d' % fd, -100, (OUT + '/unnamed').encode(), 0x400)
call('linkat', -100, b'/proc/self/fd/%d' % fd, -100, (READ + '/unnamed').encode(), 0x400))PY"},
      {"change the agent's file", "write(ROOT + '/agents/agent.yaml')"},
      {"delete the agent's file", "os.unlink(ROOT + '/agents/agent.yaml')"},
      {"put another file in its place", "write(ROOT + '/x')\nos.replace(ROOT + '/x', ROOT + '/agents/agent.yaml')"},
      {"exchange it with another", R"PY(write(ROOT + '/agents/x')
libc.renameat2(-100, (ROOT + '/agents/x').encode(), -100, (ROOT + '/agents/agent.yaml').encode(), 2))PY"},
      {"move its folder away and make another",
       "os.rename(ROOT + '/agents', ROOT + '/old')\nos.mkdir(ROOT + '/agents')\nwrite(ROOT + '/agents/agent.yaml')"},
      {"change it by a second name", "os.link(ROOT + '/agents/agent.yaml', ROOT + '/second')\nwrite(ROOT + '/second')"},
      {"change it through a link to its folder",
       "os.symlink('agents', ROOT + '/l')\nquietly(write, ROOT + '/l/agent.yaml')\nwrite(ROOT + '/l/later.yaml')"},
      {"make its mode one that others can use",
       "os.chmod(ROOT + '/agents/agent.yaml', 0o777)\nos.utime(ROOT + '/agents/agent.yaml')"},
      {"make a configuration that is not there", "write(ROOT + '/agents/later.yaml')"},
      {"make one with the folders above it", "os.makedirs(ROOT + '/conf')\nwrite(ROOT + '/conf/absent.yaml')"},
      {"put a link where there is none",
       "write(ROOT + '/x')\nquietly(os.symlink, ROOT + '/x', ROOT + '/agents/later.yaml')\nos.symlink(ROOT, ROOT + "
       "'/conf')"},
      {"take away what stands in its place",
       "for n in ('agents/later.yaml', 'conf'): quietly(os.unlink, ROOT + '/' + n)\n"
       "for n in ('agents/later.yaml', 'conf'): call('umount2', (ROOT + '/' + n).encode(), 2)\nwrite(ROOT + "
       "'/agents/later.yaml')"},
      {"hold what stands in its place", R"PY(import fcntl
fd = os.open(ROOT + '/agents/later.yaml', os.O_RDONLY)
fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB))PY"},
      {"leave a hook for somebody's next commit",
       "quietly(write, ROOT + '/.git/hooks/pre-commit')\nwrite(ROOT + '/.git/hooks/post-commit')"},
      {"set a program in the repository's settings",
       "write(ROOT + '/.git/config', '[core]\\nfsmonitor = evil\\n', 'a')"},
      {"replace the repository", "os.rename(ROOT + '/.git', ROOT + '/g')\nos.makedirs(ROOT + '/.git/hooks')"},
      {"change the journal", "quietly(write, ROOT + '/state/sennit.db')\nwrite(ROOT + '/state/new')"},
      {"leave a program that runs with its owner's rights", R"PY(path = ROOT + '/way-back'
write(path, '#!/bin/sh\nid\n')
for mode in (0o4755, 0o2755, 0o6755):
    quietly(os.chmod, path, mode)
    call('fchmodat', -100, path.encode(), mode)
    call('fchmodat2', -100, path.encode(), mode, 0)
    quietly(os.fchmod, os.open(path, os.O_RDWR), mode)
    quietly(os.open, path + oct(mode), os.O_CREAT | os.O_WRONLY, mode)
    quietly(os.open, ROOT, os.O_TMPFILE | os.O_RDWR, mode)
    call('mknodat', -100, (path + 'n' + oct(mode)).encode(), 0o100000 | mode, 0)
    quietly(os.mkdir, path + 'd' + oct(mode), mode))PY"},
      {"give a program a capability",
       "write(ROOT + '/cap', 'x')\nos.setxattr(ROOT + '/cap', 'security.capability', "
       "bytes.fromhex('0100000200200000000000000000000000000000'))\nescaped()"},
  };
  return attempts;
}

}  // namespace sennit::testing
