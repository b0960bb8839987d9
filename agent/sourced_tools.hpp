// Private: tools that are found out when an agent begins, as its conversation goes on: all of them can be called; where
// their descriptions would take too much of the context, the model sees those that it has looked for.
#pragma once

#include <sennit/agent/agent_parts.hpp>
#include <sennit/agent/backend.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

inline constexpr std::string_view kToolSearch = "tool_search";

struct SourcedTools {
  std::vector<Agent::Parts::ToolEntry> entries;  // tool_search among them, where it is needed
  std::vector<ToolDescription> shown;            // the agent's own, then these; empty without sources
  std::vector<ToolDescription> deferred;         // not shown yet

  [[nodiscard]] const Agent::Parts::ToolEntry* find(std::string_view name) const;
};

/// The deferred tools that fit the words, best first.
[[nodiscard]] std::vector<const ToolDescription*> search_tools(const std::vector<ToolDescription>& tools,
                                                               std::string_view query, std::size_t limit);

/// The facts of a tool as the journal keeps them, and back.
[[nodiscard]] json::value to_json(const ToolSpec& spec);
[[nodiscard]] ToolSpec tool_spec_from_json(const json::value& value);

/// A tool of which the journal has the facts: it is looked for at its source when it is called.
[[nodiscard]] std::shared_ptr<Tool> make_recorded_tool(ToolSpec spec, std::shared_ptr<ToolSource> source);

}  // namespace sennit
