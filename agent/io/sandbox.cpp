#include <sennit/agent/io/egress_hosts.hpp>
#include <sennit/agent/io/egress_proxy.hpp>
#include <sennit/agent/io/pool.hpp>
#include <sennit/agent/io/sandbox.hpp>
#include <sennit/agent/io/sandbox_bubblewrap.hpp>
#include <sennit/agent/io/sandbox_groups.hpp>
#include <sennit/agent/io/sandbox_leftovers.hpp>
#include <sennit/agent/io/sandbox_roots.hpp>
#include <sennit/agent/io/sandbox_support.hpp>
#include <sennit/agent/io/sandbox_watch.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/timeout.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace sennit::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr std::uint16_t kProxyPort = 3128;  // in a network where nothing else listens
constexpr std::uint64_t kOpenFiles = 1024;
constexpr std::int64_t kOwnTasks = 2;  // bubblewrap itself, outside and inside
constexpr milliseconds kWatchEvery{50};
constexpr int kMostMissed = 10;          // looks in a row
constexpr milliseconds kToShow{30'000};  // a folder of a server that is gone may never be

void check_bounds(const Settings& settings) {
  constexpr std::int64_t kLeastMemory = 16LL << 20U;
  constexpr std::int64_t kLeastDisk = 1LL << 20U;
  const auto refuse = [](const std::string& what) { throw Error(errc::config, "sandbox: " + what); };
  if (settings.memory < kLeastMemory) refuse("memory must be at least 16 MiB");
  if (settings.disk < kLeastDisk) refuse("disk must be at least 1 MiB");
  if (settings.processes < 1) refuse("processes must be at least 1");
  if (settings.cpu < milliseconds{0}) refuse("cpu must not be negative");
  for (const std::string& host : settings.hosts) {
    if (is_host_pattern(host)) continue;
    refuse("'" + host + "' in hosts is no host: write example.com, *.example.com or example.com:8080, without http://");
  }
}

// For each process: what the tree's bounds cannot do, or not in time.
std::map<int, std::uint64_t> limits_of(const Settings& settings) {
  std::map<int, std::uint64_t> limits;
  limits[RLIMIT_CORE] = 0;
  // Not RLIMIT_AS: interpreters reserve a hundred times what they use.
  limits[RLIMIT_DATA] = static_cast<std::uint64_t>(settings.memory);
  limits[RLIMIT_FSIZE] = static_cast<std::uint64_t>(settings.disk);
  limits[RLIMIT_NOFILE] = kOpenFiles;
  limits[RLIMIT_MEMLOCK] = std::uint64_t{64} << 10U;
  if (settings.cpu > milliseconds{0}) {
    limits[RLIMIT_CPU] = static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(settings.cpu).count());
  }
  // None can be raised, where ours are lower.
  for (auto& [resource, bound] : limits) {
    rlimit ours{};
    if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &ours) == 0 && ours.rlim_max != RLIM_INFINITY) {
      bound = std::min<std::uint64_t>(bound, ours.rlim_max);
    }
  }
  return limits;
}

void add_defaults(std::map<std::string, std::string>& environment, const Settings& settings) {
  const auto add = [&](const char* name, const std::string& value) { environment.try_emplace(name, value); };
  add("PATH", kPath);
  add("LANG", "C.UTF-8");
  if (!settings.walls) return;
  add("HOME", kHome);
  add("TMPDIR", "/tmp");
  if (settings.hosts.empty()) return;
  const std::string proxy = "http://127.0.0.1:" + std::to_string(kProxyPort);
  for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"}) {
    environment[name] = proxy;
  }
  for (const char* name : {"NO_PROXY", "no_proxy"}) environment[name] = "127.0.0.1,localhost";
  environment["NODE_USE_ENV_PROXY"] = "1";
}

fs::path working_directory(const Settings& settings) {
  if (!settings.write.empty()) return fs::canonical(settings.write.front());
  for (const fs::path& path : settings.read) {
    if (fs::is_directory(path)) return fs::canonical(path);
  }
  return settings.walls ? fs::path(kHome) : fs::path("/");
}

}  // namespace

