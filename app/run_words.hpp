// A run's record in words and as JSON.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/run_record.hpp>
#include <sennit/app/requests.hpp>

#include <optional>
#include <string>

namespace sennit::app {

/// 2026-11-23 14:05, in local time.
[[nodiscard]] std::string when(WallTime time);
/// 2026-11-23T14:05:09.123456Z
[[nodiscard]] std::string timestamp(WallTime time);
/// Of a run that has ended.
[[nodiscard]] std::optional<Outcome> outcome_of(const RunRecord& record);
/// "completed", "waiting for approval of http_send", "answered: resume it", "interrupted".
[[nodiscard]] std::string state_of(const RunRecord& record, const Requests& requests);
/// Every member, times as timestamps.
[[nodiscard]] json::object to_json(const RunRecord& record);

}  // namespace sennit::app
