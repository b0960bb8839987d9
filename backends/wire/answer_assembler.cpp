#include <sennit/backends/wire/answer_assembler.hpp>
#include <sennit/backends/wire/json_fields.hpp>

#include <fmt/format.h>

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

bool AnswerAssembler::chunk(const json::object& chunk, std::vector<Event>& events) {
  events_ = &events;
  worded_ = false;
  const bool known = take_chunk(chunk);
  if (worded_) ++pieces_;
  return known;
}

void AnswerAssembler::document(const json::object& answer, std::vector<Event>& events) {
  events_ = &events;
  take_document(answer);
}

void AnswerAssembler::close(bool complete, std::vector<Event>& events) {
  events_ = &events;
  settle();
  std::string reasoning;
  std::string answer;
  think_.finish(complete && !has_calls(), reasoning, answer);
  append_reasoning(reasoning);
  append_text(answer);
}

void AnswerAssembler::say(std::string_view text) {
  if (text.empty()) return;
  worded_ = true;
  if (think_.passes()) return append_text(text);
  std::string reasoning;
  std::string answer;
  think_.push(text, reasoning, answer);
  append_reasoning(reasoning);
  append_text(answer);
}

void AnswerAssembler::think(std::string_view text) {
  if (text.empty()) return;
  worded_ = true;
  if (!think_.passes()) {
    std::string answer;
    think_.server_splits(answer);
    append_text(answer);
  }
  unsigned_ = true;
  append_reasoning(text);
}

void AnswerAssembler::refuse(std::string_view text) {
  if (text.empty()) return;
  worded_ = true;
  refused_ = true;
  append<RefusalDelta>(*events_, text);
}

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

void AnswerAssembler::append_opaque(json::object block) {
  unsigned_ = false;
  events_->emplace_back().data.emplace<ReasoningDelta>().opaque = std::move(block);
}

void AnswerAssembler::close_unsigned_thoughts(std::string_view key) {
  if (unsigned_) append_opaque({{key, ""}});
}

void AnswerAssembler::append_call(ToolCallDelta delta) {
  worded_ = worded_ || (delta.arguments && !delta.arguments->empty());
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

void AnswerAssembler::take_reason(const json::value& reason) {
  if (verbatim_) sent_.finish_reason = reason;
  std::string word = text_of(reason);
  if (!word.empty()) reason_ = std::move(word);
}

void AnswerAssembler::take_error(ProviderError error, bool breaks) {
  error_ = std::make_unique<ProviderError>(std::move(error));
  failed_ = failed_ || breaks;
  understood_ = understood_ || breaks;
}

std::uint32_t AnswerAssembler::new_call(const json::value* id, const json::value* name) {
  if (call_count_ >= kMaxCalls) {
    throw Error(errc::too_large, fmt::format("a completion with more than {} tool calls", kMaxCalls));
  }
  if (verbatim_) {
    SentAnswer::Call& sent = sent_.calls.emplace_back();
    if (says_something(id)) sent.id = *id;
    if (present(name)) sent.name = *name;
  }
  return call_count_++;
}

}  // namespace sennit
