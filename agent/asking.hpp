// Private: How a completion is asked for: of which model, how often, and of which other one where that fails.
#pragma once

#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/agent/step_trace.hpp>

#include <cstddef>
#include <optional>

namespace sennit {

/// What came of asking once.
struct Attempt {
  Completion completion;
  std::optional<Error> error;
  bool visible = false;     ///< something was shown: it must not be asked again silently
  std::size_t written = 0;  ///< bytes that the model wrote
  std::size_t pieces = 0;   ///< that they came in
  bool doubted = false;     ///< an answer came, and was not good enough
};

/// What the journal keeps of a completion, while it goes on.
struct StepRecord {
  StepTrace trace;
  json::array broken;  // what attempts cost that did not end well: a usage each, with its model where there are several
  bool chose_model = false;
  std::optional<std::string> say;  // a guardrail refused: to the person, in the place of what was held back
};

/// Shows what belongs to a completion, now and whenever it is told again.
void show(Effects::State& state, StepRecord& record, EventData data);

/// What the model reads: for servers that do not count it, or not before the end.
[[nodiscard]] std::size_t prompt_bytes(const Effects::State& state);

/// The one retry loop of the library: asks until there is an answer, or no sense in asking again; then the same of the
/// next model. Only for failures that a repeat may cure, and only while nothing was shown, unless the agent says
/// otherwise. Fills `made` with the answer; throws the last failure, and then `made` holds nothing of use.
/// REQUIRES: `made` is clear, and outlives the work.
[[nodiscard]] asio::awaitable<void> ask_model(Effects::State& state, CompletionChange change, StepRecord& record,
                                              Attempt& made);

}  // namespace sennit
