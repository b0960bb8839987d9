#include <sennit/backends/chat/chat_messages.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace sennit {

namespace {

/// A name that servers accept. Models invent others (`multi_tool_use.parallel`, none at all), and a history that holds
/// one is refused for ever.
std::string function_name(std::string_view name) {
  constexpr std::size_t kLongest = 64;
  if (name.empty()) return "invalid";
  std::string out(name.substr(0, kLongest));
  for (char& c : out) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (!plain) c = '_';
  }
  return out;
}

class Writer {
 public:
  Writer(std::string& out, const ChatModel& model, const CompletionRequest& request)
      : out_(out), model_(model), messages_(request.messages) {}

  void write(std::string_view instructions, std::string_view format);

 private:
  void open(std::string_view role);
  void text_message(std::string_view role, std::string_view text);
  [[nodiscard]] bool is_left_out(std::size_t index) const;
  std::size_t user(std::size_t first);
  void blob(const Blob& blob);
  void assistant(const Message& message, bool this_turn);
  void tool_call(const ToolCall& call);
  void tool_result(std::string_view id, std::string_view content, bool is_error);
  [[nodiscard]] std::optional<std::string> replayed_reasoning(const Message& message, bool this_turn, bool calls) const;
  std::size_t results(std::size_t next, std::vector<const ToolCall*> open_calls);
  [[nodiscard]] std::string_view system_role() const { return model_.rule->reasons ? "developer" : "system"; }

