#include "support/transcript_lines.hpp"

#include "support/transcript_model.hpp"

#include <cstdio>
#include <string_view>
#include <utility>

namespace sennit::testing {
namespace {

std::string call_line(const ToolCall& call) {
  return call.name + (call.arguments.empty() ? "" : " " + escape(call.arguments));
}

std::string result_line(const ToolResult& result) {
  return result.name + (result.is_error ? " error " : " ok ") + escape(result.content);
}

std::string part_line(const Part& part) {
  if (const auto* text = std::get_if<Text>(&part)) return " " + escape(text->text);
  if (const auto* reasoning = std::get_if<Reasoning>(&part)) return " (" + escape(reasoning->text) + ")";
  if (const auto* call = std::get_if<ToolCall>(&part)) return " [" + call->id + " " + call_line(*call) + "]";
  if (const auto* result = std::get_if<ToolResult>(&part)) return " [" + result->call_id + "] " + result_line(*result);
  return " (a blob)";
}

/// What stands between two `...` must be found in this order, the ends at the ends.
bool line_matches(std::string_view expected, std::string_view found) {
  constexpr std::string_view kAny = "...";
  const auto gap = expected.find(kAny);
  if (gap == std::string_view::npos) return expected == found;
  if (!found.starts_with(expected.substr(0, gap))) return false;
  found.remove_prefix(gap);
  expected.remove_prefix(gap + kAny.size());
  for (auto next = expected.find(kAny); next != std::string_view::npos; next = expected.find(kAny)) {
    const auto at = found.find(expected.substr(0, next));
    if (at == std::string_view::npos) return false;
    found.remove_prefix(at + next);
    expected.remove_prefix(next + kAny.size());
  }
  return found.size() >= expected.size() && found.ends_with(expected);
}

}  // namespace

std::string event_line(const Event& event) {
  std::string line;
  if (const auto* text = std::get_if<TextDelta>(&event.data)) line = "text " + escape(text->text);
  if (const auto* reasoning = std::get_if<ReasoningDelta>(&event.data)) line = "reasoning " + escape(reasoning->text);
  if (const auto* refusal = std::get_if<RefusalDelta>(&event.data)) line = "refusal " + escape(refusal->text);
  if (const auto* started = std::get_if<ToolStarted>(&event.data)) line = "tool_started " + call_line(started->call);
  if (const auto* progress = std::get_if<ToolProgress>(&event.data)) line = "tool_progress " + escape(progress->text);
  if (const auto* finished = std::get_if<ToolFinished>(&event.data)) {
    line = "tool_finished " + result_line(finished->result);
  }
  if (const auto* approval = std::get_if<ApprovalRequested>(&event.data)) {
    line = "approval_requested " + call_line(approval->call) + " (" + approval->reason + ")";
  }
  if (const auto* question = std::get_if<QuestionAsked>(&event.data)) {
    line = "question_asked " + escape(question->question);
  }
  if (const auto* recalled = std::get_if<MemoryRecalled>(&event.data)) {
    line = "memory_recalled";
    for (const std::string& note : recalled->notes) line += " | " + escape(note);
  }
  if (const auto* delegated = std::get_if<Delegated>(&event.data)) {
    line = "delegated " + delegated->agent + " " + escape(delegated->task);
  }
  if (const auto* chosen = std::get_if<ModelChosen>(&event.data)) {
    line = "model_chosen " + chosen->model + " " + escape(chosen->reason);
  }
  if (const auto* retried = std::get_if<Retried>(&event.data)) {
    line = "retried " + std::to_string(retried->attempt) + " " + std::string(to_string(retried->error.code()));
  }
  if (const auto* notice = std::get_if<Notice>(&event.data)) line = "notice " + escape(notice->message);
  if (!line.empty() && !event.path.empty()) line = "[" + event.path + "] " + line;
  return line;
}

std::vector<std::string> message_lines(const std::vector<Message>& messages) {
  std::vector<std::string> lines;
  for (const Message& message : messages) {
    std::string line(to_string(message.role));
    line += ":";
    for (const Part& part : message.parts) line += part_line(part);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> figure_lines(const Outcome& outcome) {
  std::vector<std::string> lines{"steps " + std::to_string(outcome.steps),
                                 "tool_calls " + std::to_string(outcome.tool_calls),
                                 "usage " + std::to_string(outcome.usage.input.value_or(0)) + " " +
                                     std::to_string(outcome.usage.output.value_or(0))};
  if (outcome.cost) {
    char amount[32];
    std::snprintf(amount, sizeof amount, "%.6f", outcome.cost->amount);
    lines.push_back("cost " + std::string(amount) + " " + outcome.cost->currency);
  }
  return lines;
}

bool lines_match(std::span<const std::string> expected, std::span<const std::string> found) {
  if (expected.empty()) return found.empty();
  if (expected.front() == "...") {
    for (std::size_t skip = 0; skip <= found.size(); ++skip) {
      if (lines_match(expected.subspan(1), found.subspan(skip))) return true;
    }
    return false;
  }
  return !found.empty() && line_matches(expected.front(), found.front()) &&
         lines_match(expected.subspan(1), found.subspan(1));
}

}  // namespace sennit::testing
