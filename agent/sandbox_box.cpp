#include <sennit/agent/definition.hpp>
#include <sennit/agent/definition/shape.hpp>
#include <sennit/agent/guards.hpp>
#include <sennit/agent/sandbox_box.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sennit {
namespace {

namespace fs = std::filesystem;

/// The repositories in a folder, and its own place for one, whether there is one or not. A new one that a child makes
/// later is not among them.
void add_repositories(std::vector<fs::path>& found, const fs::path& folder) {
  constexpr int kDeepest = 6;
  constexpr int kMostEntries = 20'000;  // some ten milliseconds
  found.push_back(folder / ".git");
  std::error_code failed;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, failed);
  for (int seen = 0; !failed && entry != fs::recursive_directory_iterator() && seen < kMostEntries; ++seen) {
    const bool is_repository = entry->path().filename() == ".git";
    if (is_repository && entry.depth() > 0) found.push_back(entry->path());
    if (is_repository || entry.depth() + 1 >= kDeepest) entry.disable_recursion_pending();
    entry.increment(failed);
  }
}

}  // namespace

sandbox::Settings sandbox_settings(const SandboxSpec& spec, const PartContext& context, bool git) {
  const fs::path base = context.definition.directory();
  sandbox::Settings settings;
  settings.walls = spec.enabled;
  for (const fs::path& path : spec.read) settings.read.push_back(base / path);
  for (const fs::path& path : spec.write) settings.write.push_back(base / path);
  settings.hosts = spec.hosts;
  settings.memory = spec.memory;
  settings.disk = spec.disk;
  settings.processes = spec.processes;
  settings.cpu = spec.cpu;
  std::vector<fs::path> kept;
  const Guards guards = guards_of(context);
  kept.insert(kept.end(), guards.files.begin(), guards.files.end());
  kept.insert(kept.end(), guards.folders.begin(), guards.folders.end());
  for (const fs::path& root : settings.write) {
    if (!git) add_repositories(kept, root);
  }
  for (const fs::path& path : kept) {
    if (!path.empty()) settings.keep.push_back(fs::absolute(path));
  }
  return settings;
}

std::shared_ptr<const sandbox::Box> make_box(sandbox::Settings settings, const PartContext& context,
                                             std::string_view who) {
  if (settings.walls && !sandbox::support().possible) {
    if (!context.accepts_unsandboxed()) {
      throw Error(errc::config, std::string(who) + ": no sandbox is possible here: " + sandbox::support().obstacle +
                                    ". `policy: {unsandboxed: true}` accepts to run without one");
    }
    settings.walls = false;
  }
  try {
    return std::make_shared<const sandbox::Box>(std::move(settings));
  } catch (const Error& error) {
    throw Error(error.code(), std::string(who) + ": " + error.message());
  }
}

std::int64_t read_bytes(const json::value& value, std::string_view option) {
  std::optional<std::int64_t> bytes;
  if (value.is_int64()) {
    bytes = format::parse_bytes(std::to_string(value.get_int64()));
  } else if (value.is_uint64()) {
    bytes = format::parse_bytes(std::to_string(value.get_uint64()));
  } else if (value.is_string()) {
    bytes = format::parse_bytes(value.get_string());
  }
  if (!bytes) throw Error(errc::config, std::string(option) + ": a size is a number of bytes, or such as 64M or 2G");
  return *bytes;
}

}  // namespace sennit
