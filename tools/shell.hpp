// The tool `shell`: runs a program or a script, shut into a sandbox.
//
//   tools:
//     - shell                                                    # no files of ours, no network
//     - shell: { write: [.], hosts: [pypi.org], timeout: 5m }    # its own folder, and one host
//
// What cannot be shut in is not run, unless the policy accepts that (`policy: {unsandboxed: true}`). docs/sandbox.md.
#pragma once

#include <sennit/agent/registry.hpp>

#include <memory>
#include <vector>

namespace sennit {

/// The factory. Options: read, write, hosts, allow_private, memory, disk, processes, timeout, cpu, allow_env, env, git.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_shell(const json::object& options, const PartContext& context);

}  // namespace sennit
