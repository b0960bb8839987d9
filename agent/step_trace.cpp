#include <sennit/agent/step_trace.hpp>

#include <string_view>
#include <utility>

namespace sennit {
namespace {

[[noreturn]] void broken() {
  throw Error(errc::storage, "a journal with a broken completion");
}

std::string_view name_of(char kind) {
  switch (kind) {
    case 't':
      return "text";
    case 'r':
      return "reasoning";
    case 'f':
      return "refusal";
    default:
      return "call";
  }
}

EventData delta_of(std::string_view name, std::uint32_t call, std::string text) {
  if (name == "text") return TextDelta{std::move(text)};
  if (name == "reasoning") return ReasoningDelta{std::move(text), nullptr};
  if (name == "refusal") return RefusalDelta{std::move(text)};
  if (name != "call") broken();
  ToolCallDelta delta;
  delta.call = call;
  delta.arguments = std::move(text);
  return delta;
}

std::string take_text(std::string_view& rest, const json::value& length) {
  boost::system::error_code wrong;
  const auto size = length.to_number<std::size_t>(wrong);
  if (wrong || size > rest.size()) broken();
  std::string text(rest.substr(0, size));
  rest.remove_prefix(size);
  return text;
}

void add_deltas(const json::array& piece, std::vector<EventData>& events) {
  const bool is_call = piece.size() > 1 && piece[1].is_number();
  const std::size_t at = is_call ? 2 : 1;
  if (piece.size() <= at || !piece[0].is_string() || !piece[at].is_string()) broken();
  const std::string_view name = piece[0].get_string();
  boost::system::error_code wrong;
  const auto call = is_call ? piece[1].to_number<std::uint32_t>(wrong) : 0;
  if (wrong) broken();
  std::string_view rest = piece[at].get_string();
  if (piece.size() == at + 1) {
    events.push_back(delta_of(name, call, std::string(rest)));
    return;
  }
  if (!piece[at + 1].is_array()) broken();
  for (const json::value& length : piece[at + 1].get_array()) {
    events.push_back(delta_of(name, call, take_text(rest, length)));
  }
}

/// What a stream may hold beside its counts and its end, and what is told between two attempts.
bool may_be_shown(const EventData& data) {
  return std::visit(
      [](const auto& event) {
        using Data = std::decay_t<decltype(event)>;
        return std::is_same_v<Data, TextDelta> || std::is_same_v<Data, ReasoningDelta> ||
               std::is_same_v<Data, RefusalDelta> || std::is_same_v<Data, ToolCallDelta> ||
               std::is_same_v<Data, Notice> || std::is_same_v<Data, Retried> || std::is_same_v<Data, ModelChosen>;
      },
      data);
}

}  // namespace

void StepTrace::append(char kind, std::uint32_t call, const std::string& text) {
  if (pieces_.empty() || pieces_.back().kind != kind || pieces_.back().call != call) {
    pieces_.push_back({kind, call, {}, {}, nullptr});
  }
  Piece& piece = pieces_.back();
  piece.text += text;
  piece.cuts.push_back(static_cast<std::uint32_t>(text.size()));
}

void StepTrace::take(const EventData& data) {
  if (const auto* text = std::get_if<TextDelta>(&data)) return append('t', 0, text->text);
  if (const auto* refusal = std::get_if<RefusalDelta>(&data)) return append('f', 0, refusal->text);
  const auto* reasoning = std::get_if<ReasoningDelta>(&data);
  if (reasoning != nullptr && reasoning->opaque.is_null()) return append('r', 0, reasoning->text);
  const auto* call = std::get_if<ToolCallDelta>(&data);
  const bool is_piece = call != nullptr && call->id.empty() && call->name.empty() && call->arguments && !call->whole;
  if (is_piece) return append('c', call->call, *call->arguments);
  pieces_.push_back({'e', 0, {}, {}, sennit::to_json(Event{{}, data})});
}

json::array StepTrace::to_json() const {
  json::array trace;
  for (const Piece& piece : pieces_) {
    if (piece.kind == 'e') {
      trace.push_back(piece.event);
      continue;
    }
    json::array entry{name_of(piece.kind)};
    if (piece.kind == 'c') entry.emplace_back(piece.call);
    entry.emplace_back(piece.text);
    if (piece.cuts.size() > 1) entry.emplace_back(json::array(piece.cuts.begin(), piece.cuts.end()));
    trace.emplace_back(std::move(entry));
  }
  return trace;
}

std::vector<EventData> StepTrace::events(const json::value& trace) {
  std::vector<EventData> events;
  if (!trace.is_array()) broken();
  for (const json::value& piece : trace.get_array()) {
    if (const json::array* deltas = piece.if_array()) {
      add_deltas(*deltas, events);
    } else {
      events.push_back(event_from_json(piece).data);
      if (!may_be_shown(events.back())) broken();
    }
  }
  return events;
}

}  // namespace sennit
