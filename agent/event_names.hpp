// Private: the names of events, stop reasons and endings, in the order of their alternatives.
#pragma once

#include <sennit/agent/event.hpp>

#include <array>
#include <string_view>

namespace sennit {

inline constexpr std::array<std::string_view, 23> kEventNames{
    "text",           "reasoning",      "refusal",         "tool_call",     "usage",
    "finished",       "failed",         "run_started",     "step_started",  "step_finished",
    "tool_started",   "policy_decided", "tool_progress",   "tool_finished", "approval_requested",
    "question_asked", "in_doubt",       "memory_recalled", "delegated",     "model_chosen",
    "retried",        "notice",         "run_finished"};
static_assert(kEventNames.size() == std::variant_size_v<EventData>);

inline constexpr std::array<std::string_view, 6> kStopReasons{"stop",           "length",  "tool_calls",
                                                              "content_filter", "refusal", "other"};
inline constexpr std::array<std::string_view, 3> kVerdicts{"allow", "ask", "deny"};
inline constexpr std::array<std::string_view, 7> kEndings{"completed", "refused", "truncated", "limit",
                                                          "cancelled", "failed",  "suspended"};

}  // namespace sennit
