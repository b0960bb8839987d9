#include <sennit/agent/io/white.hpp>
#include <sennit/backends/chat/chat_messages.hpp>
#include <sennit/backends/wire/turns.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace sennit {

namespace {

/// The reasoning that goes back with the turn; nothing where the field is not to be sent.
std::optional<std::string> replayed_reasoning(const WireModel& model, const Turn& turn) {
  if (!model.replays(turn.running)) return {};
  std::string text;
  bool calls = false;
  for (const Part* part : turn.parts) {
    const auto* reasoning = std::get_if<Reasoning>(part);
    if (reasoning != nullptr && model.made(*reasoning)) text += reasoning->text;
    calls = calls || std::holds_alternative<ToolCall>(*part);
  }
  if (text.empty() && !(calls && model.replay_presence)) return {};
  return text;
}

/// As `input_audio` names it; empty if it has no name for it.
/// https://developers.openai.com/api/docs/guides/audio-chat-completions
std::string_view audio_format(std::string_view media_type) {
  if (media_type == "audio/wav" || media_type == "audio/x-wav" || media_type == "audio/wave") return "wav";
  if (media_type == "audio/mpeg" || media_type == "audio/mp3") return "mp3";
  return {};
}

class Writer {
 public:
  Writer(std::string& out, const WireModel& model) : out_(out), model_(model) {}

  void write(const std::vector<Turn>& turns, std::string_view instructions);

 private:
  void open(std::string_view role);
  void text_message(std::string_view role, std::string_view text);
  void user(const Turn& turn);
  void blob(const Blob& blob);
  void assistant(const Turn& turn);
  [[nodiscard]] std::string id(std::string_view id) const;
  void tool_call(const ToolCall& call);
  void tool_result(const ToolResult& result);
  [[nodiscard]] std::string_view system_role() const {
    return model_.entry.reasons.value_or(false) ? "developer" : "system";
  }

  std::string& out_;
  const WireModel& model_;
  bool first_ = true;
};

void Writer::open(std::string_view role) {
  out_ += first_ ? "{\"role\":\"" : ",{\"role\":\"";
  first_ = false;
  out_ += role;
  out_ += '"';
}

void Writer::text_message(std::string_view role, std::string_view text) {
  open(role);
  out_ += ",\"content\":";
  append_json_string(out_, text);
  out_ += '}';
}

void Writer::write(const std::vector<Turn>& turns, std::string_view instructions) {
  out_ += '[';
  if (!instructions.empty()) text_message(system_role(), instructions);
  for (const Turn& turn : turns) {
    switch (turn.role) {
      case Role::system:
        text_message(system_role(), turn.text());
        break;
      case Role::user:
        user(turn);
        break;
      case Role::assistant:
        assistant(turn);
        break;
      case Role::tool:
        for (const ToolResult* result : turn.results) tool_result(*result);
        break;
    }
  }
  out_ += ']';
}

void Writer::user(const Turn& turn) {
  const auto is_file = [](const Part* part) { return std::holds_alternative<Blob>(*part); };
  if (std::ranges::none_of(turn.parts, is_file)) return text_message("user", turn.text());
  open("user");
  out_ += ",\"content\":";
  char separator = '[';
  for (const Part* part : turn.parts) {
    const auto* text = std::get_if<Text>(part);
    // What sets two messages apart does not set two parts apart.
    if (text != nullptr ? is_blank(text->text) : !is_file(part)) continue;
    out_ += std::exchange(separator, ',');
    if (text == nullptr) {
      blob(std::get<Blob>(*part));
    } else {
      out_ += R"({"type":"text","text":)";
      append_json_string(out_, text->text);
      out_ += '}';
    }
  }
  out_ += "]}";
}

/// Images go as URLs, sound and documents as bytes only.
/// https://developers.openai.com/api/docs/guides/file-inputs
void Writer::blob(const Blob& blob) {
  const std::string url = wire_url(blob);
  if (blob.media_type.starts_with("image/") || (blob.media_type.empty() && !blob.url.empty())) {
    out_ += R"({"type":"image_url","image_url":{"url":)";
    append_json_string(out_, url);
  } else if (const std::string_view format = audio_format(blob.media_type); blob.url.empty() && !format.empty()) {
    out_ += R"({"type":"input_audio","input_audio":{"data":)";
    append_json_string(out_, blob.data);
    out_ += fmt::format(R"(,"format":"{}")", format);
  } else if (blob.url.empty() && blob.media_type == "application/pdf") {
    out_ += R"({"type":"file","file":{"filename":"file.pdf","file_data":)";
    append_json_string(out_, url);
  } else {
    refuse_blob(model_, blob, "images, and the bytes of WAV, MP3 and PDF files");
  }
  out_ += "}}";
}

void Writer::assistant(const Turn& turn) {
  const std::vector<const ToolCall*> calls = turn.tool_calls();
  const std::optional<std::string> reasoning = replayed_reasoning(model_, turn);
  open("assistant");
  // Empty text instead of null: templates of local engines choke on null.
  out_ += ",\"content\":";
  append_json_string(out_, turn.text());
  if (reasoning) {
    out_ += fmt::format(",\"{}\":", model_.provider->replay_field);
    append_json_string(out_, *reasoning);
  }
  char separator = '[';
  for (const ToolCall* call : calls) {
    if (separator == '[') out_ += ",\"tool_calls\":";
    out_ += std::exchange(separator, ',');
    tool_call(*call);
  }
  out_ += calls.empty() ? "}" : "]}";
}

/// An id that the server accepts, which may be another provider's, or the run's own.
std::string Writer::id(std::string_view id) const {
  constexpr std::size_t kLongest = 40;  // OpenAI's bound: https://github.com/vercel/ai/issues/5171
  const std::size_t exactly = model_.provider->call_id_length;
  if (exactly > 0) return short_call_id(id, exactly);
  return id.size() <= kLongest ? std::string(id) : short_call_id(id, kLongest / 2);
}

void Writer::tool_call(const ToolCall& call) {
  out_ += R"({"id":)";
  append_json_string(out_, id(call.id));
  out_ += R"(,"type":"function","function":{"name":)";
  append_json_string(out_, wire_function_name(call.name));
  out_ += ",\"arguments\":";
  append_json_string(out_, wire_arguments(call.arguments));
  out_ += "}}";
}

void Writer::tool_result(const ToolResult& result) {
  open("tool");
  out_ += ",\"tool_call_id\":";
  append_json_string(out_, id(result.call_id));
  out_ += ",\"content\":";
  append_json_string(out_, wire_result_in_words(result));
  out_ += '}';
}

}  // namespace

void append_chat_messages(std::string& out, const WireModel& model, const CompletionRequest& request,
                          std::string_view format) {
  // A turn of reasoning only, where that is not sent back, would be an empty message.
  const Turns turns(request.messages,
                    [&model](const Turn& turn) { return turn.text().empty() && !replayed_reasoning(model, turn); });
  Writer(out, model).write(turns.all(), in_paragraphs(request.instructions, format));
}

}  // namespace sennit
