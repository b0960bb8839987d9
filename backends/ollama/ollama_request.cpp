#include <sennit/backends/ollama/ollama_request.hpp>
#include <sennit/backends/wire/members.hpp>
#include <sennit/backends/wire/schema_dialect.hpp>
#include <sennit/backends/wire/turns.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sennit {

namespace {

/// Where nothing says how much a prompt may hold, Ollama takes as little as 4,096 tokens and leaves out what is more.
/// Each other size loads the model anew, so there are few of them. https://docs.ollama.com/context-length
constexpr std::int64_t kLeastContext = 8'192;
/// Unless the catalogue knows the model: few hold more, and what a context holds must fit into memory.
constexpr std::int64_t kMostContext = 131'072;
constexpr std::int64_t kAnswerTokens = 4'096;  ///< where the caller does not limit the answer
constexpr std::int64_t kTemplateTokens = 512;  ///< what the model's template puts around all of it
constexpr std::int64_t kImageTokens = 2'048;   ///< of an image, whatever its bytes
constexpr std::int64_t kBytesPerToken = 3;     ///< fewer than most texts have, so that the context is rather too large

/// The messages, and what they weigh.
class Writer {
 public:
  explicit Writer(const WireModel& model) : model_(model) {}

  void write(std::string_view system, std::span<const Message> messages);
  [[nodiscard]] const std::string& text() const noexcept { return out_; }
  [[nodiscard]] std::int64_t tokens() const noexcept {
    return static_cast<std::int64_t>(out_.size() - image_bytes_) / kBytesPerToken + images_ * kImageTokens;
  }

 private:
  Members open(std::string_view role);
  void said(std::string_view role, const Turn& turn);
  void image(const Blob& blob);
  void assistant(const Turn& turn);
  void result(const ToolCall& call, const ToolResult& result);
  [[nodiscard]] std::string replayed_thinking(const Turn& turn) const;

