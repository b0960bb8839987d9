#include <sennit/agent/definition.hpp>
#include <sennit/agent/guards.hpp>
#include <sennit/agent/sandbox_box.hpp>

#include <charconv>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace sennit {

sandbox::Settings sandbox_settings(const SandboxSpec& spec, const PartContext& context, bool git) {
  const std::filesystem::path base = context.definition.directory();
  sandbox::Settings settings;
  settings.walls = spec.enabled;
  for (const std::filesystem::path& path : spec.read) settings.read.push_back(base / path);
  for (const std::filesystem::path& path : spec.write) settings.write.push_back(base / path);
  settings.hosts = spec.hosts;
  settings.memory = spec.memory;
  settings.disk = spec.disk;
  settings.processes = spec.processes;
  settings.cpu = spec.cpu;
  const auto keep = [&](const std::filesystem::path& path) {
    if (!path.empty()) settings.keep.push_back(std::filesystem::absolute(path));
  };
  const Guards guards = guards_of(context);
  for (const std::filesystem::path& file : guards.files) keep(file);
  for (const std::filesystem::path& folder : guards.folders) keep(folder);
  for (const std::filesystem::path& root : settings.write) {
    if (!git) keep(root / ".git");
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
  constexpr std::string_view kUnits = "KMGT";
  const auto refuse = [&] {
    throw Error(errc::config, std::string(option) + ": a size is a number of bytes, or such as 64M or 2G");
  };
  if (value.is_int64() && value.get_int64() >= 0) return value.get_int64();
  if (value.is_uint64() && value.get_uint64() <= std::numeric_limits<std::int64_t>::max()) {
    return static_cast<std::int64_t>(value.get_uint64());
  }
  if (!value.is_string()) refuse();
  const std::string_view text = value.get_string();
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (failed != std::errc{} || number < 0) refuse();
  if (unit.empty()) return number;
  const std::size_t power = kUnits.find(unit.front());
  unit.remove_prefix(1);
  if (power == std::string_view::npos || !(unit.empty() || unit == "B" || unit == "iB")) refuse();
  const unsigned shift = 10U * (static_cast<unsigned>(power) + 1);
  if (number > std::numeric_limits<std::int64_t>::max() >> shift) refuse();
  return number << shift;
}

}  // namespace sennit
