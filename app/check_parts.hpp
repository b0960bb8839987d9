// The checks of one definition against a registry: names, options, policy, intents.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/registry.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {

/// Collects diagnostics by the path of the value that they are about.
class Findings {
 public:
  explicit Findings(const ParsedDefinition& parsed) : parsed_(parsed) {}

  /// At the place of `path` ("tools[1].options"), or of the nearest part of it that stands in the file.
  void error(std::string_view path, std::string message) { add(Diagnostic::Severity::error, path, std::move(message)); }
  void warning(std::string_view path, std::string message) {
    add(Diagnostic::Severity::warning, path, std::move(message));
  }
  [[nodiscard]] const std::vector<Diagnostic>& list() const { return list_; }
  /// Whether the reader found an error in the part of the file that begins at a key of the first level ("model"): what
  /// would be said of the rest of it could follow from that.
  [[nodiscard]] bool broken(std::string_view key) const;

 private:
  void add(Diagnostic::Severity severity, std::string_view path, std::string message);

  const ParsedDefinition& parsed_;
  std::vector<Diagnostic> list_;
};

/// "unknown tool `clok`; did you mean `clock`?", or the known names.
[[nodiscard]] std::string unknown(std::string_view kind, std::string_view name, const std::vector<std::string>& known);

/// An error where an option names a file, relative to the agent's, that is not there: it would be read when a
/// connection is made, long after the agent was.
void check_named_file(const Definition& definition, std::string_view path, std::string_view name, Findings& findings);

/// The tools that an agent will have.
struct ToolNames {
  std::vector<std::string> names;
  std::vector<std::shared_ptr<Tool>> tools{};  ///< delegates excepted
  std::vector<std::string> servers{};  ///< what begins the names of tools that only an MCP server knows: "github_"
  bool complete = true;                ///< false: some could not be made, so a name that is absent may still be right
};

/// The models, planner, memory, tools and inputs. Gives the tools, delegates excepted.
[[nodiscard]] ToolNames check_parts(const Definition& definition, const Registry& registry, Findings& findings);
/// Every model that the file names: its provider, its settings, whether it calls tools and what it costs; and the rules
/// that choose among them.
void check_models(const Definition& definition, const PartContext& context, Findings& findings);
/// Rules that match no tool, speak of what no call has, or never decide anything; `deployment` goes before them.
void check_policy(const Definition& definition, const ToolNames& tools, const PolicySettings& deployment,
                  Findings& findings);
/// The tools of one entry of `tools:`, and everything that is wrong with its options.
void check_tool(const ToolSelection& selection, std::string_view path, const PartContext& context, ToolNames& tools,
                Findings& findings);
/// The programs of MCP servers, hooks and guardrails.
void check_programs(const Definition& definition, Findings& findings);
/// Patterns, tools and captures of intents.
void check_intents(const Definition& definition, const ToolNames& tools, Findings& findings);

}  // namespace sennit::app
