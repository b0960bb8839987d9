#include <sennit/agent/io/base64.hpp>
#include <sennit/agent/io/white.hpp>
#include <sennit/backends/messages/messages_content.hpp>
#include <sennit/backends/wire/json_fields.hpp>
#include <sennit/backends/wire/members.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace sennit {

namespace {

/// A conversation begins with the person, and no message is empty.
constexpr std::string_view kOpening = "(the conversation begins)";
constexpr std::string_view kNoText = "(no text)";

/// A thought as it goes back, whole and unchanged; empty if it does not go back. Signed ones always do: Claude wants
/// those of a running turn, and takes care of older ones itself. What was not signed goes where the server's own
/// protocol wants reasoning back. https://platform.claude.com/docs/en/build-with-claude/extended-thinking
std::string thought_block(const WireModel& model, const MessagesStyle& style, const Reasoning& thought, bool running) {
  if (!model.made(thought)) return {};
  const json::object* opaque = thought.opaque.if_object();
  std::string block;
  Members members(block);
  if (const json::value* data = opaque == nullptr ? nullptr : member(*opaque, "redacted_thinking")) {
    members.add_text("type", "redacted_thinking");
    members.add("data", *data);
    members.close();
    return block;
  }
  const std::string_view signature = opaque == nullptr ? std::string_view() : text_at(*opaque, "signature");
  if (signature.empty()) {
    if (style.signs || !model.replays(running) || thought.text.empty()) return {};
  }
  members.add_text("type", "thinking");
  members.add_text("thinking", thought.text);
  members.add_text("signature", signature);
  members.close();
  return block;
}

/// The arguments of a call as the object that `input` is. What the model wrote otherwise is wrapped.
json::value input_of(const ToolCall& call) {
  const std::string arguments = wire_arguments(call.arguments);
  if (std::optional<json::value> exact = parse_exact(arguments)) return *std::move(exact);
  const json::value* repaired = parse_scratch(arguments);
  return repaired != nullptr ? json::value(*repaired) : json::value(json::object());
}

/// `data:image/png;base64,…` is no address that a server would fetch, but the bytes themselves. Nothing for others.
std::optional<Blob> from_data_url(const Blob& blob) {
  constexpr std::string_view kScheme = "data:";
  constexpr std::string_view kBase64 = ";base64,";
  const std::size_t end = blob.url.starts_with(kScheme) ? blob.url.find(kBase64) : std::string::npos;
  if (end == std::string::npos) return {};
  return Blob{blob.url.substr(kScheme.size(), end - kScheme.size()), blob.url.substr(end + kBase64.size()), {}};
}

class Writer {
 public:
  Writer(std::string& out, const WireModel& model, const MessagesStyle& style)
      : out_(out), model_(model), style_(style) {}

  void write(std::span<const Turn> turns);

 private:
  enum class Speaker { nobody, person, model };
  enum class Kind { thought, text, call };
  struct Block {
    Kind kind = Kind::text;
    std::string content;  // of a text the text itself, else JSON
  };

  void add(Speaker speaker, std::string_view block);
  void add_text(Speaker speaker, std::string_view text);
  void person(const Turn& turn);
  [[nodiscard]] std::string blob_block(const Blob& blob) const;
  [[nodiscard]] std::string text_document(const Blob& blob) const;
  void assistant(const Turn& turn);
  [[nodiscard]] std::vector<Block> blocks_of(const Turn& turn);
  [[nodiscard]] std::vector<Block> parts_of(const Turn& turn);
  [[nodiscard]] std::string call_block(const ToolCall& call);
  void results(const Turn& turn);
  void add_marks();