  std::string out_;
  const WireModel& model_;
  std::vector<const ToolCall*> calls_;  // of the turn that is answered next
  std::size_t image_bytes_ = 0;
  std::int64_t images_ = 0;
};

void Writer::write(std::string_view system, std::span<const Message> messages) {
  out_ += '[';
  if (!system.empty()) {
    Members message = open("system");
    message.add_text("content", system);
    message.close();
  }
  const Turns turns(messages,
                    [this](const Turn& turn) { return turn.text().empty() && replayed_thinking(turn).empty(); });
  for (const Turn& turn : turns.all()) {
    switch (turn.role) {
      case Role::system:
        said("system", turn);
        break;
      case Role::user:
        said("user", turn);
        break;
      case Role::assistant:
        assistant(turn);
        break;
      case Role::tool:
        for (std::size_t i = 0; i < turn.results.size(); ++i) result(*calls_.at(i), *turn.results[i]);
        break;
    }
  }
  out_ += ']';
}

Members Writer::open(std::string_view role) {
  if (out_.size() > 1) out_ += ',';
  Members message(out_);
  message.add_text("role", role);
  return message;
}

void Writer::said(std::string_view role, const Turn& turn) {
  Members message = open(role);
  message.add_text("content", turn.text());
  char separator = '[';
  for (const Part* part : turn.parts) {
    const auto* file = std::get_if<Blob>(part);
    if (file == nullptr) continue;
    if (separator == '[') message.key("images");
    out_ += std::exchange(separator, ',');
    image(*file);
  }
  if (separator == ',') out_ += ']';
  message.close();
}

/// The protocol has no place for their types, nor for what stands between them.
/// https://github.com/ollama/ollama/blob/main/docs/api.md#chat-request-with-images
void Writer::image(const Blob& blob) {
  if (!blob.url.empty()) {
    throw Error(errc::invalid_argument, fmt::format("{} takes images as bytes, not by their address; download {} first",
                                                    model_.provider->title, blob.url));
  }
  if (!blob.media_type.starts_with("image/")) refuse_blob(model_, blob, "images");
  append_json_string(out_, blob.data);
  image_bytes_ += blob.data.size();
  ++images_;
}

void Writer::assistant(const Turn& turn) {
  calls_ = turn.tool_calls();
  Members message = open("assistant");
  message.add_text("content", turn.text());
  const std::string thinking = replayed_thinking(turn);
  if (!thinking.empty()) message.add_text("thinking", thinking);
  char separator = '[';
  for (const ToolCall* call : calls_) {
    if (separator == '[') message.key("tool_calls");
    out_ += std::exchange(separator, ',');
    Members item(out_);
    item.add_text("id", call->id);
    item.key("function");
    Members function(out_);
    function.add_text("name", wire_function_name(call->name));
    append_wire_arguments(function.key("arguments"), call->arguments);
    function.close();
    item.close();
  }
  if (separator == ',') out_ += ']';
  message.close();
}

/// Some templates tell results apart by the tool's name, others by the call's id; servers without ids leave them aside.
/// https://docs.ollama.com/capabilities/tool-calling
void Writer::result(const ToolCall& call, const ToolResult& result) {
  Members message = open("tool");
  message.add_text("tool_name", wire_function_name(call.name));
  message.add_text("tool_call_id", call.id);
  message.add_text("content", wire_result_in_words(result));
  message.close();
}

std::string Writer::replayed_thinking(const Turn& turn) const {
  if (!model_.replays(turn.running)) return {};
  std::string text;
  for (const Part* part : turn.parts) {
    const auto* reasoning = std::get_if<Reasoning>(part);
    if (reasoning != nullptr && model_.made(*reasoning)) text += reasoning->text;
  }
  return text;
}

/// The smallest of the sizes that holds the prompt and the answer, if the model can hold so much.
std::int64_t context_size(const ModelEntry& entry, std::int64_t prompt, std::optional<std::int64_t> max_tokens) {
  const std::int64_t most = entry.context_tokens.value_or(kMostContext);
  const std::int64_t answer = std::clamp<std::int64_t>(max_tokens.value_or(kAnswerTokens), 0, most);
  std::int64_t size = kLeastContext;
  while (size < most && size < prompt + answer + kTemplateTokens) size *= 2;
  return std::min(size, most);
}

/// https://github.com/ollama/ollama/blob/main/docs/modelfile.mdx#valid-parameters-and-values
json::object model_options(const ModelEntry& entry, const CompletionOptions& options, std::int64_t prompt) {
  json::object fields{{"num_ctx", context_size(entry, prompt, options.max_tokens)}};
  const bool sampling = entry.sampling.value_or(true);
  if (sampling && options.temperature) fields["temperature"] = *options.temperature;
  if (sampling && options.top_p) fields["top_p"] = *options.top_p;
  if (options.max_tokens) fields["num_predict"] = *options.max_tokens;
  if (options.seed) fields["seed"] = *options.seed;
  if (!options.stop.empty()) fields["stop"] = json::array(options.stop.begin(), options.stop.end());
  return fields;
}

/// Most models know only that they shall think or not; those that have levels have them in the catalogue. A model that
/// cannot think answers 400 to `true`. https://docs.ollama.com/capabilities/thinking
void add_thinking(Members& body, const ModelEntry& entry, std::string_view wanted) {
  const std::string effort = accepted_effort(entry, wanted);
  if (effort.empty()) return;
  if (effort == "none" || !entry.efforts) return body.add("think", effort != "none");
  if (effort == "minimal") return body.add_text("think", "low");
  body.add_text("think", effort == "xhigh" ? std::string_view("high") : effort);
}

/// There is no field for the choice: a model that must not call tools gets none.
bool sends_tools(const CompletionRequest& request) {
  return !request.tools.empty() && request.tool_choice != ToolChoice::none;
}

/// Asks for the answer's format; returns what the instructions say about it, always: the grammar holds the model to the
/// schema, and does not tell it what it is. https://docs.ollama.com/capabilities/structured-outputs
std::string add_format(Members& body, const WireModel& model, const CompletionRequest& request) {
  if (request.output_schema == nullptr) return {};
  if (!sends_tools(request) || model.provider->schema_beside_tools) {
    const auto grammar = translate_schema(*request.output_schema, SchemaDialect::grammar);
    body.add("format", grammar ? json::value(grammar->schema) : json::value("json"));
  }
  return schema_in_words(*request.output_schema);
}

std::string tools_text(const CompletionRequest& request) {
  std::string out;
  char separator = '[';
  for (const ToolDescription& tool : request.tools) {
    out += std::exchange(separator, ',');
    out += R"({"type":"function","function":)";
    Members function(out);
    function.add_text("name", tool.name);
    if (!tool.description.empty()) function.add_text("description", tool.description);
    const auto translated = translate_schema(tool.parameters, SchemaDialect::plain);
    function.add("parameters", translated ? translated->schema : tool.parameters);
    function.close();
    out += '}';
  }
  return out += ']';
}

}  // namespace

std::string ollama_request_body(const WireModel& model, const CompletionRequest& request) {
  const CompletionOptions options = options_of(model, request);
  json::object extra = options.extra;
  std::string out;
  Members body(out, &extra);
  body.add_text("model", model.name);
  body.add("stream", model.stream);
  // Else what does not fit is left out without a word: of the prompt, and, once the answer is too long, of its
  // beginning.
  body.add("truncate", false);
  body.add("shift", false);
  add_thinking(body, model.entry, options.reasoning_effort);
  const std::string format = add_format(body, model, request);
  const std::string tools = sends_tools(request) ? tools_text(request) : std::string();
  Writer messages(model);
  messages.write(in_paragraphs(request.instructions, format), request.messages);
  const std::int64_t prompt = static_cast<std::int64_t>(tools.size()) / kBytesPerToken + messages.tokens();
  body.add_object("options", merged(model_options(model.entry, options, prompt), extra, "options"));
  if (!tools.empty()) body.key("tools") += tools;
  body.add_replacements();
  body.key("messages") += messages.text();
  body.close();
  return out;
}

}  // namespace sennit
