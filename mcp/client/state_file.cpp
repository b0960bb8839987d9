#include <sennit/agent/io/error.hpp>
#include <sennit/mcp/client/state_file.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <thread>

namespace sennit::mcp {
namespace {

constexpr std::chrono::milliseconds kBetweenTries{10};  // there is no lock with a deadline

[[noreturn]] void fail(const std::filesystem::path& file, const char* what) {
  const int error = errno;
  throw Error(errc::storage, std::string(what) + ": " + std::generic_category().message(error)).at(file.string());
}

[[noreturn]] void too_large(const std::filesystem::path& file) {
  throw Error(errc::storage, "more than " + std::to_string(kMaxStateFile) +
                                 " bytes: the file is too large; if what it holds is not needed, delete it")
      .at(file.string());
}

/// With those above it. The modes of what was there are its owner's decision.
void make_folder(const std::filesystem::path& folder) {
  std::error_code unknown;
  if (folder.empty() || std::filesystem::is_directory(folder, unknown)) return;
  make_folder(folder.parent_path());
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) fail(folder, "cannot make the folder");
  if (!std::filesystem::is_directory(folder, unknown)) {
    throw Error(errc::storage, "cannot make the folder: there is a file of this name").at(folder.string());
  }
}

struct Descriptor {
  explicit Descriptor(int number) : value(number) {}
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value;
};

}  // namespace

std::optional<std::string> read_state_file(const std::filesystem::path& file) {
  const Descriptor open(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (open.value < 0 && errno == ENOENT) return std::nullopt;
  if (open.value < 0) fail(file, "cannot read");
  std::string content;
  std::array<char, 16'384> buffer{};
  for (;;) {
    const ssize_t length = ::read(open.value, buffer.data(), buffer.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) fail(file, "cannot read");
    if (length == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(length));
    if (content.size() > kMaxStateFile) too_large(file);
  }
}

void write_state_file(const std::filesystem::path& file, std::string_view content) {
  if (content.size() > kMaxStateFile) too_large(file);
  make_folder(file.parent_path());
  std::string name = file.string() + ".XXXXXX";
  const Descriptor open(::mkostemp(name.data(), O_CLOEXEC));  // mode 0600
  if (open.value < 0) fail(file, "cannot write");
  while (!content.empty()) {
    const ssize_t length = ::write(open.value, content.data(), content.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) {
      ::unlink(name.c_str());
      fail(file, "cannot write");
    }
    content.remove_prefix(static_cast<std::size_t>(length));
  }
  if (::fsync(open.value) != 0 || ::rename(name.c_str(), file.c_str()) != 0) {
    ::unlink(name.c_str());
    fail(file, "cannot write");
  }
}

StateFileLock::StateFileLock(const std::filesystem::path& file, std::chrono::milliseconds patience) {
  make_folder(file.parent_path());
  const std::string name = file.string() + ".lock";
  descriptor_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor_ < 0) fail(file, "cannot lock");
  const auto until = std::chrono::steady_clock::now() + patience;
  while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    if (error == EINTR) continue;
    if (error == EWOULDBLOCK && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(kBetweenTries);
      continue;
    }
    ::close(descriptor_);
    if (error != EWOULDBLOCK) {
      errno = error;
      fail(file, "cannot lock");
    }
    Error busy(errc::storage, "another program holds its lock for more than " + std::to_string(patience.count()) +
                                  " ms; end that program, then try again");
    throw StateFileBusy(std::move(busy).at(file.string()));
  }
}

StateFileLock::~StateFileLock() {
  ::close(descriptor_);
}

}  // namespace sennit::mcp
