#include <sennit/agent/event.hpp>
#include <sennit/agent/event_names.hpp>

#include <utility>

namespace sennit {
namespace {

/// Appends `from` to `to` if both are deltas that belong together.
bool merge(EventData& to, EventData& from) {
  if (to.index() != from.index()) return false;
  if (auto* text = std::get_if<TextDelta>(&to)) {
    text->text += std::get<TextDelta>(from).text;
    return true;
  }
  if (auto* reasoning = std::get_if<ReasoningDelta>(&to)) {
    auto& next = std::get<ReasoningDelta>(from);
    if (!reasoning->opaque.is_null()) return false;  // a signature closes its block
    reasoning->text += next.text;
    reasoning->opaque = std::move(next.opaque);
    return true;
  }
  if (auto* refusal = std::get_if<RefusalDelta>(&to)) {
    refusal->text += std::get<RefusalDelta>(from).text;
    return true;
  }
  if (auto* call = std::get_if<ToolCallDelta>(&to)) {
    const auto& next = std::get<ToolCallDelta>(from);
    if (call->call != next.call || !next.id.empty() || !next.name.empty() || next.whole || call->whole) return false;
    if (next.arguments) call->arguments = call->arguments.value_or("") + *next.arguments;
    return true;
  }
  if (auto* usage = std::get_if<UsageUpdate>(&to)) {
    usage->usage = std::get<UsageUpdate>(from).usage;
    return true;
  }
  if (auto* progress = std::get_if<ToolProgress>(&to)) {
    const auto& next = std::get<ToolProgress>(from);
    if (progress->call_id != next.call_id) return false;
    progress->text += next.text;
    return true;
  }
  return false;
}

}  // namespace

std::optional<StopReason> parse_stop_reason(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kStopReasons.size(); ++i) {
    if (kStopReasons[i] == name) return static_cast<StopReason>(i);
  }
  return std::nullopt;
}

std::string_view to_string(StopReason reason) noexcept {
  return kStopReasons[static_cast<std::size_t>(reason)];
}
std::string_view to_string(Verdict verdict) noexcept {
  return kVerdicts[static_cast<std::size_t>(verdict)];
}

std::optional<Verdict> parse_verdict(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kVerdicts.size(); ++i) {
    if (kVerdicts[i] == name) return static_cast<Verdict>(i);
  }
  return std::nullopt;
}

std::string_view to_string(Ending ending) noexcept {
  return kEndings[static_cast<std::size_t>(ending)];
}
std::string_view name_of(const EventData& data) noexcept {
  return kEventNames[data.index()];
}

void append_merged(std::vector<Event>& events, Event event) {
  if (!events.empty() && events.back().path == event.path && merge(events.back().data, event.data)) return;
  events.push_back(std::move(event));
}

}  // namespace sennit
