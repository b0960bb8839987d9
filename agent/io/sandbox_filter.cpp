// Namespaces and the lack of capabilities stop these calls already, or should: each of them has had holes, and most
// escapes of the last years began with one of them. What is denied fails with EPERM, so that programs that can do
// without go on.
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/process_pipes.hpp>
#include <sennit/agent/io/sandbox_filter.hpp>

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <system_error>

namespace sennit::sandbox {
namespace {

constexpr std::array kDenied{
    // other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp",
    // what is mounted where
    "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "open_tree_attr", "fsopen",
    "fsconfig", "fsmount", "fspick", "mount_setattr", "setns", "name_to_handle_at", "open_by_handle_at", "quotactl",
    "quotactl_fd", "swapon", "swapoff", "fanotify_init",
    // keys, programs in the kernel, and interfaces whose size is their danger
    "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "userfaultfd", "modify_ldt", "vm86", "vm86old", "lookup_dcookie",
    // the machine
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module", "reboot",
    "syslog", "acct", "iopl", "ioperm", "settimeofday", "stime", "clock_settime", "clock_settime64", "clock_adjtime",
    "clock_adjtime64", "adjtimex", "sethostname", "setdomainname", "vhangup", "uselib", "nfsservctl", "sysfs",
    "_sysctl", "ustat",
    // memory that belongs to no process and so to no limit of one
    "memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open"};

constexpr std::array<unsigned, 8> kNamespaces{
    CLONE_NEWNS,  CLONE_NEWUTS, CLONE_NEWIPC,    CLONE_NEWUSER,
    CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP, 0x00000080U /* CLONE_NEWTIME, which older headers lack */};

constexpr unsigned kTioclinux = 0x541CU;
constexpr std::uint64_t kTemporaryFile = O_TMPFILE & ~O_DIRECTORY;

void must(int result, const char* what) {
  if (result >= 0) return;
  throw Error(errc::internal, std::string("the system call filter cannot be made: ") + what + ": " +
                                  std::error_code(-result, std::generic_category()).message());
}

class Rules {
 public:
  Rules() : context_(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release) {
    if (!context_) throw Error(errc::internal, "the system call filter cannot be made: libseccomp gave none");
    // Calls of another architecture (32 bits, x32) would pass by numbers that mean something else here.
    must(seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM)), "architecture");
  }

  void deny(const char* name, int error = EPERM) {
    const int number = seccomp_syscall_resolve_name(name);
    // Not of this architecture, or unknown to this library.
    if (number == __NR_SCMP_ERROR || number < 0) return;
    must(seccomp_rule_add_array(context_.get(), SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)), number, 0, nullptr),
         name);
  }
  void deny_if(const char* name, std::initializer_list<scmp_arg_cmp> conditions) {
    deny_if(seccomp_syscall_resolve_name(name), conditions);
  }
  void deny_if(int number, std::initializer_list<scmp_arg_cmp> conditions) {
    if (number < 0) return;
    must(seccomp_rule_add_array(context_.get(), SCMP_ACT_ERRNO(EPERM), number, static_cast<unsigned>(conditions.size()),
                                conditions.begin()),
         "rule");
  }
  [[nodiscard]] std::string program() const;

 private:
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
};

std::string Rules::program() const {
  const process::Descriptor file(::memfd_create("filter", MFD_CLOEXEC));
  if (file.get() < 0) throw Error(errc::io, "the system call filter cannot be made: out of descriptors or memory");
  must(seccomp_export_bpf(context_.get(), file.get()), "export");
  std::string bytes(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
  if (::pread(file.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) must(-EIO, "export");
  return bytes;
}

scmp_arg_cmp has_bits(unsigned argument, std::uint64_t bits) {
  return {argument, SCMP_CMP_MASKED_EQ, bits, bits};
}

// A folder that may be written to is a folder of the machine: a program left there that runs with its owner's rights
// would be a way back for everybody. As systemd's RestrictSUIDSGID.
void deny_set_id(Rules& rules) {
  constexpr int kChmodAt2 = 452;  // fchmodat2, which older libraries do not know
  for (const std::uint64_t bit : {S_ISUID, S_ISGID}) {
    for (const char* name : {"chmod", "fchmod", "creat", "mkdir", "mknod"}) rules.deny_if(name, {has_bits(1, bit)});
    for (const char* name : {"fchmodat", "mkdirat", "mknodat"}) rules.deny_if(name, {has_bits(2, bit)});
    rules.deny_if(kChmodAt2, {has_bits(2, bit)});
    for (const std::uint64_t flag : {std::uint64_t{O_CREAT}, kTemporaryFile}) {
      rules.deny_if("open", {has_bits(1, flag), has_bits(2, bit)});
      rules.deny_if("openat", {has_bits(2, flag), has_bits(3, bit)});
    }
  }
  rules.deny("openat2", ENOSYS);  // its mode is in memory
}

std::string make() {
  Rules rules;
  for (const char* name : kDenied) rules.deny(name);
  for (const unsigned flag : kNamespaces) {
    rules.deny_if("unshare", {has_bits(0, flag)});
    rules.deny_if("clone", {has_bits(0, flag)});
  }
  // Its flags are in memory, where a filter cannot look. The C library falls back to clone.
  rules.deny("clone3", ENOSYS);
  // Letters that seem typed at the terminal that we were started from.
  for (const unsigned request : {static_cast<unsigned>(TIOCSTI), kTioclinux}) {
    rules.deny_if("ioctl", {{1, SCMP_CMP_MASKED_EQ, 0xFFFFFFFFU, request}});
  }
  // Not netlink, packet, vsock, alg … vsock in particular knows no network namespace.
  rules.deny_if("socket", {{0, SCMP_CMP_GT, AF_INET6, 0}});
  rules.deny_if("socketpair", {{0, SCMP_CMP_GT, AF_INET6, 0}});
  for (std::uint64_t family = 0; family < AF_INET6; ++family) {
    if (family == AF_UNIX || family == AF_INET) continue;
    rules.deny_if("socket", {{0, SCMP_CMP_EQ, family, 0}});
  }
  // Others than Linux's own, and no randomised addresses: both make old holes usable again.
  rules.deny_if("personality", {{0, SCMP_CMP_NE, 0, 0}});
  for (const std::uint64_t device : {S_IFCHR, S_IFBLK}) {
    rules.deny_if("mknod", {{1, SCMP_CMP_MASKED_EQ, S_IFMT, device}});
    rules.deny_if("mknodat", {{2, SCMP_CMP_MASKED_EQ, S_IFMT, device}});
  }
  deny_set_id(rules);
  return rules.program();
}

}  // namespace

const std::string& filter() {
  static const std::string made = make();
  return made;
}

}  // namespace sennit::sandbox
