// Ways to other processes, to live on, and to take more than was given.
#include "tools/escapes.hpp"

namespace sennit::testing {

const std::vector<Attempt>& process_attempts() {
  static const std::vector<Attempt> attempts{
      {"read others' environment", R"PY(for name in os.listdir('/proc'):
    if name.isdigit(): print(quietly(read, '/proc/' + name + '/environ') if int(name) != os.getpid() else '')
for pid in (HOST, VICTIM): print(quietly(read, '/proc/%d/environ' % pid)))PY"},
      {"read the environment of what shut it in", "print(read('/proc/1/environ'), read('/proc/1/cmdline'))"},
      {"find a secret in its own environment",
       "print(dict(os.environ))\nfor k in os.environ:\n    if k.startswith('SENNIT_TEST'): escaped(k)"},
      {"see who else runs", R"PY(for name in os.listdir('/proc'):
    if name.isdigit() and (quietly(read, '/proc/' + name + '/comm') or '').startswith('sleep'): escaped(name))PY"},
      {"find a secret in the memory of the first process", R"PY(for line in open('/proc/1/maps'):
    start, end = (int(n, 16) for n in line.split()[0].split('-'))
    try:
        with open('/proc/1/mem', 'rb') as mem:
            mem.seek(start)
            data = mem.read(end - start)
    except (OSError, OverflowError, ValueError): continue
    at = data.find(b'TOP-' + b'SECRET-')
    if at >= 0: print(data[at:at + 100]))PY"},
      {"take over the first process, if it may do more", R"PY(text = read('/proc/1/status')
with open('/proc/1/mem', 'r+b') as mem: pass
for line in ('CapEff:\t0000000000000000', 'CapPrm:\t0000000000000000', 'NoNewPrivs:\t1', 'Seccomp:\t2'):
    if line not in text: escaped(line))PY"},
      {"attach to the first process", "if call('ptrace', 16, 1, 0, 0) == 0: escaped()"},
      {"seize its own parent", "if call('ptrace', 0x4206, os.getppid(), 0, 0) == 0: escaped()"},
      {"trace a child of its own, to change its calls",
       "pid = os.fork()\nif pid == 0: time.sleep(5); os._exit(0)\nif call('ptrace', 16, pid, 0, 0) == 0: escaped()\n"
       "os.kill(pid, 9)"},
      {"attach to a process outside by its number",
       "for pid in (HOST, VICTIM):\n    if call('ptrace', 16, pid, 0, 0) == 0: escaped()"},
      {"read another process's memory by a call", R"PY(buffer = ctypes.create_string_buffer(16)
local = ctypes.create_string_buffer(struct.pack('PN', ctypes.addressof(buffer), 16))
remote = ctypes.create_string_buffer(struct.pack('PN', 0x400000, 16))
for pid in (1, HOST, VICTIM):
    if call('process_vm_readv', pid, local, 1, remote, 1, 0) > 0: escaped(buffer.raw)
    if call('process_vm_writev', pid, local, 1, remote, 1, 0) > 0: escaped())PY"},
      {"kill everybody",
       "for s in (0, signal.SIGTERM, signal.SIGSTOP):\n    quietly(os.kill, VICTIM, s)\n    quietly(os.kill, HOST, s)"},
      {"kill what is outside by a descriptor", R"PY(for pid in (HOST, VICTIM, 2, 3):
    fd = call('pidfd_open', pid, 0)
    if fd >= 0 and pid != 2 and pid != 3: call('pidfd_send_signal', fd, 9, None, 0); escaped(pid))PY"},
      {"take a descriptor from another process", R"PY(fd = call('pidfd_open', 1, 0)
for n in range(0, 12):
    if call('pidfd_getfd', fd, n, 0) >= 0: escaped(n))PY"},
      {"compare itself with others in the kernel", "if call('kcmp', os.getpid(), 1, 0, 0, 0) >= 0: escaped()"},
      {"change another process's limits", R"PY(for pid in (HOST, VICTIM):
    if call('prlimit64', pid, 7, ctypes.create_string_buffer(struct.pack('QQ', 10, 10)), None) == 0: escaped())PY"},
      {"change another process's priority",
       "for pid in (HOST, VICTIM): quietly(os.setpriority, os.PRIO_PROCESS, pid, 19)"},
      {"stop the process that shut it in",
       "quietly(os.kill, 1, signal.SIGSTOP)\nquietly(os.kill, 1, signal.SIGKILL)\n"
       "quietly(os.kill, 1, signal.SIGTERM)"},
      {"live on as a daemon", R"PY(if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(0, 3): os.close(fd)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        time.sleep(0.5)
        write(ROOT + '/agents/later.yaml')
        time.sleep(1000)
    os._exit(0)
os.wait())PY"},
      {"live on in a crowd of sessions", R"PY(for i in range(20):
    if os.fork() == 0:
        os.setsid()
        for s in range(1, 32): quietly(signal.signal, s, signal.SIG_IGN)
        if os.fork() == 0: time.sleep(1000)
        os._exit(0))PY"},
      {"live on without being told that its parent died",
       "if os.fork() == 0:\n    libc.prctl(1, 0)\n    libc.prctl(36, 1)\n    os.setsid()\n    time.sleep(1000)"},
      {"live on while it forks", R"PY(end = time.time() + 0.5
if os.fork() == 0:
    os.setsid()
    while time.time() < end + 5:
        if os.fork() > 0: os._exit(0)
        time.sleep(0.001)
    os._exit(0))PY"},
      {"live on stopped",
       "if os.fork() == 0:\n    os.setsid()\n    os.kill(os.getpid(), signal.SIGSTOP)\n    time.sleep(1000)"},
      {"a fork bomb", R"PY(print('tried to the end', flush=True)
end = time.time() + 1
while time.time() < end:
    try: os.fork()
    except OSError: time.sleep(0.01)
os._exit(0))PY",
       true},
      {"a bomb of threads", R"PY(threads = 0
try:
    for i in range(1000):
        threading.Thread(target=time.sleep, args=(0.3,), daemon=True).start()
        threads += 1
except RuntimeError: pass
if threads > 70: escaped(threads))PY",
       true},
      {"take all memory", "x = bytearray(1 << 34)\nescaped()"},
      {"take all memory piece by piece", R"PY(pieces = []
for i in range(1000):
    try: pieces.append(bytearray(8 << 20))
    except MemoryError: break
if len(pieces) > 40: escaped(len(pieces)))PY",
       true},
      {"take all memory by many", R"PY(print('tried to the end', flush=True)
for i in range(20):
    if os.fork() == 0:
        x = bytearray(60 << 20)
        time.sleep(0.5)
        os._exit(0)
alive = 0
for i in range(20):
    pid, status = os.wait()
    alive += 1 if status == 0 else 0
if alive > 6: escaped(alive))PY",
       true},
      {"take memory that belongs to no process", R"PY(if call('memfd_create', b'x', 0) >= 0: escaped('memfd')
if call('shmget', 0, 1 << 20, 0o1666) >= 0: escaped('shm')
if call('msgget', 0, 0o1666) >= 0: escaped('msg'))PY"},
      {"lock memory", "if libc.mlockall(3) == 0: escaped()"},
      {"fill the disk", R"PY(total = 0
for folder in ('/tmp', E['HOME'], '/dev/shm', '/', '/etc', '/run', '/dev', '/var', '/usr', '/home', '/proc'):
    for i in range(30):
        try:
            with open(folder + '/fill%d' % i, 'wb') as f:
                for j in range(16):
                    f.write(bytes(1 << 20))
                    total += 1
        except OSError: break
if total > 16 + 16 + 64 + 3: escaped(total))PY"},
      {"write a file without end", R"PY(signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
total = 0
try:
    with open(ROOT + '/work/big', 'wb', buffering=0) as f:
        while total < 64: total += f.write(bytes(1 << 20)) / (1 << 20)
except OSError as e: print(e)
os.unlink(ROOT + '/work/big')
if total > 17: escaped(total))PY"},
      {"make a file large without writing",
       "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nfd = os.open(ROOT + '/work/big', os.O_CREAT | os.O_RDWR)\n"
       "quietly(os.ftruncate, fd, 1 << 40)\nquietly(os.posix_fallocate, fd, 0, 1 << 30)\n"
       "if os.fstat(fd).st_size > 17 << 20: escaped(os.fstat(fd).st_size)\nos.unlink(ROOT + '/work/big')"},
      {"raise its limits", R"PY(import resource
for limit in (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK):
    soft, hard = resource.getrlimit(limit)
    for value in (hard + 4096, resource.RLIM_INFINITY):
        try:
            resource.setrlimit(limit, (value, value))
            escaped(limit)
        except (ValueError, OSError): pass)PY"},
      {"open more files than it may", R"PY(files = []
try:
    while len(files) < 5000: files.append(os.open('/dev/null', os.O_RDONLY))
except OSError: pass
if len(files) > 1100: escaped(len(files)))PY"},
      {"take a better priority", "try:\n    os.nice(-10)\n    escaped()\nexcept OSError: pass"},
      {"become a real-time process",
       "if call('sched_setscheduler', 0, 1, ctypes.create_string_buffer(struct.pack('i', 50))) == 0: escaped()"},
      {"be the last to be killed for want of memory", "write('/proc/self/oom_score_adj', '-1000')\nescaped()"},
      {"write without end to its output", "while True: os.write(1, b'x' * 65536)", true},
      {"leave a core file",
       "os.chdir(ROOT + '/work')\npid = os.fork()\nif pid == 0: os.abort()\nos.wait()\n"
       "if any('core' in n for n in os.listdir('.')): escaped()"},
  };
  return attempts;
}

}  // namespace sennit::testing
