// A run's journal as a tree: what each effect was asked, what it gave, and what happened inside it.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/agent/run_record.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sennit::app {

struct EffectNode {
  std::string id;  ///< "2.1/3"
  std::string kind;
  json::value in;
  json::value out;
  std::optional<WallTime> begun;  ///< absent: known by what is inside it alone
  std::optional<WallTime> ended;
  std::string answer;  ///< of an open request: what was said to it, and will be used when the run goes on
  std::vector<std::unique_ptr<EffectNode>> inside;  ///< its approval, its questions, its sub-agent's effects
};

/// The run's own effects, in the order in which they were begun. Throws Error(errc::storage) for what cannot be read.
[[nodiscard]] std::vector<std::unique_ptr<EffectNode>> tree_of(const RecordedRun& run,
                                                               const std::vector<Answer>& answers);

/// The id of the effect that this one is inside of; empty: none.
[[nodiscard]] std::string outer_effect(const std::string& id);

/// A line for each effect, sub-agents indented below their call. `width`: of a line, in columns.
[[nodiscard]] std::string draw_tree(const std::vector<std::unique_ptr<EffectNode>>& effects, std::size_t width,
                                    bool colour);

}  // namespace sennit::app
