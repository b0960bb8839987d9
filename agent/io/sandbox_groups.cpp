#include <sennit/agent/io/sandbox_groups.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string_view>

namespace sennit::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "sennit-";

std::string content(const fs::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// The kernel wants it in one write and answers there.
bool put(const fs::path& file, const std::string& value) {
  const process::Descriptor descriptor(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  return descriptor.get() >= 0 &&
         ::write(descriptor.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

bool has_word(const std::string& text, std::string_view word, char between) {
  std::istringstream words(text);
  for (std::string one; std::getline(words, one, between);) {
    if (one == word) return true;
  }
  return false;
}

// The number behind `name` at the beginning of a line.
std::uint64_t count(const fs::path& file, std::string_view name) {
  std::istringstream lines(content(file));
  std::string key;
  for (std::uint64_t value = 0; lines >> key >> value;) {
    if (key == name) return value;
  }
  return 0;
}

// Our group of a version 1 controller, or of version 2 (an empty name), as a folder. Empty: it cannot be seen.
fs::path own_group(const std::string& controller) {
  std::string path;
  std::istringstream memberships(content("/proc/self/cgroup"));
  for (std::string line; std::getline(memberships, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? controllers.empty() : has_word(controllers, controller, ','))
      path = line.substr(second + 1);
  }
  if (path.empty()) return {};
  // ID PARENT MAJOR:MINOR ROOT POINT OPTIONS … - TYPE SOURCE OPTIONS
  std::istringstream mounts(content("/proc/self/mountinfo"));
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string skipped;
    std::string root;
    std::string point;
    std::string type;
    std::string options;
    words >> skipped >> skipped >> skipped >> root >> point;
    while (words >> skipped && skipped != "-") {
    }
    words >> type >> skipped >> options;
    const bool fits = controller.empty() ? type == "cgroup2" : type == "cgroup" && has_word(options, controller, ',');
    if (!fits) continue;
    if (root != "/" && path.starts_with(root)) path.erase(0, root.size());
    return (fs::path(point) / fs::path(path).relative_path()).lexically_normal();
  }
  return {};
}

std::string fresh_name() {
  static std::atomic<unsigned> number{0};
  return std::string(kPrefix) + std::to_string(::getpid()) + "-" + std::to_string(number++);
}

// Groups that are not empty yet.
class Leftovers {
 public:
  static Leftovers& all() {
    static auto* const leftovers = new Leftovers;  // used by destructors: must outlive all of them
    return *leftovers;
  }
  void remove(const fs::path& group) {
    const std::lock_guard lock(mutex_);
    if (::rmdir(group.c_str()) != 0 && errno == EBUSY) groups_.push_back(group);
  }
  void look() {
    const std::lock_guard lock(mutex_);
    std::erase_if(groups_, [](const fs::path& group) { return ::rmdir(group.c_str()) == 0 || errno != EBUSY; });
  }

 private:
  std::mutex mutex_;
  std::vector<fs::path> groups_;
};

// Of programs that were killed: their number is nobody's, or ours by now.
void remove_dead(const fs::path& place) {
  std::error_code failed;
  for (fs::directory_iterator entry(place, failed), end; !failed && entry != end; entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    int owner = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), owner);
    if (owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH) ::rmdir(entry->path().c_str());
  }
}

// Whether a group can be made there that takes `bound` for `file` and members of ours.
bool is_usable(const fs::path& place, const char* file) {
  if (place.empty()) return false;
  remove_dead(place);
  const fs::path group = place / fresh_name();
  if (::mkdir(group.c_str(), 0755) != 0) return false;
  const bool usable = put(group / file, "1000000") && ::access((group / "cgroup.procs").c_str(), W_OK) == 0;
  ::rmdir(group.c_str());
  return usable;
}

}  // namespace

GroupPlaces find_group_places() {
  GroupPlaces places;
  // Version 2: a group that has members cannot hand controllers down, so it is often the one above that can.
  fs::path own = own_group("");
  for (const fs::path& place : {own, own.parent_path()}) {
    if (place.empty()) continue;
    const std::string handed_down = content(place / "cgroup.subtree_control");
    std::string line = handed_down.substr(0, handed_down.find('\n'));
    if (!has_word(line, "memory", ' ') || !has_word(line, "pids", ' ')) continue;
    // To move there, a process must be allowed to change the group above both.
    if (::access((place / "cgroup.procs").c_str(), W_OK) != 0 || !is_usable(place, "memory.max")) continue;
    places.memory = places.processes = place;
    places.unified = true;
    return places;
  }
  if (fs::path place = own_group("memory"); is_usable(place, "memory.limit_in_bytes")) places.memory = place;
  if (fs::path place = own_group("pids"); is_usable(place, "pids.max")) places.processes = place;
  return places;
}

Groups::Groups(const GroupPlaces& places, std::int64_t memory, std::int64_t processes) : unified_(places.unified) {
  Leftovers::all().look();
  const std::string name = fresh_name();
  const std::string bytes = std::to_string(memory);
  const auto make = [&](const fs::path& place) {
    fs::path group = place.empty() ? fs::path{} : place / name;
    if (!group.empty() && ::mkdir(group.c_str(), 0755) != 0) group.clear();
    return group;
  };
  const auto join = [&](fs::path& group, bool bounded) {
    process::Descriptor file(bounded ? ::open((group / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC) : -1);
    if (file.get() >= 0) return joining_.push_back(std::move(file));
    if (!group.empty()) ::rmdir(group.c_str());
    group.clear();
  };
  memory_ = make(places.memory);
  if (unified_) {
    processes_ = memory_;
    const bool bounded =
        !memory_.empty() && put(memory_ / "memory.max", bytes) && put(memory_ / "pids.max", std::to_string(processes));
    if (bounded) {
      put(memory_ / "memory.swap.max", "0");  // not there without swap
      put(memory_ / "memory.oom.group", "1");
    }
    join(memory_, bounded);
    processes_ = memory_;
    return;
  }
  const bool memory_bounded = !memory_.empty() && put(memory_ / "memory.limit_in_bytes", bytes);
  if (memory_bounded) put(memory_ / "memory.memsw.limit_in_bytes", bytes);
  join(memory_, memory_bounded);
  processes_ = make(places.processes);
  join(processes_, !processes_.empty() && put(processes_ / "pids.max", std::to_string(processes)));
}

Groups::~Groups() {
  if (!memory_.empty()) Leftovers::all().remove(memory_);
  if (!unified_ && !processes_.empty()) Leftovers::all().remove(processes_);
}

std::vector<int> Groups::descriptors() const {
  std::vector<int> numbers;
  for (const process::Descriptor& file : joining_) numbers.push_back(file.get());
  return numbers;
}

bool Groups::memory_ran_out() const {
  if (memory_.empty()) return false;
  return count(memory_ / (unified_ ? "memory.events" : "memory.oom_control"), "oom_kill") > 0;
}

bool Groups::processes_ran_out() const {
  return !processes_.empty() && count(processes_ / "pids.events", "max") > 0;
}

}  // namespace sennit::sandbox
