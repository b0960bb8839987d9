#include <sennit/backends/messages/messages_assembler.hpp>
#include <sennit/backends/wire/json_fields.hpp>

#include <array>
#include <utility>

namespace sennit {

namespace {

constexpr std::array<std::string_view, 7> kEventKeys = {"type",    "index", "delta", "content_block",
                                                        "message", "usage", "error"};
constexpr std::array<std::string_view, 4> kDeltaKeys = {"type", "text", "thinking", "partial_json"};

std::string place_of(const json::value* index) {
  return index_key(index != nullptr ? *index : json::value());
}

}  // namespace

bool MessagesAssembler::take_chunk(const json::object& chunk) {
  const auto [type, index, delta, content_block, message, usage, error] = fields(chunk, kEventKeys);
  const std::string_view kind = as_text(type);
  if (kind == "content_block_delta") {
    understood_ = true;
    if (const json::object* piece = as_object(delta)) take_delta(index, *piece);
  } else if (kind == "content_block_start") {
    understood_ = true;
    if (const json::object* block = as_object(content_block)) open_block(index, *block);
  } else if (kind == "content_block_stop") {
    understood_ = true;
    close_block(index);
  } else if (kind == "message_start") {
    understood_ = true;
    if (const json::object* opened = as_object(message)) open_message(*opened);
  } else if (kind == "message_delta") {
    understood_ = true;
    take_usage(usage);
    if (const json::object* end = as_object(delta)) take_end(*end);
  } else if (kind == "message_stop") {
    // A recording may hold the answers of several turns; what it says is shown to its end.
    ended_ = !verbatim_;
  } else if (kind == "error" || says_something(error)) {
    take_broken(chunk);
  } else if (kind != "ping") {
    return false;
  }
  return true;
}

void MessagesAssembler::take_document(const json::object& answer) {
  if (text_at(answer, "type") == "error" || says_something(answer.if_contains("error"))) take_broken(answer);
  take_blocks(answer.if_contains("content"));
  take_usage(answer.if_contains("usage"));
  take_end(answer);
}

void MessagesAssembler::settle() {
  close_thought();
  for (Call& call : calls_) tell_input(call);
}

void MessagesAssembler::open_message(const json::object& message) {
  take_usage(message.if_contains("usage"));
  // Calls that running code makes (programmatic tool calling) come in a message that opens whole. Where one opens
  // empty, as all others do, a reason to stop would be a mistake.
  const json::value* content = message.if_contains("content");
  if (verbatim_ || as_array(content) == nullptr || !says_something(content)) return;
  take_blocks(content);
  take_end(message);
}

void MessagesAssembler::take_blocks(const json::value* content) {
  const json::array* blocks = as_array(content);
  if (blocks == nullptr) return;
  understood_ = true;
  for (const json::value& block : *blocks) {
    if (const json::object* fields = block.if_object()) take_block(*fields);
  }
}

void MessagesAssembler::take_block(const json::object& block) {
  const std::string_view type = text_at(block, "type");
  if (type == "text") {
    say(text_at(block, "text"));
  } else if (type == "thinking") {
    open_thought(block);
    close_thought();
  } else if (type == "redacted_thinking") {
    take_redacted(block);
  } else if (type == "tool_use") {
    const json::value* input = member(block, "input");
    if (input == nullptr) {
      open_call({}, block, {}, false);
    } else {
      open_call({}, block, text_of(*input), !input->is_string());
    }
  }
}

void MessagesAssembler::open_block(const json::value* index, const json::object& block) {
  close_thought();
  const std::string_view type = text_at(block, "type");
  if (type == "thinking") return open_thought(block);
  if (type != "tool_use") return take_block(block);
  // It opens with {} and its input comes in pieces, but a server may send the input here and no pieces at all.
  const json::value* input = block.if_contains("input");
  if (says_something(input)) {
    open_call(place_of(index), block, {}, false).input = *input;
  } else {
    open_call(place_of(index), block, std::string(), false);
  }
}

void MessagesAssembler::take_delta(const json::value* index, const json::object& delta) {
  const auto [type, text, thinking, partial_json] = fields(delta, kDeltaKeys);
  const std::string_view kind = as_text(type);
  if (kind == "text_delta") {
    say(as_text(text));
  } else if (kind == "thinking_delta") {
    think(as_text(thinking));
  } else if (kind == "input_json_delta") {
    const std::string_view piece = as_text(partial_json);
    Call* call = piece.empty() ? nullptr : find_call(index);
    if (call == nullptr) return;
    call->piecemeal = true;
    ToolCallDelta more;
    more.call = static_cast<std::uint32_t>(call - calls_.data());
    more.arguments = piece;
    append_call(std::move(more));
  } else if (kind == "signature_delta") {
    if (const std::string_view signature = text_at(delta, "signature"); !signature.empty()) signature_ = signature;
  }
}

void MessagesAssembler::close_block(const json::value* index) {
  close_thought();
  if (Call* call = find_call(index)) tell_input(*call);
}

void MessagesAssembler::open_thought(const json::object& block) {
  part_thoughts();
  think(text_at(block, "thinking"));
  signature_ = text_at(block, "signature");
}

void MessagesAssembler::take_redacted(const json::object& block) {
  const json::value* data = block.if_contains("data");
  if (!says_something(data)) return;
  part_thoughts();
  append_opaque({{"redacted_thinking", *data}});
}

/// The signature comes with the last delta of its block, so it is told when the block ends.
void MessagesAssembler::close_thought() {
  if (signature_.empty()) return;
  append_opaque({{"signature", signature_}});
  signature_.clear();
}

/// Servers that imitate the protocol may sign nothing.
void MessagesAssembler::part_thoughts() {
  close_thought();
  close_unsigned_thoughts("signature");
}

MessagesAssembler::Call* MessagesAssembler::find_call(const json::value* index) {
  if (calls_.empty()) return nullptr;
  const std::string key = place_of(index);
  for (std::size_t i = calls_.size(); i-- > 0;) {
    if (calls_[i].index == key) return &calls_[i];
  }
  return nullptr;
}

MessagesAssembler::Call& MessagesAssembler::open_call(std::string index, const json::object& block,
                                                      std::optional<std::string> arguments, bool whole) {
  const json::value* id = block.if_contains("id");
  const json::value* name = member(block, "name");
  ToolCallDelta delta;
  delta.call = new_call(id, name);
  delta.id = word_of(id);
  delta.name = as_text(name);
  delta.arguments = std::move(arguments);
  delta.whole = whole;
  append_call(std::move(delta));
  Call& call = calls_.emplace_back();
  call.index = std::move(index);
  return call;
}

void MessagesAssembler::tell_input(Call& call) {
  const json::value input = std::exchange(call.input, nullptr);
  if (input.is_null() || call.piecemeal) return;
  ToolCallDelta all;
  all.call = static_cast<std::uint32_t>(&call - calls_.data());
  all.arguments = text_of(input);
  all.whole = !input.is_string();
  append_call(std::move(all));
}

void MessagesAssembler::take_usage(const json::value* usage) {
  const json::object* sent = as_object(usage);
  if (sent == nullptr) return;
  if (verbatim_) MessagesUsage::note(*sent, sent_.usage);
  if (!usage_so_far_.take(*sent)) return;
  understood_ = true;
  append_usage(verbatim_ ? usage_so_far_.counts() : usage_so_far_.meaning());
}

/// Why the answer ends: the `delta` of a stream's message_delta, or a whole message.
void MessagesAssembler::take_end(const json::object& end) {
  const json::value* reason = member(end, "stop_reason");
  if (reason == nullptr) return;
  take_reason(*reason);
  // The provider may say why it refused. A verbatim reading shows no such words: they are none of the model's.
  const bool refuses = reason_ == "refusal" && !refused() && !verbatim_;
  const json::object* details = refuses ? object_at(end, "stop_details") : nullptr;
  if (details != nullptr) refuse(text_at(*details, "explanation"));
}

void MessagesAssembler::take_broken(const json::object& object) {
  const bool flat = !present(object.if_contains("error"));
  const json::value document(object);
  take_error(flat && !verbatim_ ? read_flat_error(object) : read_provider_error(&document, 0, {}), true);
}

}  // namespace sennit
