#include <sennit/backends/chat/chat_usage.hpp>
#include <sennit/backends/responses/responses_assembler.hpp>
#include <sennit/backends/wire/json_fields.hpp>

#include <fmt/format.h>

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace sennit {

bool ResponsesAssembler::take_chunk(const json::object& chunk) {
  const json::value* type = chunk.if_contains("type");
  return says_something(type) ? take_event(as_text(type), chunk) : take_untyped(chunk);
}

bool ResponsesAssembler::take_event(std::string_view type, const json::object& event) {
  if (!type.starts_with("response.")) return take_foreign(type, event);
  understood_ = true;
  const std::size_t dot = type.rfind('.');
  const std::string_view stem = type.substr(0, dot);
  const std::string_view step = type.substr(dot + 1);
  const bool done = step == "done";
  if (step == "delta" || (done && !verbatim_)) take_words(stem, !done, event);
  if (stem == "response.output_item" && (done || step == "added")) take_item(event, done);
  if (stem == "response" && (step == "completed" || step == "incomplete" || step == "failed" || done)) {
    const json::object* response = object_at(event, "response");
    take_end(step, response != nullptr ? *response : json::object());
    if (response != nullptr && !verbatim_) take_missing_output(*response);
    ended_ = true;
  }
  return true;
}

/// Types that are none of this protocol's own, and its error. That one ends nothing here: `response.failed` follows it.
bool ResponsesAssembler::take_foreign(std::string_view type, const json::object& event) {
  if (type == "error") {
    take_error_event(event);
    return true;
  }
  if (!verbatim_ && says_something(event.if_contains("error"))) {
    const json::value document(event);
    take_error(read_provider_error(&document, 0, {}), true);
    return true;
  }
  // Signs of life, and what a vendor adds under a name of its own ("vendor:thing").
  return type == "keepalive" || event.contains("sequence_number") || type.find(':') != std::string_view::npos;
}

/// Without a type it is an error, or the whole answer in one event.
bool ResponsesAssembler::take_untyped(const json::object& object) {
  const json::value* error = object.if_contains("error");
  if (error != nullptr && (verbatim_ || says_something(error))) {
    const json::value document(object);
    take_error(read_provider_error(&document, 0, {}), says_something(error));
    return true;
  }
  if (verbatim_ || text_at(object, "object") != "response") return false;
  understood_ = true;
  take_end({}, object);
  take_missing_output(object);
  ended_ = reason_ != "in_progress" && reason_ != "queued";
  return true;
}

void ResponsesAssembler::take_document(const json::object& answer) {
  whole_ = true;
  understood_ = as_array(answer.if_contains("output")) != nullptr || text_at(answer, "object") == "response";
  take_end({}, answer);
  take_whole_output(answer);
}

void ResponsesAssembler::take_words(std::string_view stem, bool delta, const json::object& event) {
  for (const ResponsesTextKind& kind : kResponsesTexts) {
    if (kind.events == stem) return take_text(kind, delta, event);
  }
  if (stem == "response.function_call_arguments") return take_arguments("arguments", delta, event);
  if (stem == "response.custom_tool_call_input") return take_arguments("input", delta, event);
  if (!delta && (stem == "response.content_part" || stem == "response.reasoning_summary_part")) take_part(event);
}

void ResponsesAssembler::take_text(const ResponsesTextKind& kind, bool delta, const json::object& event) {
  const std::array keys = {delta ? std::string_view("delta") : kind.key, std::string_view("output_index"), kind.index};
  const auto [words, item, part] = fields(event, keys);
  const std::string_view text = as_text(words);
  if (verbatim_) return emit(kind.kind, text);
  if (text.empty()) return;
  const Place place{index_of(item).value_or(0), kind.kind, index_of(part).value_or(0)};
  if (!delta) return repeat(place, text);
  told(place).add(text);
  emit(kind.kind, text);
}

void ResponsesAssembler::take_part(const json::object& event) {
  const json::object* part = object_at(event, "part");
  if (part == nullptr) return;
  for (const ResponsesTextKind& kind : kResponsesTexts) {
    if (kind.part != text_at(*part, "type")) continue;
    const Place place{index_of(event.if_contains("output_index")).value_or(0), kind.kind,
                      index_of(event.if_contains(kind.index)).value_or(0)};
    repeat(place, text_at(*part, kind.key));
  }
}

void ResponsesAssembler::take_item(const json::object& event, bool done) {
  const json::object* item = object_at(event, "item");
  if (item == nullptr) return;
  const std::optional<std::int64_t> index = index_of(event.if_contains("output_index"));
  if (is_call(*item)) {
    const std::string id = word_of(item->if_contains("call_id"));
    return take_call({index, id, text_at(*item, "id"), done}, *item);
  }
  if (!done) return;
  const std::int64_t number = index.value_or(0);
  if (!verbatim_) {
    // Some servers stream the thoughts and end the item with the same words as its summary.
    const bool summary = told_any(number, ResponsesText::summary);
    const bool thought = told_any(number, ResponsesText::thought);
    for (const ResponsesPart& part : parts_of(*item)) {
      if (part.kind == ResponsesText::summary && thought && !summary) continue;
      if (part.kind == ResponsesText::thought && summary && !thought) continue;
      repeat({number, part.kind, part.number}, part.text);
    }
  }
  if (text_at(*item, "type") == "reasoning") close_reasoning(*item);
}

/// The types of the SDK have the fields in the event, the servers send them in an `error` of their own.
void ResponsesAssembler::take_error_event(const json::object& event) {
  const json::object* nested = object_at(event, "error");
  take_error(read_responses_error(nested != nullptr ? *nested : event, nested == nullptr, verbatim_), true);
}

void ResponsesAssembler::take_end(std::string_view step, const json::object& response) {
  take_usage(response.if_contains("usage"));
  const json::value* status = member(response, "status");
  const json::object* details = object_at(response, "incomplete_details");
  const json::value* detail = details != nullptr ? member(*details, "reason") : nullptr;
  if (verbatim_) {
    if (status != nullptr) sent_.finish_reason = *status;
    sent_.finish_detail = detail != nullptr ? *detail : json::value();
  }
  std::string word = word_of(status);
  const bool unsettled = word.empty() || word == "in_progress" || word == "queued";
  if (unsettled && !step.empty()) word = step == "done" ? "completed" : step;
  if (std::string why = word_of(detail); !why.empty() && (word.empty() || word == "incomplete")) word = std::move(why);
  if (!word.empty()) reason_ = std::move(word);
  take_end_error(response);
}

void ResponsesAssembler::take_end_error(const json::object& response) {
  const json::value* error = response.if_contains("error");
  if (const json::object* fields = as_object(error)) {
    ProviderError said = read_responses_error(*fields, false, verbatim_);
    const bool breaks = says_something(&said.type) || says_something(&said.message);
    take_error(std::move(said), breaks);
  } else if (!verbatim_ && says_something(error)) {
    const json::value document(response);
    take_error(read_provider_error(&document, 0, {}), true);
  }
}

void ResponsesAssembler::take_usage(const json::value* usage) {
  const json::object* sent = as_object(usage);
  if (sent == nullptr || sent->empty()) return;
  const json::object counts = as_chat_usage(*sent);
  if (verbatim_) sent_.usage = usage_as_sent(counts);
  append_usage(verbatim_ ? counts_of(counts) : usage_of(counts));
}

void ResponsesAssembler::take_whole_output(const json::object& response) {
  for (const json::value& value : array_at(response, "output")) {
    const json::object* item = value.if_object();
    if (item == nullptr) continue;
    for (const ResponsesPart& part : parts_of(*item)) emit(part.kind, part.text);
    if (text_at(*item, "type") == "reasoning") close_reasoning(*item);
    if (is_call(*item)) emit_call(open_call({}), true, *item, arguments_of(*item));
  }
  if (!verbatim_ && answer_.empty()) emit(ResponsesText::answer, text_at(response, "output_text"));
}

/// What only the last event says.
void ResponsesAssembler::take_missing_output(const json::object& response) {
  const bool nothing = answer_.empty() && refusal_.empty() && reasoning_.empty() && calls_.empty();
  if (nothing && !closed_reasoning_) return take_whole_output(response);
  std::string answer;
  std::string refusal;
  std::string reasoning;
  const json::array& output = array_at(response, "output");
  for (const json::value& value : output) {
    const json::object* item = value.if_object();
    if (item == nullptr) continue;
    for (const ResponsesPart& part : parts_of(*item)) {
      const bool answers = part.kind == ResponsesText::answer;
      (answers ? answer : part.kind == ResponsesText::refusal ? refusal : reasoning) += part.text;
    }
  }
  if (answer.empty()) answer = text_at(response, "output_text");
  emit(ResponsesText::thought, reasoning_.rest_of(reasoning));
  emit(ResponsesText::answer, answer_.rest_of(answer));
  emit(ResponsesText::refusal, refusal_.rest_of(refusal));
  const bool closed = closed_reasoning_;
  for (std::size_t i = 0; i < output.size(); ++i) {
    const json::object* item = output[i].if_object();
    if (item == nullptr) continue;
    if (!closed && text_at(*item, "type") == "reasoning") close_reasoning(*item);
    if (!is_call(*item)) continue;
    const std::string id = word_of(item->if_contains("call_id"));
    take_call({static_cast<std::int64_t>(i), id, text_at(*item, "id"), true}, *item);
  }
}

std::size_t ResponsesAssembler::open_call(const ResponsesCallKey& key) {
  const std::size_t call = new_call(nullptr, nullptr);
  calls_.emplace_back().index = key.index;
  return call;
}

void ResponsesAssembler::take_call(const ResponsesCallKey& key, const json::object& item) {
  // What stands there before the item is done may be a placeholder.
  const json::value* arguments = key.done ? arguments_of(item) : nullptr;
  const std::optional<std::size_t> found = find_call(calls_, key, verbatim_);
  const bool says_nothing = key.id.empty() && !says_something(item.if_contains("name")) && !says_something(arguments);
  if (!found && says_nothing && !verbatim_) return;
  const std::size_t call = found ? *found : open_call(key);
  if (calls_[call].item.empty()) calls_[call].item = key.item;
  emit_call(call, !found, item, arguments);
}

void ResponsesAssembler::emit_call(std::size_t call, bool opened, const json::object& item,
                                   const json::value* arguments) {
  ResponsesCall& known = calls_[call];
  ToolCallDelta delta;
  delta.call = static_cast<std::uint32_t>(call);
  if (known.id.empty()) delta.id = known.id = word_of(item.if_contains("call_id"));
  if (!known.named) delta.name = text_at(item, "name");
  known.named = known.named || !delta.name.empty();
  if (verbatim_) note_sent(sent_.calls[call], item);
  if (arguments != nullptr && !arguments->is_string()) {
    delta.whole = known.arguments.empty() && !known.whole;
    if (delta.whole) delta.arguments = wire_text(*arguments);
    known.whole = known.whole || delta.whole;
  } else if (!known.whole) {
    const std::string_view text = as_text(arguments);
    const bool repeated = verbatim_ && !known.arguments.empty();
    const std::string_view rest = repeated ? std::string_view() : known.arguments.rest_of(text);
    known.arguments.add(rest);
    if (!rest.empty() || (opened && (arguments != nullptr || !whole_))) delta.arguments = rest;
  }
  if (!opened && delta.id.empty() && delta.name.empty() && !delta.arguments) return;
  append_call(std::move(delta));
}

void ResponsesAssembler::take_arguments(std::string_view key, bool delta, const json::object& event) {
  const std::array keys = {delta ? std::string_view("delta") : key, std::string_view("output_index"),
                           std::string_view("item_id")};
  const auto [words, index, item] = fields(event, keys);
  std::string_view text = as_text(words);
  const ResponsesCallKey meant{index_of(index), {}, as_text(item), false};
  const std::optional<std::size_t> found = find_call(calls_, meant, verbatim_);
  if (!found && !verbatim_) return;  // the end of the item will bring it
  const std::size_t call = found ? *found : open_call(meant);
  ResponsesCall& known = calls_[call];
  if (!delta) text = known.arguments.rest_of(text);
  if (known.whole || (found && text.empty())) return;
  known.arguments.add(text);
  ToolCallDelta more;
  more.call = static_cast<std::uint32_t>(call);
  more.arguments = text;
  append_call(std::move(more));
}

/// The last id and name count; an empty id is none, except for custom tools.
void ResponsesAssembler::note_sent(SentAnswer::Call& sent, const json::object& item) const {
  sent.free_text = is_custom_call(item);
  const json::value* id = member(item, "call_id");
  const json::value* name = member(item, "name");
  if (id != nullptr) sent.id = *id;
  if (!sent.free_text && !says_something(&sent.id)) sent.id = nullptr;
  if (name != nullptr) sent.name = *name;
}

ToldText& ResponsesAssembler::told(const Place& place) {
  const auto [found, added] = parts_.try_emplace(place);
  if (added && parts_.size() > kMaxParts) {
    throw Error(errc::too_large, fmt::format("an answer with more than {} parts", kMaxParts));
  }
  return found->second;
}

bool ResponsesAssembler::told_any(std::int64_t item, ResponsesText kind) const {
  const auto found = parts_.lower_bound(Place{item, kind, std::numeric_limits<std::int64_t>::min()});
  return found != parts_.end() && found->first.item == item && found->first.kind == kind;
}

/// A copy of what the deltas should have said.
void ResponsesAssembler::repeat(const Place& place, std::string_view whole) {
  if (whole.empty()) return;
  ToldText& before = told(place);
  const std::string_view rest = before.rest_of(whole);
  before.add(rest);
  emit(place.kind, rest);
}

void ResponsesAssembler::emit(ResponsesText kind, std::string_view text) {
  if (text.empty()) {
    // Where the wire is shown, an empty refusal is another thing than none.
    if (verbatim_ && kind == ResponsesText::refusal) events_->emplace_back().data.emplace<RefusalDelta>();
    return;
  }
  switch (kind) {
    case ResponsesText::refusal:
      refusal_.add(text);
      return refuse(text);
    case ResponsesText::answer:
      answer_.add(text);
      return say(text);
    case ResponsesText::summary:
    case ResponsesText::thought:
      reasoning_.add(text);
      return think(text);
  }
}

/// The item's end holds what the next request must give back; where it was opened it may be incomplete.
void ResponsesAssembler::close_reasoning(const json::object& item) {
  json::object block = reasoning_block(item);
  if (block.empty()) return;
  closed_reasoning_ = true;
  append_opaque(std::move(block));
}

}  // namespace sennit
