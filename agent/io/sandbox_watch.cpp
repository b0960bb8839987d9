#include <sennit/agent/io/process_pipes.hpp>
#include <sennit/agent/io/sandbox_watch.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::sandbox {
namespace {

std::string content(const std::string& path) {
  constexpr std::size_t kMost = 64U << 10U;  // the children of a task
  const process::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  if (file.get() < 0) return text;
  char buffer[4096];
  for (ssize_t size = 0; text.size() < kMost && (size = ::read(file.get(), buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;
}

// Of `Name:   123 kB`.
std::int64_t field(std::string_view status, std::string_view name) {
  const std::size_t at = status.find(name);
  if (at == std::string_view::npos) return 0;
  const std::size_t digits = status.find_first_not_of(" \t", at + name.size());
  std::int64_t value = 0;
  if (digits != std::string_view::npos) std::from_chars(status.data() + digits, status.data() + status.size(), value);
  return value;
}

void add_children(const std::string& process, std::vector<int>& found) {
  const std::string tasks = process + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(tasks.c_str()), &::closedir);
  if (!folder) return;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] == '.') continue;
    const std::string children = content(tasks + "/" + entry->d_name + "/children");
    std::string_view rest = children;
    while (!rest.empty()) {
      int id = 0;
      const auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), id);
      if (failed != std::errc{}) break;
      found.push_back(id);
      rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
      if (!rest.empty()) rest.remove_prefix(1);
    }
  }
}

}  // namespace

bool can_watch() {
  return ::access("/proc/thread-self/children", R_OK) == 0;
}

Use measure(int root, std::int64_t most) {
  constexpr std::int64_t kKibi = 1024;
  Use use;
  std::vector<int> waiting;
  add_children("/proc/" + std::to_string(root), waiting);
  while (!waiting.empty() && use.tasks <= most) {
    const std::string process = "/proc/" + std::to_string(waiting.back());
    waiting.pop_back();
    const std::string status = content(process + "/status");
    use.tasks += field(status, "\nThreads:");
    use.memory += (field(status, "\nRssAnon:") + field(status, "\nRssShmem:")) * kKibi;
    add_children(process, waiting);
  }
  return use;
}

}  // namespace sennit::sandbox
