#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/agent/io/process_errors.hpp>
#include <sennit/agent/io/sandbox_gate.hpp>

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace sennit::sandbox {
namespace {

constexpr const char* kWho = "a sandbox";

[[noreturn]] void cannot_tell(const std::string& what) {
  throw Error(errc::io, "sandbox: what it shows cannot be looked at: " + what);
}

bool nobody_reads(const process::Descriptor& pipe) {
  pollfd look{.fd = pipe.get(), .events = 0, .revents = 0};
  return ::poll(&look, 1, 0) > 0 && (look.revents & POLLERR) != 0;
}

/// The process inside, as bubblewrap names it when it has begun.
int process_of(const process::Descriptor& report) {
  std::array<char, 4096> buffer{};
  const ssize_t length = ::read(report.get(), buffer.data(), buffer.size());
  const auto said = parse_json(std::string_view(buffer.data(), length < 0 ? 0 : static_cast<std::size_t>(length)));
  const json::value* process = said && said->is_object() ? said->get_object().if_contains("child-pid") : nullptr;
  if (process == nullptr || !process->is_int64()) cannot_tell("bubblewrap does not say who is in it");
  return static_cast<int>(process->get_int64());
}

bool is_shown(int root, const Meant& meant) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  // While it is being made, the new root is a folder of this name (bubblewrap's setup_newroot).
  const std::string path = "newroot" + meant.path.string();
  const process::Descriptor place(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
  struct statx status{};
  if (place.get() < 0 || ::statx(place.get(), "", AT_EMPTY_PATH, STATX_INO, &status) != 0) return false;
  // Without a mount there, what is shown is a part of what lies around it.
  const bool is_mount =
      (status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) == 0 || (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  return is_mount && status.stx_ino == meant.inode &&
         ::makedev(status.stx_dev_major, status.stx_dev_minor) == meant.device;
}

}  // namespace

Gate::Gate(const std::string& content) : file_(process::make_pipe(kWho)), report_(process::make_pipe(kWho)) {
  process::do_not_block(report_.first);
  // A pipe that is full can be written to again when it has been read.
  const auto size = static_cast<ssize_t>(content.size());
  if (::fcntl(file_.second.get(), F_SETPIPE_SZ, 1) < 0 ||
      ::write(file_.second.get(), content.data(), content.size()) != size) {
    throw process::scarce(kWho, errno);
  }
}

asio::awaitable<void> Gate::check(asio::any_io_executor executor, std::vector<Meant> meant) {
  process::Descriptor waited(::fcntl(file_.second.get(), F_DUPFD_CLOEXEC, 0));
  if (waited.get() < 0) throw process::scarce(kWho, errno);
  process::Stream stream(executor);
  process::hand_over(waited, stream);
  asio::awaitable<void> reading = process::ready(stream, process::Stream::wait_write);
  co_await std::move(reading);
  if (nobody_reads(file_.second)) co_return;  // it has ended, and says why
  const int process = process_of(report_.first);
  const std::string name = "/proc/" + std::to_string(process) + "/root";
  const process::Descriptor root(::open(name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0 && !nobody_reads(file_.second)) cannot_tell(process::words(errno));
  for (const Meant& one : meant) {
    if (is_shown(root.get(), one) || nobody_reads(file_.second)) continue;
    throw Error(errc::denied, "sandbox: '" + one.path.string() +
                                  "' was moved or replaced while it was being shown to a program, which was not begun");
  }
}

}  // namespace sennit::sandbox