struct Box::State {
  Settings settings;
  std::vector<Shown> roots;
  std::map<int, std::uint64_t> limits;

  fs::path directory;  ///< where a child works that was not told where
};

Box::Box(Settings settings) {
  auto state = std::make_unique<State>();
  check_bounds(settings);
  if (settings.walls && !support().possible) {
    throw Error(errc::config,
                "no sandbox is possible here, and programs are not started without one: " + support().obstacle);
  }
  state->roots = find_roots(settings.read, settings.write);
  state->limits = limits_of(settings);
  state->settings = std::move(settings);
  state->directory = working_directory(state->settings);
  check_kept(state->settings.keep, state->roots);
  state_ = std::move(state);
}

Box::~Box() = default;

const Settings& Box::settings() const noexcept {
  return state_->settings;
}

std::string describe(const Settings& settings) {
  if (!settings.walls) return "NOT in a sandbox: it can read, change and reach whatever the user can";
  std::string text = "in a sandbox";
  text += settings.write.empty() ? "" : ", changing only its folders";
  if (settings.hosts.empty()) return text + ", without network";
  text += ", reaching only";
  for (std::size_t i = 0; i < settings.hosts.size(); ++i) text += (i == 0 ? " " : ", ") + settings.hosts[i];
  return text + " (by HTTP through a proxy)";
}

struct Child::State {
  State(Environment& surroundings, std::shared_ptr<const Box> given)
      : environment(surroundings), box(std::move(given)), tasks(surroundings.executor(), [](const Error&) {}) {}

  void wrap_up(Process::Command& command);
  static asio::awaitable<void> watch(std::shared_ptr<State> state, bool memory, bool processes);
  void begin_watching(const std::shared_ptr<State>& self);
  void end();

  Environment& environment;
  std::shared_ptr<const Box> box;
  TaskScope tasks;
  std::optional<Groups> groups;
  std::vector<Placeholder> placeholders;
  std::vector<process::Descriptor> descriptors;  // until it has started
  std::vector<Meant> meant;
  std::unique_ptr<Gate> gate;  // until the program may begin
  std::optional<Process> process;
  std::unique_ptr<EgressProxy> proxy;
  Bound exceeded = Bound::none;
};

// From what is to be run to what runs it, inside.
void Child::State::wrap_up(Process::Command& command) {
  const Box::State& state = *box->state_;
  for (const Shown& shown : state.roots) check_unchanged(shown);
  Walls walls;
  walls.roots = state.roots;
  std::vector<fs::path> kept = state.settings.keep;
  // What is only to be read must not be moved away either, where something above it may be changed.
  for (const Shown& shown : state.roots) {
    if (!shown.writable) kept.push_back(shown.path);
  }
  walls.kept = keep(kept, state.roots);
  walls.disk = state.settings.disk;
  walls.own_network = !state.settings.hosts.empty();
  walls.environment = std::move(command.environment);
  walls.directory = (command.directory.empty() ? state.directory : command.directory).string();
  Wrapped wrapped = wrap(command.arguments, walls);
  command = Process::Command{};
  command.arguments = std::move(wrapped.arguments);
  command.directory = "/";
  descriptors = std::move(wrapped.descriptors);
  meant = meant_by(state.roots, walls.kept);
  gate = std::move(wrapped.gate);
  placeholders = std::move(walls.kept.placeholders);
  for (const process::Descriptor& file : descriptors) command.descriptors.push_back(file.get());
  if (walls.own_network) command.listen = kProxyPort;
}

void Child::State::begin_watching(const std::shared_ptr<State>& self) {
  const bool memory = !groups || !groups->bounds_memory();
  const bool processes = !groups || !groups->bounds_processes();
  if (!memory && !processes) return;
  asio::awaitable<void> watching = watch(self, memory, processes);
  tasks.spawn(std::move(watching));
}

