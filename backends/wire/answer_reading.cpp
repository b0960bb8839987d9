#include <sennit/agent/io/white.hpp>
#include <sennit/backends/chat/chat_usage.hpp>
#include <sennit/backends/wire/answer_reading.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace sennit {

namespace {

struct CallSoFar {
  std::optional<std::string> arguments;
  bool whole = false;
};

struct Reading {
  std::string text;
  std::string reasoning;
  std::optional<std::string> refusal;
  std::vector<CallSoFar> calls;
};

void take(Reading& reading, const ToolCallDelta& delta) {
  if (delta.call >= reading.calls.size()) reading.calls.resize(delta.call + 1);
  CallSoFar& call = reading.calls[delta.call];
  if (!delta.arguments) return;
  if (delta.whole || call.whole) {
    call.arguments = *delta.arguments;
    call.whole = delta.whole;
  } else {
    call.arguments = call.arguments.value_or("") + *delta.arguments;
  }
}

void take(Reading& reading, const Event& event) {
  if (const auto* delta = std::get_if<TextDelta>(&event.data)) reading.text += delta->text;
  if (const auto* delta = std::get_if<ReasoningDelta>(&event.data)) reading.reasoning += delta->text;
  if (const auto* delta = std::get_if<RefusalDelta>(&event.data))
    reading.refusal = reading.refusal.value_or("") + delta->text;
  if (const auto* delta = std::get_if<ToolCallDelta>(&event.data)) take(reading, *delta);
}

json::value or_null(const std::optional<std::string>& text) {
  return text ? json::value(*text) : json::value(nullptr);
}

json::object describe(const CallSoFar& call, const SentAnswer::Call& sent) {
  if (sent.free_text) {
    const json::value text = or_null(call.arguments);
    return {{"id", sent.id}, {"name", sent.name}, {"arguments", text}, {"arguments_raw", text}, {"kind", "custom"}};
  }
  json::value arguments = json::object();
  if (call.arguments && !is_blank(*call.arguments)) arguments = parse_exact(*call.arguments).value_or(nullptr);
  return {{"id", sent.id},
          {"name", sent.name},
          {"arguments", std::move(arguments)},
          {"arguments_raw", call.whole ? json::value(nullptr) : or_null(call.arguments)}};
}

json::value describe(const ProviderError* error) {
  if (!error) return nullptr;
  const json::value status = error->status ? json::value(*error->status) : json::value(nullptr);
  return json::object{{"status", status}, {"type", error->type}, {"message", error->message}};
}

json::object describe(const Reading& reading, const AnswerDecoder& decoder) {
  const SentAnswer& sent = decoder.sent();
  json::array calls;
  for (std::size_t i = 0; i < reading.calls.size(); ++i) calls.push_back(describe(reading.calls[i], sent.calls[i]));
  return {{"text", reading.text},
          {"reasoning", reading.reasoning},
          {"refusal", or_null(reading.refusal)},
          {"tool_calls", std::move(calls)},
          {"finish_reason", sent.finish_reason},
          {"finish_detail", sent.finish_detail},
          {"usage", sent.usage.empty() ? usage_as_sent({}) : sent.usage},
          {"error", describe(decoder.error())}};
}

Reading read(AnswerDecoder& decoder, std::string_view body, std::span<const std::size_t> pieces) {
  Reading reading;
  std::vector<Event> events;
  const auto drain = [&] {
    for (const Event& event : events) take(reading, event);
    events.clear();
  };
  for (std::size_t at = 0, turn = 0; at < body.size(); ++turn) {
    const std::size_t size = pieces.empty() ? body.size() : std::max<std::size_t>(pieces[turn % pieces.size()], 1);
    const std::string_view piece = body.substr(at, size);
    decoder.push(piece, events);
    drain();
    at += piece.size();
  }
  decoder.finish(events);
  drain();
  return reading;
}

/// A run knows by the model where its text begins; a recording shows it: only a closing tag means that the prompt held
/// the opening one. A tag in code (after a backtick) is neither.
ThinkStart think_start(std::string_view text) {
  const std::size_t close = text.find("</think>");
  const bool alone = close != std::string_view::npos && text.substr(0, close).find("<think>") == std::string_view::npos;
  const bool quoted = alone && close > 0 && text[close - 1] == '`';
  return alone && !quoted ? ThinkStart::inside : ThinkStart::tagged;
}

}  // namespace

json::object read_answer(std::string_view body, const ReadingOptions& options, std::span<const std::size_t> pieces) {
  DecoderOptions wanted;
  wanted.api = options.api;
  wanted.framing = options.framing;
  wanted.status = options.status;
  wanted.verbatim = true;
  wanted.names.title = "the server";
  AnswerDecoder decoder(wanted);
  const Reading reading = read(decoder, body, pieces);
  if (!options.split_think) return describe(reading, decoder);
  wanted.think = think_start(reading.text);
  AnswerDecoder splitting(wanted);
  const Reading split = read(splitting, body, pieces);
  return describe(split, splitting);
}

}  // namespace sennit
