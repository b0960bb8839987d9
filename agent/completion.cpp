#include <sennit/agent/completion.hpp>

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
  ToolCall& call = calls_[delta.call];
  if (call.id.empty()) call.id = delta.id;
  if (call.name.empty()) call.name = delta.name;
  if (!delta.arguments) return;
  // A server may send an object first, mostly an empty one, and then the pieces of the text.
  const bool nothing = delta.arguments->find_first_not_of(" \t\r\n") == std::string::npos;
  if (delta.whole || (whole_[delta.call] && !nothing)) {
    call.arguments = *delta.arguments;
    whole_[delta.call] = delta.whole;
  } else if (!whole_[delta.call]) {
    call.arguments += *delta.arguments;
  }
  written_ += delta.arguments->size();
}

void CompletionBuilder::close_reasoning() {
  reasoning_.provider = provider_;
  closed_reasoning_.push_back(std::exchange(reasoning_, {}));
}

void CompletionBuilder::take(const Event& event) {
  if (const auto* text = std::get_if<TextDelta>(&event.data)) {
    text_ += text->text;
    written_ += text->text.size();
  } else if (const auto* reasoning = std::get_if<ReasoningDelta>(&event.data)) {
    reasoning_.text += reasoning->text;
    written_ += reasoning->text.size();
    if (!reasoning->opaque.is_null()) {
      reasoning_.opaque = reasoning->opaque;
      close_reasoning();
    }
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
  if (!reasoning_.text.empty()) close_reasoning();
  for (Reasoning& reasoning : closed_reasoning_) message.parts.emplace_back(std::move(reasoning));
  if (!text_.empty()) message.parts.emplace_back(Text{std::move(text_)});
  for (ToolCall& call : calls_) {
    if (call == ToolCall{}) continue;  // a number that the stream left out
    message.parts.emplace_back(std::move(call));
  }
  return std::move(completion_);
}

}  // namespace sennit
