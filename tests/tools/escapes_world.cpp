#include "tools/escapes.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace sennit::testing {
namespace {

namespace fs = std::filesystem;

// What every attempt begins with.
constexpr const char* kPrelude = R"PY(
import ctypes, errno, os, signal, socket, struct, subprocess, sys, threading, time
E = os.environ
OUT, ROOT, READ, SECRET, ABSTRACT, UNIX = (E[k] for k in ('OUT', 'ROOT', 'READ', 'SECRET', 'ABSTRACT', 'UNIX'))
PORT, UDP, VICTIM, HOST = (int(E[k]) for k in ('PORT', 'UDP', 'VICTIM', 'HOST'))
CALLS = dict((k, int(v)) for k, v in (pair.split('=') for pair in E['CALLS'].split()))
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(name, *arguments):
    ctypes.set_errno(0)
    turn = lambda a: a if isinstance(a, (bytes, ctypes._SimpleCData, ctypes.Array)) or a is None else ctypes.c_long(a)
    result = libc.syscall(ctypes.c_long(CALLS[name]), *[turn(a) for a in arguments])
    print(name, result, errno.errorcode.get(ctypes.get_errno(), 0))
    return result
def escaped(what=''): print('ESC' 'APED', what, flush=True)
def quietly(function, *arguments):
    try: return function(*arguments)
    except (NameError, TypeError, AttributeError, LookupError): raise  # a mistake in the attempt
    except Exception as e: print('failed:', type(e).__name__, e); return None
def read(path): return open(path, 'rb').read(65536).decode('latin1')
def write(path, text='evil', mode='w'):
    with open(path, mode) as f: f.write(text)
def attempt():
)PY";

constexpr const char* kEnd = R"PY(
quietly(attempt)
print('tried to the end', flush=True)
)PY";

std::string calls() {
  std::string text;
  const auto add = [&](const char* name, long number) {
    text += std::string(name) + "=" + std::to_string(number) + " ";
  };
#define ADD(NAME) add(#NAME, SYS_##NAME)
  ADD(ptrace), ADD(process_vm_readv), ADD(process_vm_writev), ADD(kcmp), ADD(mount), ADD(umount2), ADD(pivot_root);
  ADD(chroot), ADD(open_tree), ADD(move_mount), ADD(fsopen), ADD(mount_setattr), ADD(setns), ADD(unshare), ADD(clone);
  ADD(clone3), ADD(name_to_handle_at), ADD(open_by_handle_at), ADD(keyctl), ADD(add_key), ADD(request_key), ADD(bpf);
  ADD(perf_event_open), ADD(io_uring_setup), ADD(userfaultfd), ADD(kexec_load), ADD(init_module), ADD(finit_module);
  ADD(delete_module), ADD(reboot), ADD(syslog), ADD(acct), ADD(settimeofday), ADD(clock_settime), ADD(sethostname);
  ADD(swapon), ADD(personality), ADD(memfd_create), ADD(shmget), ADD(pidfd_open), ADD(pidfd_getfd), ADD(capset);
  ADD(pidfd_send_signal), ADD(prlimit64), ADD(sched_setscheduler), ADD(quotactl), ADD(fanotify_init), ADD(vhangup);
  ADD(setdomainname), ADD(setresuid), ADD(msgget), ADD(linkat), ADD(fchmodat), ADD(prctl), ADD(mknodat);
  add("fchmodat2", 452);
#if defined(__x86_64__)
  ADD(iopl), ADD(ioperm), ADD(modify_ldt);
#endif
#undef ADD
  return text;
}

sockaddr_un unix_address(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(name.begin(), name.end(), address.sun_path);
  return address;
}

std::string content(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void add_tree(const fs::path& folder, std::map<std::string, std::string>& into) {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    struct stat status{};
    ::lstat(entry.path().c_str(), &status);
    into[entry.path().string()] = std::to_string(status.st_mode) + " " + std::to_string(status.st_nlink) + " " +
                                  (S_ISREG(status.st_mode) ? content(entry.path()) : "");
  }
}

std::string state_of(int process) {
  const std::string stat = content("/proc/" + std::to_string(process) + "/stat");
  const std::size_t end = stat.rfind(')');
  return end == std::string::npos ? "" : stat.substr(end + 2, 1);
}

