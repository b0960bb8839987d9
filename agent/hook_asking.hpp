// Private: the points of a run at which hooks are asked, and what comes of their answers. What they said is kept with
// what they said it of, so that a run is resumed and told again without asking them.
#pragma once

#include <sennit/agent/asking.hpp>
#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/hook.hpp>
#include <sennit/agent/single_call.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// Whether before_model() has anything to do.
[[nodiscard]] bool has_before_model(const Effects::State& state, const std::string& effect);
/// Before the completion `effect`. What hooks want the model to know joins the conversation. The effect
/// "EFFECT.before". Throws Error(errc::content_filter), by which the run ends as refused, where one of them blocks.
[[nodiscard]] asio::awaitable<void> before_model(Effects::State& state, const std::string& effect);

[[nodiscard]] bool has_after_model(const Effects::State& state);
/// What hooks add to the answer is shown, and goes with it. Kept in the completion's record. Throws as before_model().
[[nodiscard]] asio::awaitable<void> after_model(Effects::State& state, Attempt& made, StepRecord& record);

/// Before the call `effect` is judged: the hooks of the agent, of those who delegated to it, then the registry's. They
/// may change `call` and its `arguments`. What they decided, which is at least as strict as nothing. The effect
/// "EFFECT.before".
[[nodiscard]] asio::awaitable<Decision> before_tool(Effects::State& state, const Agent::Parts::ToolEntry& entry,
                                                    const std::string& effect, ToolCall& call, json::object& arguments);
/// The call as hooks left it, of one that is told.
[[nodiscard]] ToolCall retell_before_tool(Effects::State& state, const ToolCall& call, const std::string& effect);

[[nodiscard]] bool has_after_tool(const Effects::State& state, std::string_view tool);
/// Once the call was made: `output` becomes what hooks make of it. Kept in the call's record. What the person is to be
/// told goes into `notices`.
[[nodiscard]] asio::awaitable<void> after_tool(Effects::State& state, const ToolCall& call,
                                               const json::object& arguments, const Labels& labels, ToolOutput& output,
                                               std::vector<std::string>& notices);

/// The stricter of two; its rule names both where both ask.
[[nodiscard]] Decision stricter(Decision first, Decision second);

}  // namespace sennit