  std::string& out_;
  const ChatModel& model_;
  std::span<const Message> messages_;
  std::size_t turn_starts_ = 0;  // place after the last message of the user
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

void Writer::write(std::string_view instructions, std::string_view format) {
  out_ += '[';
  if (!instructions.empty() || !format.empty()) {
    const std::string_view gap = instructions.empty() || format.empty() ? "" : "\n\n";
    text_message(system_role(), fmt::format("{}{}{}", instructions, gap, format));
  }
  const auto last_user = std::find_if(messages_.rbegin(), messages_.rend(),
                                      [](const Message& message) { return message.role == Role::user; });
  turn_starts_ = static_cast<std::size_t>(messages_.rend() - last_user);
  for (std::size_t i = 0; i < messages_.size();) {
    const Message& message = messages_[i++];
    switch (message.role) {
      case Role::system:
        text_message(system_role(), message.text());
        break;
      case Role::user:
        i = user(i - 1);
        break;
      case Role::assistant:
        if (!is_left_out(i - 1)) assistant(message, i > turn_starts_);
        i = results(i, message.tool_calls());
        break;
      case Role::tool:
        i = results(i - 1, {});
        break;
    }
  }
  out_ += ']';
}

/// A turn of reasoning only, where that is not sent back, would be an empty message, which many servers refuse.
bool Writer::is_left_out(std::size_t index) const {
  const Message& message = messages_[index];
  return message.role == Role::assistant && message.text().empty() && message.tool_calls().empty() &&
         !replayed_reasoning(message, index >= turn_starts_, false);
}

/// What a person said in several messages (a note and a question, a question that was cancelled and the next) as one:
/// many chat templates want user and assistant in turn. The index of the message after them.
std::size_t Writer::user(std::size_t first) {
  std::vector<const Message*> said;
  std::size_t end = first;
  for (; end < messages_.size() && (messages_[end].role == Role::user || is_left_out(end)); ++end) {
    if (messages_[end].role == Role::user) said.push_back(&messages_[end]);
  }
  const auto is_file = [](const Part& part) { return std::holds_alternative<Blob>(part); };
  if (std::ranges::none_of(said,
                           [&](const Message* message) { return std::ranges::any_of(message->parts, is_file); })) {
    std::string text = said.front()->text();
    for (std::size_t i = 1; i < said.size(); ++i) text += "\n\n" + said[i]->text();
    text_message("user", text);
    return end;
  }
  open("user");
  out_ += ",\"content\":";
  char separator = '[';
  for (const Message* message : said) {
    for (const Part& part : message->parts) {
      const auto* text = std::get_if<Text>(&part);
      const auto* file = std::get_if<Blob>(&part);
      if (text == nullptr && file == nullptr) continue;
      out_ += separator;
      separator = ',';
      if (file != nullptr) {
        blob(*file);
      } else {
        out_ += R"({"type":"text","text":)";
        append_json_string(out_, text->text);
        out_ += '}';
      }
    }
  }
  out_ += "]}";
  return end;
}

void Writer::blob(const Blob& blob) {
  if (!blob.media_type.starts_with("image/") && !(blob.media_type.empty() && !blob.url.empty())) {
    throw Error(errc::invalid_argument,
                fmt::format("{} takes images only, not a file of type “{}”; pass its text instead",
                            model_.provider->title, blob.media_type));
  }
  out_ += R"({"type":"image_url","image_url":{"url":)";
  append_json_string(out_, blob.url.empty() ? fmt::format("data:{};base64,{}", blob.media_type, blob.data) : blob.url);
  out_ += "}}";
}

void Writer::assistant(const Message& message, bool this_turn) {
  const std::vector<const ToolCall*> calls = message.tool_calls();
  const std::string text = message.text();
  const std::optional<std::string> reasoning = replayed_reasoning(message, this_turn, !calls.empty());
  open("assistant");
  // Empty text instead of null: templates of local engines choke on null.
  out_ += ",\"content\":";
  append_json_string(out_, text);
  if (reasoning) {
    out_ += fmt::format(",\"{}\":", model_.provider->replay_field);
    append_json_string(out_, *reasoning);
  }
  if (!calls.empty()) {
    out_ += ",\"tool_calls\":";
    char separator = '[';
    for (const ToolCall* call : calls) {
      out_ += separator;
      tool_call(*call);
      separator = ',';
    }
    out_ += ']';
  }
  out_ += '}';
}

/// The reasoning that goes back with the message; nothing where the field is not to be sent.
std::optional<std::string> Writer::replayed_reasoning(const Message& message, bool this_turn, bool calls) const {
  if (model_.replay == ReasoningReplay::never) return {};
  if (model_.replay == ReasoningReplay::within_turn && !this_turn) return {};
  std::string text;
  for (const Part& part : message.parts) {
    const auto* reasoning = std::get_if<Reasoning>(&part);
    if (reasoning != nullptr && reasoning->provider == model_.provider->name) text += reasoning->text;
  }
  if (text.empty() && !(calls && model_.replay_presence)) return {};
  return text;
}

void Writer::tool_call(const ToolCall& call) {
  out_ += R"({"id":)";
  append_json_string(out_, call.id);
  out_ += R"(,"type":"function","function":{"name":)";
  append_json_string(out_, function_name(call.name));
  out_ += ",\"arguments\":";
  const json::value* parsed = parse_scratch(call.arguments);
  if (parsed != nullptr && parsed->is_object()) {
    append_json_string(out_, call.arguments);
  } else if (call.arguments.find_first_not_of(" \t\r\n") == std::string::npos) {
    append_json_string(out_, "{}");
  } else {
    // Servers parse the arguments of earlier calls and refuse the whole request if they cannot: what the model wrote
    // is wrapped, so that it still sees its mistake.
    std::string wrapped = "{\"invalid_arguments\":";
    append_json_string(wrapped, call.arguments);
    wrapped += '}';
    append_json_string(out_, wrapped);
  }
  out_ += "}}";
}

void Writer::tool_result(std::string_view id, std::string_view content, bool is_error) {
  open("tool");
  out_ += ",\"tool_call_id\":";
  append_json_string(out_, id);
  out_ += ",\"content\":";
  if (content.empty()) content = is_error ? "failed" : "(no output)";
  append_json_string(out_, is_error ? fmt::format("Error: {}", content) : std::string(content));
  out_ += '}';
}

/// Writes the tool messages from `next` on and answers the calls that they leave open. A result without its call,
/// which no server accepts, becomes a message of the user. Returns the place of the first message that is something
/// else.
std::size_t Writer::results(std::size_t next, std::vector<const ToolCall*> open_calls) {
  std::vector<const ToolResult*> orphans;
  for (; next < messages_.size() && messages_[next].role == Role::tool; ++next) {
    for (const Part& part : messages_[next].parts) {
      const auto* result = std::get_if<ToolResult>(&part);
      if (result == nullptr) continue;
      const auto call = std::find_if(open_calls.begin(), open_calls.end(),
                                     [result](const ToolCall* open) { return open->id == result->call_id; });
      if (call == open_calls.end()) {
        orphans.push_back(result);
        continue;
      }
      open_calls.erase(call);
      tool_result(result->call_id, result->content, result->is_error);
    }
  }
  for (const ToolCall* call : open_calls) tool_result(call->id, "the call was not carried out", true);
  for (const ToolResult* result : orphans) {
    text_message("user", fmt::format("Result of the tool {}: {}", result->name, result->content));
  }
  return next;
}

}  // namespace

void append_chat_messages(std::string& out, const ChatModel& model, const CompletionRequest& request,
                          std::string_view format) {
  Writer(out, model, request).write(request.instructions, format);
}

}  // namespace sennit
