// Private: where a run's texts meet the guardrails.
#pragma once

#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/guardrail_output.hpp>

#include <memory>
#include <string>

namespace sennit {

/// For one attempt at a completion; null where there is nothing to pass.
[[nodiscard]] std::unique_ptr<OutputRails> make_output_rails(const Effects::State& state);

/// Whether check_input() has anything to do.
[[nodiscard]] bool has_input_rails(const Effects::State& state, const std::string& effect);
/// What the person says, before anybody else hears of it: `input` without what is redacted. The effect `effect`, which
/// keeps what was decided. Throws Error(errc::content_filter) where a guardrail refuses; `state.said_apart` is then
/// what the person gets. `was_heard`: where the journal has no such decision, there was none to take. All arguments
/// outlive it.
[[nodiscard]] asio::awaitable<void> check_input(Effects::State& state, const std::string& effect, std::string& input,
                                                bool was_heard);

}  // namespace sennit
