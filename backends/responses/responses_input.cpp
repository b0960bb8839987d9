#include <sennit/agent/io/white.hpp>
#include <sennit/backends/responses/responses_input.hpp>
#include <sennit/backends/wire/json_fields.hpp>
#include <sennit/backends/wire/turns.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace sennit {

namespace {

/// What ids of calls may hold beside letters, digits, `_` and `-`.
constexpr std::string_view kIdMarks = ":.";

/// A name that tells the server what is in the file.
/// https://developers.openai.com/api/docs/guides/file-inputs
std::string file_name(std::string_view media_type) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kEndings = {{
      {"text/plain", "txt"},
      {"text/markdown", "md"},
      {"application/msword", "doc"},
      {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"},
      {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
      {"application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"},
  }};
  const auto* known = std::ranges::find(kEndings, media_type, &std::pair<std::string_view, std::string_view>::first);
  if (known != kEndings.end()) return fmt::format("file.{}", known->second);
  return fmt::format("file.{}", media_type.substr(media_type.find('/') + 1));
}

class Writer {
 public:
  Writer(std::string& out, const WireModel& model, bool stored) : out_(out), model_(model), stored_(stored) {}

  void write(const std::vector<Turn>& turns);

 private:
  /// What the model gave at once: a text or a call, and the thoughts that led to it.
  struct Given {
    bool call = false;
    std::string items;
  };

  void open();
  void said(const Turn& turn);
  void part(const Part& part, char separator);
  void blob(const Blob& blob);
  void assistant(const Turn& turn);
  void answers(const Turn& turn);
  [[nodiscard]] std::string text_item(std::string_view text);
  [[nodiscard]] static std::string call_item(const ToolCall& call);
  [[nodiscard]] std::string reasoning_item(const Reasoning& reasoning) const;

  std::string& out_;
  const WireModel& model_;
  bool stored_;
  bool first_ = true;
  std::size_t texts_ = 0;  // of the assistant's so far
};

void Writer::write(const std::vector<Turn>& turns) {
  out_ += '[';
  for (const Turn& turn : turns) {
    if (turn.role == Role::tool) {
      answers(turn);
    } else if (turn.role == Role::assistant) {
      assistant(turn);
    } else {
      said(turn);
    }
  }
  out_ += ']';
}

void Writer::open() {
  if (!first_) out_ += ',';
  first_ = false;
}

/// What a person or the system says. The type stands there in words: some servers do not guess it.
void Writer::said(const Turn& turn) {
  open();
  const std::string_view system = model_.entry.reasons.value_or(false) ? "developer" : "system";
  out_ += fmt::format(R"({{"type":"message","role":"{}","content":)", turn.role == Role::user ? "user" : system);
  const bool files =
      std::ranges::any_of(turn.parts, [](const Part* part) { return std::holds_alternative<Blob>(*part); });
  if (files) {
    char separator = '[';
    for (const Part* one : turn.parts) {
      const auto* text = std::get_if<Text>(one);
      if (text != nullptr ? is_blank(text->text) : !std::holds_alternative<Blob>(*one)) continue;
      part(*one, std::exchange(separator, ','));
    }
  } else {
    part(Text{turn.text()}, '[');
  }
  out_ += "]}";
}

void Writer::part(const Part& part, char separator) {
  out_ += separator;
  if (const auto* file = std::get_if<Blob>(&part)) return blob(*file);
  out_ += R"({"type":"input_text","text":)";
  append_json_string(out_, std::get<Text>(part).text);
  out_ += '}';
}

void Writer::blob(const Blob& blob) {
  if (blob.media_type.starts_with("image/") || (blob.media_type.empty() && !blob.url.empty())) {
    out_ += R"({"type":"input_image","image_url":)";
    append_json_string(out_, wire_url(blob));
    out_ += R"(,"detail":"auto"})";  // servers that check types want the default spelt out
    return;
  }
  if (blob.media_type.empty() || blob.media_type.starts_with("audio/") || blob.media_type.starts_with("video/")) {
    refuse_blob(model_, blob, "images and documents");
  }
  out_ += R"({"type":"input_file",)";
  if (blob.url.empty()) {
    out_ += R"("filename":)";
    append_json_string(out_, file_name(blob.media_type));
    out_ += R"(,"file_data":)";
  } else {
    out_ += R"("file_url":)";
  }
  append_json_string(out_, wire_url(blob));
  out_ += '}';
}

/// A thought stands before what it led to and goes with it: one without is refused ("was provided without its required
/// following item", https://github.com/openai/openai-node/issues/1567). Texts come before the calls: a message between
/// two calls is taken for the end of the calls ("No tool output found for tool call", seen at DeepSeek).
void Writer::assistant(const Turn& turn) {
  std::vector<Given> given;
  std::string thoughts;
  const auto give = [&](bool call, std::string item) {
    given.push_back({call, std::exchange(thoughts, {}) + std::move(item)});
  };
  for (std::size_t i = 0; i < turn.parts.size(); ++i) {
    if (const auto* reasoning = std::get_if<Reasoning>(turn.parts[i])) thoughts += reasoning_item(*reasoning);
    if (const auto* call = std::get_if<ToolCall>(turn.parts[i])) give(true, call_item(*call));
    if (!std::holds_alternative<Text>(*turn.parts[i])) continue;
    std::string text = std::get<Text>(*turn.parts[i]).text;
    for (; i + 1 < turn.parts.size() && std::holds_alternative<Text>(*turn.parts[i + 1]); ++i) {
      text += std::get<Text>(*turn.parts[i + 1]).text;
    }
    if (!text.empty()) give(false, text_item(text));
  }
  for (const bool calls : {false, true}) {
    for (const Given& one : given) {
      if (one.call != calls) continue;
      open();
      out_ += one.items;
    }
  }
}

/// Strict servers want an id and a status (https://github.com/openai/codex/issues/12669), and where nothing is stored
/// any id will do that begins so (https://github.com/UKGovernmentBEIS/inspect_ai/pull/1545).
std::string Writer::text_item(std::string_view text) {
  std::string item = R"({"type":"message",)";
  const std::size_t number = texts_++;
  if (!stored_) item += fmt::format(R"("id":"msg_{}","status":"completed",)", number);
  item += R"("role":"assistant","content":[{"type":"output_text","text":)";
  append_json_string(item, text);
  item += R"(,"annotations":[]}]})";
  return item;
}

std::string Writer::call_item(const ToolCall& call) {
  std::string item = R"({"type":"function_call","call_id":)";
  append_json_string(item, wire_call_id(call.id, kIdMarks));
  item += R"(,"name":)";
  append_json_string(item, wire_function_name(call.name));
  item += R"(,"arguments":)";
  append_json_string(item, wire_arguments(call.arguments));
  item += '}';
  return item;
}

/// With a comma after it; empty if it is not to go back. An id alone means something to him only who keeps what he
/// said ("Items are not persisted when `store` is set to false", https://github.com/vercel/ai/issues/7543).
std::string Writer::reasoning_item(const Reasoning& reasoning) const {
  const json::object* block = reasoning.opaque.if_object();
  if (!model_.made(reasoning) || block == nullptr) return {};
  const bool has_id = !text_at(*block, "id").empty();
  const bool encrypted = !text_at(*block, "encrypted_content").empty();
  const bool tells = encrypted || says_something(block->if_contains("content"));
  if (!(has_id || encrypted) || !(tells || stored_)) return {};
  json::object item{{"type", "reasoning"}};
  for (const auto& [key, value] : *block) item.emplace(key, value);
  item.emplace("summary", json::array());  // required, even empty
  return wire_text(item) + ',';
}

void Writer::answers(const Turn& turn) {
  for (const ToolResult* result : turn.results) {
    open();
    out_ += R"({"type":"function_call_output","call_id":)";
    append_json_string(out_, wire_call_id(result->call_id, kIdMarks));
    out_ += R"(,"output":)";
    append_json_string(out_, wire_result_in_words(*result));
    out_ += '}';
  }
}

}  // namespace

void append_responses_input(std::string& out, const WireModel& model, const CompletionRequest& request, bool stored) {
  // Thoughts alone are nothing: what they led to is missing.
  const Turns turns(request.messages, [](const Turn& turn) { return turn.text().empty(); });
  Writer(out, model, stored).write(turns.all());
}

}  // namespace sennit
