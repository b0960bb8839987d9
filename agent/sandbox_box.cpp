#include <sennit/agent/definition.hpp>
#include <sennit/agent/definition/shape.hpp>
#include <sennit/agent/guards.hpp>
#include <sennit/agent/sandbox_box.hpp>

#include <optional>
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
