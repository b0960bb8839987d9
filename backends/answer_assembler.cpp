#include <sennit/backends/answer_assembler.hpp>

#include <utility>

namespace sennit {
namespace {

template <class Delta>
Delta* last_as(std::vector<Event>& events) {
  return events.empty() ? nullptr : std::get_if<Delta>(&events.back().data);
}

/// Text of one kind that comes at once is one event.
template <class Delta>
void append(std::vector<Event>& events, std::string_view text) {
  if (text.empty()) return;
  if (Delta* last = last_as<Delta>(events)) {
    last->text += text;
  } else {
    events.emplace_back().data.emplace<Delta>().text = text;
  }
}

}  // namespace

void AnswerAssembler::append_text(std::string_view text) {
  append<TextDelta>(*events_, text);
}

void AnswerAssembler::append_reasoning(std::string_view text) {
  if (text.empty()) return;
  // A block that was closed by its signature takes nothing more.
  const ReasoningDelta* last = last_as<ReasoningDelta>(*events_);
  if (last != nullptr && !last->opaque.is_null()) {
    events_->emplace_back().data.emplace<ReasoningDelta>().text = text;
  } else {
    append<ReasoningDelta>(*events_, text);
  }
}

void AnswerAssembler::append_refusal(std::string_view text) {
  refused_ = refused_ || !text.empty();
  append<RefusalDelta>(*events_, text);
}

void AnswerAssembler::append_call(ToolCallDelta delta) {
  called_ = true;
  ToolCallDelta* last = last_as<ToolCallDelta>(*events_);
  const bool only_arguments = delta.id.empty() && delta.name.empty() && delta.arguments && !delta.whole;
  if (only_arguments && last != nullptr && last->call == delta.call && !last->whole) {
    if (!last->arguments) last->arguments.emplace();
    *last->arguments += *delta.arguments;
    return;
  }
  events_->push_back(Event{{}, std::move(delta)});
}

void AnswerAssembler::append_usage(const Usage& counts) {
  if (usage_ == counts) return;
  usage_ = counts;
  events_->push_back(Event{{}, UsageUpdate{counts}});
}

void AnswerAssembler::take_error(ProviderError error, bool breaks) {
  error_ = std::make_unique<ProviderError>(std::move(error));
  failed_ = failed_ || breaks;
  understood_ = understood_ || breaks;
}

}  // namespace sennit