asio::awaitable<void> Child::State::watch(std::shared_ptr<State> state, bool memory, bool processes) {
  const Settings& settings = state->box->settings();
  const int root = state->process->keeper();
  const std::int64_t most = settings.processes + (settings.walls ? kOwnTasks : 0);
  // A timer of the loop's own: one that never runs again lets go of it, and so of us.
  asio::steady_timer timer(state->environment.executor());
  for (int missed = 0;;) {
    timer.expires_after(kWatchEvery);
    co_await timer.async_wait(asio::use_awaitable);
    try {
      auto job = [root, most] { return measure(root, most); };
      asio::awaitable<Use> measuring = state->environment.pool().run(std::move(job));
      const Use use = co_await std::move(measuring);
      missed = 0;
      if (processes && use.tasks > most) state->exceeded = Bound::processes;
      if (memory && use.memory > settings.memory) state->exceeded = Bound::memory;
    } catch (...) {
      if (current_error().code() == errc::cancelled) throw;
      if (++missed == kMostMissed) state->exceeded = Bound::unwatched;
    }
    if (state->exceeded == Bound::none) continue;
    state->process->kill();
    co_return;
  }
}

// The tree may still be dying: then what must not be made is guarded until it has, and what must not begin does not.
void Child::State::end() {
  tasks.cancel();
  proxy.reset();
  if (!process) return;
  const int keeper = process->keeper();
  process.reset();
  if (!placeholders.empty() || gate) leave_behind(keeper, std::move(placeholders), std::move(gate));
}

Child::Child(std::shared_ptr<State> state) : state_(std::move(state)) {}
Child::Child(Child&&) noexcept = default;

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  if (state_) state_->end();
  state_ = std::move(other.state_);
  return *this;
}

Child::~Child() {
  if (state_) state_->end();
}

asio::awaitable<Child> Child::start(Environment& environment, std::shared_ptr<const Box> box,
                                    Process::Command command) {
  clear_leftovers();
  const auto state = std::make_shared<State>(environment, std::move(box));
  const Settings& settings = state->box->settings();
  if (settings.groups) {
    state->groups.emplace(group_places(), settings.memory, settings.processes + (settings.walls ? kOwnTasks : 0));
  }
  const bool bounded = state->groups && state->groups->bounds_memory() && state->groups->bounds_processes();
  if (!bounded && !can_watch()) {
    throw Error(errc::config, "nothing bounds the memory and the processes of a child here: " + support().bounds);
  }
  add_defaults(command.environment, settings);
  command.descriptors.clear();
  command.listen.reset();
  if (settings.walls) {
    state->wrap_up(command);
  } else if (command.directory.empty()) {
    command.directory = state->box->state_->directory;
  }
  command.limits = state->box->state_->limits;
  if (state->groups) command.groups = state->groups->descriptors();
  asio::awaitable<Process> starting = Process::start(std::move(command));
  state->process.emplace(co_await std::move(starting));
  Child child(state);
  state->descriptors.clear();
  if (state->groups) state->groups->close_descriptors();
  if (state->gate) {
    asio::awaitable<void> checking = state->gate->check(environment.executor(), std::move(state->meant));
    co_await with_timeout(environment, kToShow, std::move(checking), "what a sandbox shows its program");
    state->gate.reset();  // it begins
  }
  if (settings.walls && !settings.hosts.empty()) {
    EgressProxy::Rules rules{.hosts = settings.hosts};
    if (settings.private_addresses) rules.allow_address = [](const sockaddr&) { return true; };
    state->proxy = std::make_unique<EgressProxy>(environment, state->process->listener(), std::move(rules));
  }
  state->begin_watching(state);
  co_return child;
}

Process& Child::process() noexcept {
  return *state_->process;
}

asio::awaitable<Ending> Child::wait() {
  const std::shared_ptr<State> state = state_;
  Ending ending;
  asio::awaitable<ExitStatus> waiting = state->process->wait();
  ending.status = co_await std::move(waiting);
  state->tasks.cancel();
  ending.bound = state->exceeded;
  if (ending.bound == Bound::none && state->groups && state->groups->memory_ran_out()) ending.bound = Bound::memory;
  if (ending.bound == Bound::none && state->groups && state->groups->processes_ran_out()) {
    ending.bound = Bound::processes;
  }
  if (state->proxy) ending.refused = state->proxy->refused();
  state->placeholders.clear();
  co_return ending;
}

}  // namespace sennit::sandbox