  std::string& out_;
  const WireModel& model_;
  const MessagesStyle& style_;
  Speaker speaker_ = Speaker::nobody;  // of the message that is open
  std::vector<std::size_t> ends_;      // where the last block of each of the person's messages ends
  std::vector<std::string> calls_;     // ids of the calls that are answered next
  std::set<std::string, std::less<>> ids_;
};

void Writer::write(std::span<const Turn> turns) {
  out_ += '[';
  for (const Turn& turn : turns) {
    switch (turn.role) {
      case Role::system:
      case Role::user:
        person(turn);
        break;
      case Role::assistant:
        assistant(turn);
        break;
      case Role::tool:
        results(turn);
        break;
    }
  }
  if (speaker_ == Speaker::nobody) add_text(Speaker::person, kOpening);
  out_ += "]}]";
  if (!style_.cache_mark.is_null()) add_marks();
}

/// Opens a message where another one speaks than before: two of one speaker in a row are one.
void Writer::add(Speaker speaker, std::string_view block) {
  if (speaker_ == Speaker::nobody && speaker == Speaker::model) add_text(Speaker::person, kOpening);
  if (speaker_ == speaker) {
    out_ += ',';
  } else {
    if (speaker_ != Speaker::nobody) out_ += "]},";
    out_ += speaker == Speaker::model ? R"({"role":"assistant","content":[)" : R"({"role":"user","content":[)";
    if (speaker == Speaker::person) ends_.emplace_back();
    speaker_ = speaker;
  }
  out_ += block;
  if (speaker == Speaker::person) ends_.back() = out_.size() - 1;  // before its brace
}

void Writer::add_text(Speaker speaker, std::string_view text) {
  std::string block;
  append_text_block(block, text, nullptr);
  add(speaker, block);
}

/// Text without a letter is refused ("text content blocks must contain non-whitespace text"). The protocol's newest
/// version has a role for the system in the middle of a conversation; that is not known to older models and to servers
/// that imitate it, so it becomes a note to the model.
void Writer::person(const Turn& turn) {
  bool said = false;
  for (const Part* part : turn.parts) {
    if (const auto* text = std::get_if<Text>(part); text != nullptr && !is_blank(text->text)) {
      add_text(Speaker::person, turn.role == Role::system ? fmt::format("[system] {}", text->text) : text->text);
      said = true;
    } else if (const auto* blob = std::get_if<Blob>(part)) {
      add(Speaker::person, blob_block(*blob));
      said = true;
    }
  }
  if (!said) add_text(Speaker::person, kNoText);
}

/// https://platform.claude.com/docs/en/build-with-claude/vision and …/pdf-support
std::string Writer::blob_block(const Blob& blob) const {
  if (const std::optional<Blob> bytes = from_data_url(blob)) return blob_block(*bytes);
  const bool image = blob.media_type.starts_with("image/") || (blob.media_type.empty() && !blob.url.empty());
  if (!image && blob.media_type != "application/pdf") return text_document(blob);
  std::string block;
  Members members(block);
  members.add_text("type", image ? "image" : "document");
  Members source(members.key("source"));
  source.add_text("type", blob.url.empty() ? "base64" : "url");
  if (blob.url.empty()) source.add_text("media_type", blob.media_type);
  source.add_text(blob.url.empty() ? "data" : "url", blob.url.empty() ? blob.data : blob.url);
  source.close();
  members.close();
  return block;
}

/// Whatever kind of text it is: the protocol knows `text/plain` only, and only as text.
std::string Writer::text_document(const Blob& blob) const {
  const bool text = blob.media_type.starts_with("text/") && blob.url.empty();
  std::optional<std::string> content = text ? decode_base64(blob.data) : std::nullopt;
  if (!content) refuse_blob(model_, blob, "images, PDF files, and the bytes of text files");
  if (is_blank(*content)) content = kNoText;
  std::string block = R"({"type":"document","source":{"type":"text","media_type":"text/plain","data":)";
  append_json_string(block, *content);
  block += "}}";
  return block;
}

void Writer::assistant(const Turn& turn) {
  calls_.clear();
  for (const Block& block : blocks_of(turn)) {
    if (block.kind == Kind::text) {
      add_text(Speaker::model, block.content);
    } else {
      add(Speaker::model, block.content);
    }
  }
}

/// In the order in which they came, which signatures depend on. What another model said in another order becomes what
/// Claude would have said: text, then calls.
std::vector<Writer::Block> Writer::blocks_of(const Turn& turn) {
  std::vector<Block> blocks = parts_of(turn);
  // "The final block in an assistant message cannot be `thinking`": what it would have led to was never said.
  while (!blocks.empty() && blocks.back().kind == Kind::thought) blocks.pop_back();
  const bool thinks = std::ranges::any_of(blocks, [](const Block& block) { return block.kind == Kind::thought; });
  if (!thinks) {
    std::vector<Block> in_order;
    // DeepSeek wants a thought before calls, even an empty one. https://github.com/QwenLM/qwen-code/pull/3788
    const bool missed = model_.replay_presence && !style_.signs && !calls_.empty();
    if (missed) in_order.push_back({Kind::thought, R"({"type":"thinking","thinking":"","signature":""})"});
    for (const Kind kind : {Kind::text, Kind::call}) {
      for (Block& block : blocks) {
        if (block.kind == kind) in_order.push_back(std::move(block));
      }
    }
    blocks = std::move(in_order);
  }
  // White space at the end of the last message is refused; it goes from all, so that what was sent stays as it was.
  if (!blocks.empty() && blocks.back().kind == Kind::text) {
    std::string& last = blocks.back().content;
    last.resize(last.find_last_not_of(kWhite) + 1);
  }
  return blocks;
}

/// Texts that follow one another are one, and blank ones are none.
std::vector<Writer::Block> Writer::parts_of(const Turn& turn) {
  std::vector<Block> blocks;
  std::string said;
  const auto add_said = [&] {
    if (!is_blank(said)) blocks.push_back({Kind::text, said});
    said.clear();
  };
  for (const Part* part : turn.parts) {
    if (const auto* text = std::get_if<Text>(part)) {
      said += text->text;
    } else if (const auto* call = std::get_if<ToolCall>(part)) {
      add_said();
      blocks.push_back({Kind::call, call_block(*call)});
    } else if (const auto* thought = std::get_if<Reasoning>(part)) {
      std::string block = thought_block(model_, style_, *thought, turn.running);
      if (block.empty()) continue;
      add_said();
      blocks.push_back({Kind::thought, std::move(block)});
    }
  }
  add_said();
  return blocks;
}

/// Two calls of one id are refused ("`tool_use` ids must be unique"), which some servers give all the same.
std::string Writer::call_block(const ToolCall& call) {
  const std::string clean = wire_call_id(call.id);
  std::string id = clean;
  for (int n = 2; !ids_.insert(id).second; ++n) id = fmt::format("{}_{}", clean, n);
  std::string block;
  Members members(block);
  members.add_text("type", "tool_use");
  members.add_text("id", id);
  members.add_text("name", wire_function_name(call.name));
  members.add("input", input_of(call));
  members.close();
  calls_.push_back(std::move(id));
  return block;
}

/// All of a turn in one message and before any text, or they are refused.
/// https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls
void Writer::results(const Turn& turn) {
  for (std::size_t i = 0; i < turn.results.size(); ++i) {
    const ToolResult& result = *turn.results[i];
    const bool blank = is_blank(result.content);
    std::string block;
    Members members(block);
    members.add_text("type", "tool_result");
    members.add_text("tool_use_id", calls_[i]);
    members.add_text("content", blank ? wire_result(ToolResult{{}, {}, {}, result.is_error}) : wire_result(result));
    if (result.is_error) members.add("is_error", true);
    members.close();
    add(Speaker::person, block);
  }
}

/// At the end of the person's last two messages: where the next request will go on from, and where this one does. The
/// marks move on with the conversation; what stands before them stays. What was kept at the mark before is found again
/// however long the last turn was, for the server looks back no more than 20 blocks from each mark.
/// https://platform.claude.com/docs/en/build-with-claude/prompt-caching
void Writer::add_marks() {
  constexpr std::size_t kMarks = 2;
  const std::string mark = fmt::format(R"(,"cache_control":{})", wire_text(style_.cache_mark));
  const std::size_t count = std::min(kMarks, ends_.size());
  for (std::size_t i = 0; i < count; ++i) out_.insert(ends_[ends_.size() - 1 - i], mark);
}

}  // namespace

void append_text_block(std::string& out, std::string_view text, const json::value& mark) {
  Members block(out);
  block.add_text("type", "text");
  block.add_text("text", text);
  if (!mark.is_null()) block.add("cache_control", mark);
  block.close();
}

bool goes_on_without_thought(const WireModel& model, const MessagesStyle& style, std::span<const Turn> turns) {
  const Turn* first = nullptr;
  for (std::size_t i = turns.size(); i-- > 0;) {
    // What a person adds to results stands in their message: the answer goes on.
    const bool person = turns[i].role == Role::user || turns[i].role == Role::system;
    if (person && (i == 0 || turns[i - 1].role != Role::tool)) break;
    if (turns[i].role == Role::assistant) first = &turns[i];
  }
  if (first == nullptr || first->parts.empty()) return false;
  const auto* thought = std::get_if<Reasoning>(first->parts.front());
  return thought == nullptr || thought_block(model, style, *thought, true).empty();
}

void append_messages(std::string& out, const WireModel& model, const MessagesStyle& style,
                     std::span<const Turn> turns) {
  Writer(out, model, style).write(turns);
}

}  // namespace sennit
