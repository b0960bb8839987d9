// Whether there can be walls is not asked of versions and settings, of which there are too many, but tried: bubblewrap
// is run as every child will be.
#include <sennit/agent/io/sandbox_bubblewrap.hpp>
#include <sennit/agent/io/sandbox_filter.hpp>
#include <sennit/agent/io/sandbox_support.hpp>
#include <sennit/agent/io/sandbox_watch.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <optional>
#include <string_view>

namespace sennit::sandbox {
namespace {

constexpr std::chrono::seconds kPatience{10};

struct Tried {
  ExitStatus status;
  std::string errors;
};

asio::awaitable<void> attempt(Process::Command command, std::optional<Tried>& tried) {
  Process process = co_await Process::start(std::move(command));
  process.close_input();
  Tried result;
  std::array<char, 4096> buffer{};
  while (const std::size_t length = co_await process.read_errors(buffer)) {
    if (result.errors.size() < buffer.size()) result.errors.append(buffer.data(), length);
  }
  result.status = co_await process.wait();
  tried = std::move(result);
}

// On a loop of its own: who asks may have none.
Tried try_walls() {
  Walls walls;
  walls.disk = 1 << 20U;
  walls.directory = "/";
  const Wrapped wrapped = wrap({"/bin/sh", "-c", ":"}, walls);
  Process::Command command;
  command.arguments = wrapped.arguments;
  command.directory = "/";
  for (const process::Descriptor& file : wrapped.descriptors) command.descriptors.push_back(file.get());
  wrapped.gate->open();
  std::optional<Tried> tried;
  std::exception_ptr failure;
  asio::io_context loop;
  asio::co_spawn(loop, attempt(std::move(command), tried), [&](const std::exception_ptr& thrown) { failure = thrown; });
  loop.run_for(kPatience);
  if (failure) std::rethrow_exception(failure);
  if (!tried) throw Error(errc::timeout, "bubblewrap does not end");
  return *tried;
}

// What to do about bubblewrap's own words.
std::string_view advice(std::string_view errors) {
  const auto says = [&](std::string_view words) { return errors.find(words) != std::string_view::npos; };
  if (says("Unknown option")) return "a newer bubblewrap is needed (0.8 or later)";
  if (says("proc")) return "/proc is restricted here, as in a container: start the container with an unmasked /proc";
  if (says("namespace") || says("Operation not permitted") || says("uid map")) {
    return "the system must permit user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
           "user.max_user_namespaces above 0; on Ubuntu an AppArmor profile for bwrap; in a container: its seccomp "
           "profile)";
  }
  return "run bwrap by hand to see what is missing";
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

std::string bounds_of(const GroupPlaces& places) {
  std::string text;
  if (!places.memory.empty() && !places.processes.empty()) return "control groups bound memory and processes";
  if (places.memory.empty() && places.processes.empty()) {
    text =
        "there are no control groups that could be used, so the tree is looked at twenty times a second, and ended "
        "when it exceeds its memory or processes";
  } else {
    text = std::string("a control group bounds the ") + (places.memory.empty() ? "processes" : "memory") + "; the " +
           (places.memory.empty() ? "memory is" : "processes are") +
           " looked at twenty times a second, and the tree ended when it exceeds its bound";
  }
  return text + (can_watch() ? "" : "; that needs /proc/PID/task/TID/children, which this kernel lacks");
}

Support find_out() {
  Support support;
  support.bounds = bounds_of(group_places());
  try {
    const Tried tried = try_walls();
    support.possible = tried.status.success();
    if (!support.possible) {
      support.obstacle =
          "bubblewrap cannot make one: '" + first_line(tried.errors) + "': " + std::string(advice(tried.errors));
    }
  } catch (const Error& error) {
    support.obstacle = error.message();
  }
  return support;
}

}  // namespace

const Support& support() {
  static const Support found = find_out();
  return found;
}

const GroupPlaces& group_places() {
  static const GroupPlaces places = find_group_places();
  return places;
}

}  // namespace sennit::sandbox
