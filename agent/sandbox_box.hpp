// From what an agent file says about a child program to the sandbox that it runs in. For the tools that start
// programs, and for MCP servers.
#pragma once

#include <sennit/agent/io/sandbox.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/agent/sandbox_settings.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

namespace sennit {

/// What an agent must not change of itself stays as it is, whatever its children may write to: its files, those of the
/// agents above and below it, the programs and documents that they name, the state folder, a deployment's policy; and
/// each `.git` in the writable roots (its hooks and settings are commands that somebody else's next git would run),
/// unless `git`: some 20'000 entries are looked at, six folders deep.
[[nodiscard]] sandbox::Settings sandbox_settings(const SandboxSpec& spec, const PartContext& context, bool git = false);

/// Throws Error(errc::config), naming `who`: a folder that cannot be given away, or no sandbox is possible here and the
/// policy does not accept to do without. Where it does, the box has no walls: say so (sandbox::describe).
[[nodiscard]] std::shared_ptr<const sandbox::Box> make_box(sandbox::Settings settings, const PartContext& context,
                                                           std::string_view who);

/// `1048576`, `64M`, `2G` (also KiB, MiB, GiB). Throws Error(errc::config), naming `option`.
[[nodiscard]] std::int64_t read_bytes(const json::value& value, std::string_view option);

}  // namespace sennit
