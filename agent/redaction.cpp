#include <sennit/agent/redaction.hpp>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace sennit {
namespace {

void clean(std::string& text) {
  text = secrets::redact(std::move(text));
}

void clean(Reasoning& reasoning) {
  std::string text = secrets::redact(reasoning.text);
  json::value opaque = reasoning.opaque;
  if (text == reasoning.text && !secrets::redact_in(opaque)) return;
  reasoning.text = std::move(text);
  reasoning.opaque = nullptr;
}

void clean(Part& part) {
  if (auto* text = std::get_if<Text>(&part)) return clean(text->text);
  if (auto* reasoning = std::get_if<Reasoning>(&part)) return clean(*reasoning);
  if (auto* file = std::get_if<Blob>(&part)) return redact_in(*file);
  if (auto* call = std::get_if<ToolCall>(&part)) {
    clean(call->id);
    clean(call->name);
    return clean(call->arguments);
  }
  if (auto* result = std::get_if<ToolResult>(&part)) {
    clean(result->call_id);
    clean(result->name);
    clean(result->content);
  }
}

bool is_delta(const EventData& data) {
  return std::holds_alternative<TextDelta>(data) || std::holds_alternative<ReasoningDelta>(data) ||
         std::holds_alternative<RefusalDelta>(data) || std::holds_alternative<ToolCallDelta>(data);
}

/// Of these no text is read by looking at their bytes.
bool is_picture(const Blob& file) {
  const std::string_view type = file.media_type;
  return type.starts_with("image/") || type.starts_with("audio/") || type.starts_with("video/");
}

}  // namespace

void redact_in(Blob& file) {
  if (!is_picture(file)) file.data = secrets::redact_base64(std::move(file.data));
  file.url = secrets::redact(std::move(file.url));
}

void redact_in(Message& message) {
  if (!secrets::any()) return;
  for (Part& part : message.parts) clean(part);
}

Message redacted(Message message) {
  redact_in(message);
  return message;
}

Error redacted(const Error& error) {
  if (!secrets::any()) return error;
  Error result =
      Error(error.code(), secrets::redact(error.message()))
          .at(secrets::redact(error.where()))
          .provider(error.status(), secrets::redact(error.provider_type()), secrets::redact(error.provider_message()));
  return error.retryable() ? std::move(result).retry(error.retry_after()) : result;
}

void redact_in(Outcome& outcome) {
  if (!secrets::any()) return;
  clean(outcome.text);
  clean(outcome.detail);
  secrets::redact_in(outcome.output);
  if (outcome.error) outcome.error = redacted(*outcome.error);
}

void redact_in(EventData& data) {
  if (!secrets::any() || is_delta(data)) return;
  if (auto* finished = std::get_if<RunFinished>(&data)) return redact_in(finished->outcome);
  // Through JSON, so that no kind of event is forgotten, whatever it comes to hold.
  json::value all = to_json(Event{{}, data});
  if (secrets::redact_in(all)) data = event_from_json(all).data;
}

/// A stream a channel.
struct DeltaRedaction::State {
  void take(Event& event);
  void take(TextDelta& delta);
  void take(ReasoningDelta& delta);
  void take(RefusalDelta& delta);
  void take(ToolCallDelta& delta);
  void finish_text();
  void finish_reasoning();
  void finish();

  secrets::Stream text;
  secrets::Stream reasoning;
  secrets::Stream refusal;
  std::map<std::uint32_t, secrets::Stream> calls;
  std::vector<Event> told;
};

DeltaRedaction::DeltaRedaction() = default;
DeltaRedaction::~DeltaRedaction() = default;

std::span<Event> DeltaRedaction::take(std::span<Event> batch) {
  // Not before now, when whoever opened the stream has resolved his secrets.
  if (!std::exchange(begun_, true) && secrets::any()) state_ = std::make_unique<State>();
  if (!state_) return batch;
  state_->told.clear();
  for (Event& event : batch) state_->take(event);
  return state_->told;
}

std::span<Event> DeltaRedaction::rest() {
  if (!state_) return {};
  state_->told.clear();
  state_->finish();
  return state_->told;
}

void DeltaRedaction::State::take(Event& event) {
  if (auto* words = std::get_if<TextDelta>(&event.data)) return take(*words);
  if (auto* thought = std::get_if<ReasoningDelta>(&event.data)) return take(*thought);
  if (auto* refused = std::get_if<RefusalDelta>(&event.data)) return take(*refused);
  if (auto* call = std::get_if<ToolCallDelta>(&event.data)) return take(*call);
  if (std::holds_alternative<Finished>(event.data) || std::holds_alternative<Failed>(event.data)) finish();
  redact_in(event.data);
  told.push_back(std::move(event));
}

void DeltaRedaction::State::take(TextDelta& delta) {
  finish_reasoning();
  delta.text = text.push(delta.text);
  if (!delta.text.empty()) told.push_back({{}, std::move(delta)});
}

void DeltaRedaction::State::take(ReasoningDelta& delta) {
  finish_text();
  delta.text = reasoning.push(delta.text);
  if (!delta.opaque.is_null()) {  // it ends a block, and signs its words
    delta.text += reasoning.finish();
    if (reasoning.masked() || secrets::redact_in(delta.opaque)) delta.opaque = nullptr;
    reasoning = secrets::Stream();
  }
  if (!delta.text.empty() || !delta.opaque.is_null()) told.push_back({{}, std::move(delta)});
}

void DeltaRedaction::State::take(RefusalDelta& delta) {
  delta.text = refusal.push(delta.text);
  if (!delta.text.empty()) told.push_back({{}, std::move(delta)});
}

void DeltaRedaction::State::take(ToolCallDelta& delta) {
  finish_text();
  finish_reasoning();
  delta.id = secrets::redact(std::move(delta.id));
  delta.name = secrets::redact(std::move(delta.name));
  if (delta.arguments && delta.whole) {
    calls.erase(delta.call);
    clean(*delta.arguments);
  } else if (delta.arguments && !delta.arguments->empty()) {
    delta.arguments = calls[delta.call].push(*delta.arguments);
    if (delta.arguments->empty()) delta.arguments.reset();
    if (!delta.arguments && delta.id.empty() && delta.name.empty()) return;
  }
  told.push_back({{}, std::move(delta)});
}

void DeltaRedaction::State::finish_text() {
  std::string rest = text.finish();
  if (!rest.empty()) told.push_back({{}, TextDelta{std::move(rest)}});
}

void DeltaRedaction::State::finish_reasoning() {
  std::string rest = reasoning.finish();
  if (!rest.empty()) told.push_back({{}, ReasoningDelta{std::move(rest), nullptr}});
}

void DeltaRedaction::State::finish() {
  finish_reasoning();
  finish_text();
  if (std::string rest = refusal.finish(); !rest.empty()) told.push_back({{}, RefusalDelta{std::move(rest)}});
  for (auto& [number, stream] : calls) {
    std::string rest = stream.finish();
    if (rest.empty()) continue;
    ToolCallDelta delta;
    delta.call = number;
    delta.arguments = std::move(rest);
    told.push_back({{}, std::move(delta)});
  }
  calls.clear();
}

}  // namespace sennit