/// Processes in whose environment `mark` is.
std::vector<int> marked(const std::string& mark) {
  std::vector<int> found;
  std::error_code gone;
  for (fs::directory_iterator entry("/proc", gone), end; !gone && entry != end; entry.increment(gone)) {
    const int id = std::atoi(entry->path().filename().c_str());
    if (id > 0 && content(entry->path() / "environ").find(mark) != std::string::npos) found.push_back(id);
  }
  return found;
}

}  // namespace

/// Where a program that gets out of its network would arrive.
struct World::Listeners {
  explicit Listeners(const fs::path& folder)
      : name("sennit-test-" + std::to_string(::getpid())), path(folder / "socket") {
    abstract = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const sockaddr_un there = unix_address(std::string(1, '\0') + name);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    file = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const sockaddr_un beside = unix_address(path.string());
    datagrams = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    if (::bind(abstract, reinterpret_cast<const sockaddr*>(&there), length) != 0 || ::listen(abstract, 8) != 0 ||
        ::bind(file, reinterpret_cast<const sockaddr*>(&beside), sizeof beside) != 0 || ::listen(file, 8) != 0 ||
        ::bind(datagrams, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
      throw std::runtime_error("cannot listen");
    }
    socklen_t size = sizeof any;
    ::getsockname(datagrams, reinterpret_cast<sockaddr*>(&any), &size);
    port = ntohs(any.sin_port);
  }
  ~Listeners() {
    for (const int socket : {abstract, file, datagrams}) ::close(socket);
  }
  /// Takes what has come.
  std::string heard() const {
    std::string text;
    for (const int socket : {abstract, file}) {
      const int came = ::accept(socket, nullptr, nullptr);
      if (came >= 0) text += "somebody connected to a unix socket; ";
      if (came >= 0) ::close(came);
    }
    char byte = 0;
    if (::recv(datagrams, &byte, 1, 0) >= 0) text += "a datagram came; ";
    return text;
  }

  std::string name;
  fs::path path;
  int abstract = -1;
  int file = -1;
  int datagrams = -1;
  int port = 0;
};

World::World() : server_(Reply::text("the server")), secret_("TOP-SECRET-" + std::to_string(::getpid())) {
  mark_ = "SENNIT_ESCAPE=" + std::to_string(::getpid());
  listeners_ = std::make_unique<Listeners>(outside_.path());
  outside_.write("secret", secret_);
  outside_.write("folder/file", "as it was");
  read_.write("given", "to read");
  const std::string variable = "TOKEN=" + secret_;
  std::array<char*, 2> environment{const_cast<char*>(variable.c_str()), nullptr};
  std::array<char*, 3> arguments{const_cast<char*>("sleep"), const_cast<char*>("100000"), nullptr};
  if (::posix_spawn(&victim_, "/bin/sleep", nullptr, nullptr, arguments.data(), environment.data()) != 0) {
    throw std::runtime_error("cannot start the victim");
  }
  while (state_of(victim_) != "S") ::sched_yield();  // it sleeps
  ::setenv("SENNIT_TEST_TOKEN", secret_.c_str(), 1);
  restore();
  before_ = look();
}

World::~World() {
  ::unsetenv("SENNIT_TEST_TOKEN");
  ::kill(victim_, SIGKILL);
  ::waitpid(victim_, nullptr, 0);
}

std::string World::obstacle() {
  if (!sandbox::support().possible) return sandbox::support().obstacle;
  return fs::exists("/usr/bin/python3") ? "" : "python3 is not installed";
}

/// The folder that may be written to, as each attempt finds it.
void World::restore() {
  for (const fs::directory_entry& entry : fs::directory_iterator(root_.path())) fs::remove_all(entry.path());
  root_.write("agents/agent.yaml", "the rules");
  root_.write("state/sennit.db", "the journal");
  root_.write(".git/hooks/pre-commit", "a hook");
  root_.write(".git/config", "settings");
  root_.write("work/file", "free");
}

sandbox::Settings World::settings() const {
  sandbox::Settings settings;
  settings.read = {read_.path()};
  settings.write = {root_.path()};
  settings.keep = {root_ / "agents/agent.yaml", root_ / "agents/later.yaml", root_ / "conf/absent.yaml",
                   root_ / "state", root_ / ".git"};
  settings.memory = 256LL << 20U;
  settings.disk = 16LL << 20U;
  settings.processes = 64;
  return settings;
}

sandbox::Work World::work(const Attempt& attempt) const {
  std::string body;
  std::istringstream lines(attempt.source);
  for (std::string line; std::getline(lines, line);) body += "    " + line + "\n";
  sandbox::Work work;
  work.command.arguments = {"/usr/bin/python3", "-I", "-c", kPrelude + body + "    return\n" + kEnd};
  work.command.environment = {{"OUT", outside_.path().string()},
                              {"SECRET", (outside_ / "secret").string()},
                              {"ROOT", root_.path().string()},
                              {"READ", read_.path().string()},
                              {"ABSTRACT", listeners_->name},
                              {"UNIX", listeners_->path.string()},
                              {"PORT", std::to_string(server_.port())},
                              {"UDP", std::to_string(listeners_->port)},
                              {"VICTIM", std::to_string(victim_)},
                              {"HOST", std::to_string(::getpid())},
                              {"CALLS", calls()},
                              {mark_.substr(0, mark_.find('=')), mark_.substr(mark_.find('=') + 1)}};
  work.command.directory = root_.path();
  work.time = std::chrono::seconds(10);
  return work;
}

/// All that must stay as it is, by name.
World::Snapshot World::look() const {
  Snapshot found;
  add_tree(outside_.path(), found);
  add_tree(read_.path(), found);
  for (const char* name : {"agents/agent.yaml", "state/sennit.db", ".git/hooks/pre-commit", ".git/config"}) {
    found[name] = content(root_ / name);
  }
  for (const char* name : {"agents/later.yaml", "conf/absent.yaml", ".git/hooks/post-commit", "state/new"}) {
    found[name] = fs::exists(fs::symlink_status(root_ / name)) ? "there" : "not there";
  }
  for (const char* name : {"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname",
                           "/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/printk", "/proc/swaps", "/proc/modules",
                           "/etc/passwd", "/etc/hosts", "/proc/self/mountinfo"}) {
    found[name] = content(name);
  }
  for (const char* name : {"/usr/bin/bwrap", "/usr/bin/python3", "/bin/sh", "/usr/bin/env", "/usr/bin", "/usr/lib"}) {
    struct stat status{};
    ::stat(name, &status);
    found[name] = std::to_string(status.st_mtim.tv_sec) + " " + std::to_string(status.st_size);
  }
  rlimit files{};
  ::prlimit(victim_, RLIMIT_NOFILE, nullptr, &files);
  found["the victim's limits"] = std::to_string(files.rlim_cur);
  found["our priority"] = std::to_string(::getpriority(PRIO_PROCESS, 0));
  found["the victim"] = ::kill(victim_, 0) == 0 && ::waitpid(victim_, nullptr, WNOHANG) == 0 ? "alive" : "dead";
  found["the victim's state"] = state_of(victim_);
  return found;
}

std::string World::harm(const sandbox::Result& result) {
  std::string harm;
  const std::string printed = result.output.text() + result.errors.text();
  if (printed.find(secret_) != std::string::npos) harm += "it knows the secret; ";
  if (printed.find("ESCAPED") != std::string::npos) harm += "it says that it escaped; ";
  if (server_.connections() != std::exchange(connections_, server_.connections()))
    harm += "it connected to the server; ";
  harm += listeners_->heard();
  const Snapshot after = look();
  for (const auto& [name, value] : after) {
    const auto was = before_.find(name);
    if (was == before_.end() || was->second != value) harm += name + " is changed; ";
  }
  for (const auto& [name, value] : before_) {
    if (!after.contains(name)) harm += name + " is gone; ";
  }
  // A way back: what runs with its owner's rights, a device, or a second name of what is outside.
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root_.path())) {
    struct stat status{};
    if (::lstat(entry.path().c_str(), &status) != 0) continue;
    const bool device = S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
    const bool second = S_ISREG(status.st_mode) && status.st_nlink > 1;
    if (device || second || (status.st_mode & (S_ISUID | S_ISGID)) != 0)
      harm += entry.path().string() + " is a way back; ";
  }
  if (!marked(mark_).empty()) harm += "it is still running; ";
  return harm;
}

std::string World::try_out(const Attempt& attempt, const sandbox::Settings& settings) {
  restore();
  const sandbox::Result result =
      run(environment_, sandbox::run(environment_, std::make_shared<const sandbox::Box>(settings), work(attempt)));
  std::string found = harm(result);
  const std::string printed = result.output.text();
  if (!attempt.dies && printed.find("tried to the end") == std::string::npos) {
    found += "the attempt did not reach its end: " + printed + result.errors.text();
  }
  if (!found.empty()) found += "\n" + printed + result.errors.text();
  return found;
}

}  // namespace sennit::testing
