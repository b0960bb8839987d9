// Names to factories. Built-in parts and plugins register in the same way.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/definition.hpp>
#include <sennit/agent/hook.hpp>
#include <sennit/agent/memory.hpp>
#include <sennit/agent/planner.hpp>
#include <sennit/agent/tool.hpp>
#include <sennit/agent/tool_source.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// What a factory may look at besides its own options. Valid during the call only.
struct PartContext {
  const Definition& definition;
  const class Registry& registry;
  std::filesystem::path state;                 ///< folder for files that parts keep; empty: keep nothing (memory only)
  std::vector<std::filesystem::path> above{};  ///< of a sub-agent: the files of the agents that lead to it
  const PolicySettings* deployment = nullptr;  ///< RuntimeOptions::policy; null: none
  /// What all agents of its tree are made of, and none may change; empty: it is the top of a tree.
  std::vector<std::filesystem::path> guarded{};

  /// Whether an agent's word counts that something from outside is trusted, or that its data is not private: not where
  /// the deployment has a rule for such data.
  [[nodiscard]] bool may_trust() const {
    return deployment == nullptr || (!deployment->flow.untrusted && !deployment->flow.both);
  }
  [[nodiscard]] bool may_publish() const {
    return deployment == nullptr || (!deployment->flow.confidential && !deployment->flow.both);
  }
  /// Child programs may run without a sandbox where none is possible.
  [[nodiscard]] bool accepts_unsandboxed() const {
    if (deployment != nullptr && deployment->unsandboxed) return *deployment->unsandboxed;
    return definition.policy.unsandboxed.value_or(false);
  }
};

using BackendFactory = std::function<std::shared_ptr<const Backend>(const ModelSpec&, const PartContext&)>;
/// One entry of `tools:` may bring several tools (`files` brings files_read, files_write …).
using ToolFactory = std::function<std::vector<std::shared_ptr<Tool>>(const json::object& options, const PartContext&)>;
using McpFactory = std::function<std::shared_ptr<ToolSource>(const McpServer&, const PartContext&)>;
using MemoryFactory = std::function<std::shared_ptr<Memory>(const MemorySettings&, const PartContext&)>;
using PlannerFactory = std::function<std::shared_ptr<const Planner>(const json::object& options, const PartContext&)>;

/// Filled before the Runtime is made or between runs; reading is [thread-safe], adding is not.
class Registry {
 public:
  /// Adding a name twice replaces the first.
  void add_backend(std::string provider, BackendFactory factory);
  void add_tool(std::string name, ToolFactory factory);
  void add_tool(std::shared_ptr<Tool> tool);  ///< a ready tool under its own name
  /// A C++ function over a described struct: include typed_tool.hpp, see make_tool() there.
  template <class Function>
  void add_tool(std::string name, std::string description, Function function);
  template <class Function>
  void add_tool(std::string name, std::string description, Function function, struct ToolTraits traits);
  void add_memory(std::string kind, MemoryFactory factory);
  /// What makes an entry of `mcp:` a source of tools.
  void add_mcp(McpFactory factory) { mcp_ = std::move(factory); }
  void add_planner(std::string name, PlannerFactory factory);
  /// Asked in all runs of all agents, after the agents' own.
  void add_hook(std::shared_ptr<Hook> hook) { hooks_.push_back(std::move(hook)); }

  /// Each throws Error(errc::not_found) naming the nearest known name.
  [[nodiscard]] std::shared_ptr<const Backend> backend(const ModelSpec& spec, const PartContext& context) const;
  [[nodiscard]] std::vector<std::shared_ptr<Tool>> tools(const ToolSelection& selection,
                                                         const PartContext& context) const;
  [[nodiscard]] std::shared_ptr<Memory> memory(const MemorySettings& settings, const PartContext& context) const;
  [[nodiscard]] std::shared_ptr<const Planner> planner(std::string_view name, const json::object& options,
                                                       const PartContext& context) const;

  /// Throws Error(errc::not_found) where this registry has no MCP client.
  [[nodiscard]] std::shared_ptr<ToolSource> mcp(const McpServer& server, const PartContext& context) const;

  [[nodiscard]] const std::vector<std::shared_ptr<Hook>>& hooks() const noexcept { return hooks_; }
  [[nodiscard]] std::vector<std::string> backend_names() const;
  [[nodiscard]] std::vector<std::string> tool_names() const;
  [[nodiscard]] std::vector<std::string> memory_names() const;
  [[nodiscard]] std::vector<std::string> planner_names() const;

 private:
  std::map<std::string, BackendFactory, std::less<>> backends_;
  std::map<std::string, ToolFactory, std::less<>> tools_;
  std::map<std::string, MemoryFactory, std::less<>> memories_;
  std::map<std::string, PlannerFactory, std::less<>> planners_;
  McpFactory mcp_;
  std::vector<std::shared_ptr<Hook>> hooks_;
};

/// The candidate nearest to `word` by edit distance, if it is near enough to be meant; else empty. It points into
/// `candidates`.
[[nodiscard]] std::string_view nearest(std::string_view word, const std::vector<std::string>& candidates);
std::string_view nearest(std::string_view word, std::vector<std::string>&& candidates) = delete;

}  // namespace sennit
