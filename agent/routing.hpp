// Private: Which of an agent's models answers a step. Pure.
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/message.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// What a rule may ask of a step.
struct StepFacts {
  std::int64_t prompt_tokens = 0;  ///< estimated
  bool images = false;             ///< the conversation holds some
  bool tools = false;              ///< the step may call some
  std::span<const std::string> tags;
  std::optional<double> budget_left;  ///< share; absent: there is no limit
};

struct Route {
  std::string model;   ///< empty: the agent's first
  std::string reason;  ///< why, for a person
};

/// The first rule that holds; empty if none does.
[[nodiscard]] Route route_of(const RouteSettings& settings, const StepFacts& step);

/// All models that a spec names: itself, its fallbacks in their order, then those that only routes lead to. Settings
/// that another one lacks are taken from the first: sampling and limits always, how a provider is reached and the
/// fields of its requests where it is the same provider.
[[nodiscard]] std::vector<ModelSpec> models_of(const ModelSpec& spec);

/// What a cheap model is told that may hand over where it is not sure.
[[nodiscard]] std::string_view doubt_instructions() noexcept;
/// Whether an answer says that.
[[nodiscard]] bool is_doubt(std::string_view answer) noexcept;

/// Whether the last results that the model has not yet answered to hold a failure.
[[nodiscard]] bool calls_failed(std::span<const Message> conversation) noexcept;

}  // namespace sennit
