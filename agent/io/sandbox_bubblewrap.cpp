// All that bubblewrap is told goes through a descriptor: its arguments and its environment can be read by everybody on
// the machine, and from inside by the program that it shuts in.
#include <sennit/agent/io/process_command.hpp>
#include <sennit/agent/io/process_errors.hpp>
#include <sennit/agent/io/sandbox_bubblewrap.hpp>
#include <sennit/agent/io/sandbox_filter.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <tuple>

namespace sennit::sandbox {
namespace {

namespace fs = std::filesystem;

// What programs need of /etc, none of it secret.
constexpr std::array kOfEtc{
    "/etc/ld.so.cache",  "/etc/ld.so.conf", "/etc/ld.so.conf.d",    "/etc/alternatives",    "/etc/localtime",
    "/etc/timezone",     "/etc/ssl/certs",  "/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/pki/tls/certs",
    "/etc/pki/ca-trust", "/etc/mime.types", "/etc/fonts",           "/etc/terminfo",        "/etc/python3",
    "/etc/bash.bashrc",  "/etc/magic"};
// Root's child is root to these files, without a capability: they are read-only all the same (core_pattern names a
// program that the kernel starts as root).
constexpr std::array kReadOnlyOfProc{"/proc/sys",      "/proc/irq",           "/proc/bus",  "/proc/fs",
                                     "/proc/pressure", "/proc/sysrq-trigger", "/proc/mtrr", "/proc/driver",
                                     "/proc/scsi",     "/proc/dynamic_debug", "/proc/tty",  "/proc/acpi"};
constexpr std::array kHiddenOfProc{"/proc/kcore",       "/proc/kmsg",        "/proc/keys",          "/proc/timer_list",
                                   "/proc/vmallocinfo", "/proc/slabinfo",    "/proc/kallsyms",      "/proc/iomem",
                                   "/proc/ioports",     "/proc/sched_debug", "/proc/latency_stats", "/proc/kpagecgroup",
                                   "/proc/kpagecount",  "/proc/kpageflags",  "/proc/config.gz"};
constexpr std::int64_t kSharedMemory = 64LL << 20U;
constexpr int kFirst = STDERR_FILENO + 1;  // where the descriptors are in the command

process::Descriptor file_of(const std::string& bytes) {
  process::Descriptor file(::memfd_create("sandbox", MFD_CLOEXEC));
  std::string_view rest = bytes;
  while (file.get() >= 0 && !rest.empty()) {
    const ssize_t written = ::write(file.get(), rest.data(), rest.size());
    if (written <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (file.get() < 0 || !rest.empty()) throw process::scarce("a sandbox", errno);
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

class Arguments {
 public:
  template <class... Words>
  void add(const Words&... words) {
    (append(words), ...);
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  void append(std::string_view word) { (text_ += word) += '\0'; }

  std::string text_;
};

bool exists(const fs::path& path) {
  std::error_code failed;
  return fs::exists(path, failed);
}

// `/bin` and its like are links on most systems, folders on some.
void show_system(Arguments& arguments) {
  arguments.add("--ro-bind", "/usr", "/usr");
  for (const char* name : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    std::error_code failed;
    if (fs::is_symlink(name, failed)) {
      arguments.add("--symlink", fs::read_symlink(name, failed).string(), name);
    } else if (fs::is_directory(name, failed)) {
      arguments.add("--ro-bind", name, name);
    }
  }
  for (const char* name : kOfEtc) {
    if (exists(name)) arguments.add("--ro-bind", name, name);
  }
}

void show_kernel(Arguments& arguments) {
  arguments.add("--dev", "/dev", "--size", std::to_string(kSharedMemory), "--tmpfs", "/dev/shm", "--remount-ro",
                "/dev");
  arguments.add("--proc", "/proc");
  for (const char* name : kReadOnlyOfProc) {
    if (exists(name)) arguments.add("--ro-bind", name, name);
  }
  for (const char* name : kHiddenOfProc) {
    if (exists(name)) arguments.add("--ro-bind", "/dev/null", name);
  }
}

struct Bind {
  fs::path path;
  bool read_only = false;
};

std::ptrdiff_t depth(const Bind& bind) {
  return std::distance(bind.path.begin(), bind.path.end());
}

// From the outside in: a later one lies over an earlier one, and would hide what was bound below it.
void show_roots(Arguments& arguments, const Walls& walls) {
  std::vector<Bind> binds;
  for (const Shown& root : walls.roots) binds.push_back({root.path, !root.writable});
  for (const fs::path& path : walls.kept.pinned) binds.push_back({path, false});
  for (const fs::path& path : walls.kept.fixed) binds.push_back({path, true});
  // Of two at the same place the stricter one counts.
  std::sort(binds.begin(), binds.end(), [](const Bind& a, const Bind& b) {
    return std::tuple(depth(a), a.path, a.read_only) < std::tuple(depth(b), b.path, b.read_only);
  });
  for (const Bind& bind : binds)
    arguments.add(bind.read_only ? "--ro-bind" : "--bind", bind.path.string(), bind.path.string());
}

}  // namespace

std::string find_bubblewrap() {
  Process::Command command;
  command.arguments = {"bwrap"};
  command.environment = {{"PATH", "/usr/bin:/usr/local/bin:/bin"}};
  try {
    return process::find_program(command);
  } catch (const Error&) {
    throw Error(errc::not_found, "bubblewrap is not installed: install it (Debian: apt install bubblewrap)");
  }
}

Wrapped wrap(const std::vector<std::string>& command, const Walls& walls) {
  Wrapped wrapped;
  Arguments arguments;
  wrapped.gate = std::make_unique<Gate>("127.0.0.1 localhost sandbox\n::1 localhost\n");
  const auto give = [&](process::Descriptor descriptor) {
    wrapped.descriptors.push_back(std::move(descriptor));
    return std::to_string(kFirst + static_cast<int>(wrapped.descriptors.size()) - 1);
  };
  const auto hand = [&](const std::string& bytes) { return give(file_of(bytes)); };
  const std::string user = std::to_string(::geteuid());
  const std::string group = std::to_string(::getegid());
  const std::string disk = std::to_string(walls.disk);

  arguments.add("--unshare-all", "--unshare-user", "--disable-userns", "--new-session", "--die-with-parent");
  if (walls.own_network) arguments.add("--share-net");
  arguments.add("--cap-drop", "ALL", "--clearenv", "--hostname", "sandbox");
  show_system(arguments);
  arguments.add("--file", hand("user:x:" + user + ":" + group + "::" + kHome + ":/bin/sh\n"), "/etc/passwd");
  arguments.add("--file", hand("user:x:" + group + ":\n"), "/etc/group");
  arguments.add("--file", hand("passwd: files\ngroup: files\nhosts: files\n"), "/etc/nsswitch.conf");
  show_kernel(arguments);
  arguments.add("--size", disk, "--tmpfs", "/tmp", "--size", disk, "--tmpfs", kHome, "--symlink", "/tmp", "/var/tmp");
  show_roots(arguments, walls);
  arguments.add("--info-fd", give(wrapped.gate->take_report()), "--file", give(wrapped.gate->take_file()),
                "/etc/hosts");
  arguments.add("--remount-ro", "/", "--seccomp", hand(filter()), "--chdir", walls.directory);
  for (const auto& [name, value] : walls.environment) arguments.add("--setenv", name, value);

  wrapped.arguments = {find_bubblewrap(), "--args", hand(arguments.text()), "--"};
  wrapped.arguments.insert(wrapped.arguments.end(), command.begin(), command.end());
  return wrapped;
}

}  // namespace sennit::sandbox
