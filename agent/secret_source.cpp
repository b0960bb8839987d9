#include <sennit/agent/io/error.hpp>
#include <sennit/agent/secret_source.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace sennit::secret {
namespace {

struct Descriptor {
  explicit Descriptor(int number) : number(number) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  const int number;
};

[[noreturn]] void refuse(const std::string& path, std::string_view why) {
  throw Error(errc::config, fmt::format("the secret's file {} {}", path, why));
}

std::string expanded(std::string_view path) {
  const char* const home = std::getenv("HOME");
  if (!path.starts_with("~/") || home == nullptr) return std::string(path);
  return std::string(home) + std::string(path.substr(1));
}

void check(const std::string& path, int descriptor) {
  struct stat facts{};
  if (::fstat(descriptor, &facts) != 0) refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  if (!S_ISREG(facts.st_mode)) refuse(path, "is no regular file");
  if (facts.st_uid == ::getuid() && (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    refuse(path, fmt::format("is open to others than its owner (mode {:04o}); close it with `chmod 600 {}`",
                             facts.st_mode & 07777U, path));
  }
}

}  // namespace

std::string read_variable(std::string_view name) {
  const char* const found = std::getenv(std::string(name).c_str());
  if (found == nullptr || *found == '\0') {
    throw Error(errc::config,
                fmt::format("the environment variable {} is not set; set it with `export {}=…`", name, name));
  }
  return found;
}

std::string read_file(std::string_view given) {
  const std::string path = expanded(given);
  // A FIFO without a writer would be waited for.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.number < 0) refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  check(path, file.number);
  std::string text(kMaxValue + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.number, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxValue) refuse(path, fmt::format("is larger than {} KiB", kMaxValue >> 10U));
  text.resize(size);
  text.resize(text.find_last_not_of("\r\n") + 1);
  if (text.empty()) refuse(path, "is empty");
  if (text.find('\0') != std::string::npos) refuse(path, "holds a zero byte; a secret is text");
  return text;
}

}  // namespace sennit::secret
