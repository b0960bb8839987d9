#include <sennit/agent/completion.hpp>
#include <sennit/agent/io/white.hpp>

#include <algorithm>
#include <utility>

namespace sennit {

void CompletionBuilder::take(const ToolCallDelta& delta) {
  if (delta.call >= kMaxToolCalls) {
    throw Error(errc::too_large, "the model opened more than " + std::to_string(kMaxToolCalls) + " tool calls at once");
  }
  if (delta.call >= calls_.size()) {
    calls_.resize(delta.call + 1);
    whole_.resize(delta.call + 1);
  }
  if (std::find(began_.begin(), began_.end(), delta.call) == began_.end()) {
    began_.push_back(delta.call);
    parts_.emplace_back(ToolCall{});
    open_ = false;
  }
  ToolCall& call = calls_[delta.call];
  if (call.id.empty()) call.id = delta.id;
  if (call.name.empty()) call.name = delta.name;
  if (!delta.arguments) return;
  // A server may send an object first, mostly an empty one, and then the pieces of the text.
  if (delta.whole || (whole_[delta.call] && !is_blank(*delta.arguments))) {
    call.arguments = *delta.arguments;
    whole_[delta.call] = delta.whole;
  } else if (!whole_[delta.call]) {
    call.arguments += *delta.arguments;
  }
  written_ += delta.arguments->size();
}

void CompletionBuilder::take(const ReasoningDelta& delta) {
  if (delta.text.empty() && delta.opaque.is_null()) return;
  if (!open_) parts_.emplace_back(Reasoning{{}, provider_, nullptr});
  auto& reasoning = std::get<Reasoning>(parts_.back());
  reasoning.text += delta.text;
  written_ += delta.text.size();
  reasoning.opaque = delta.opaque;
  open_ = delta.opaque.is_null();  // its signature ends a block
}

void CompletionBuilder::take(const Event& event) {
  if (const auto* text = std::get_if<TextDelta>(&event.data)) {
    if (text->text.empty()) return;
    if (parts_.empty() || !std::holds_alternative<Text>(parts_.back())) parts_.emplace_back(Text{});
    std::get<Text>(parts_.back()).text += text->text;
    text_ += text->text;
    written_ += text->text.size();
    open_ = false;
  } else if (const auto* reasoning = std::get_if<ReasoningDelta>(&event.data)) {
    take(*reasoning);
  } else if (const auto* call = std::get_if<ToolCallDelta>(&event.data)) {
    take(*call);
  } else if (const auto* refusal = std::get_if<RefusalDelta>(&event.data)) {
    completion_.refusal += refusal->text;
    written_ += refusal->text.size();
  } else if (const auto* usage = std::get_if<UsageUpdate>(&event.data)) {
    completion_.usage = usage->usage;
  } else if (const auto* finished = std::get_if<Finished>(&event.data)) {
    completion_.reason = finished->reason;
  }
}

Completion CompletionBuilder::finish() && {
  Message& message = completion_.message;
  message.role = Role::assistant;
  std::size_t calls = 0;
  for (Part& part : parts_) {
    if (std::holds_alternative<ToolCall>(part)) {
      ToolCall& call = calls_[began_[calls++]];
      if (call == ToolCall{}) continue;  // one that said nothing
      message.parts.emplace_back(std::move(call));
    } else {
      message.parts.push_back(std::move(part));
    }
  }
  return std::move(completion_);
}

}  // namespace sennit
