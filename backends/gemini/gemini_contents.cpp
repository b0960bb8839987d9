#include <sennit/agent/io/white.hpp>
#include <sennit/backends/gemini/gemini_contents.hpp>
#include <sennit/backends/wire/members.hpp>
#include <sennit/backends/wire/turns.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sennit {

namespace {

constexpr std::string_view kSignature = "thoughtSignature";

/// Stands where a signature is wanted and there is none that is the model's own: Gemini 3 refuses calls without one
/// (400). https://ai.google.dev/gemini-api/docs/thought-signatures
constexpr std::string_view kUnsigned = "skip_thought_signature_validator";

/// What is said for the user where a conversation does not begin with him.
constexpr std::string_view kOpening = "Go on.";

/// What is said for the model where a person goes on after results that it has not answered. In one content with the
/// results Gemini takes his words for a part of them, and answers nothing.
/// https://github.com/google-gemini/gemini-cli/pull/28700
constexpr std::string_view kNoAnswer = "[no answer yet]";

/// https://ai.google.dev/gemini-api/docs/file-input-methods
bool reads(std::string_view media_type) {
  for (const std::string_view kind : {"image/", "audio/", "video/", "text/"}) {
    if (media_type.starts_with(kind)) return true;
  }
  return media_type == "application/pdf" || media_type == "application/json";
}

/// An id that the run gave to a call for want of the provider's (complete_call_ids in agent/effects.cpp).
bool is_invented(std::string_view id) {
  constexpr std::string_view kPrefix = "call_";
  return id.empty() || (id.starts_with(kPrefix) && id.find_first_not_of("0123456789_", kPrefix.size()) == id.npos);
}

/// Text that is itself what `response` wants.
bool is_object(std::string_view text) {
  return trimmed(text).starts_with('{') && parse_json(text).has_value();
}

class Writer {
 public:
  Writer(std::string& out, const WireModel& model) : out_(out), model_(model) {}

  void write(std::span<const Message> messages);

 private:
  enum class Speaker : std::uint8_t { nobody, person, model, tools };

  [[nodiscard]] std::string_view signature_of(const Reasoning& reasoning) const;
  [[nodiscard]] bool says_nothing(const Turn& turn) const;
  void person(const Turn& turn);
  void assistant(const Turn& turn);
  void results(const Turn& turn);

  Members part_of(Speaker speaker);
  void text(Speaker speaker, std::string_view text, std::string_view signature = {});
  void thought(std::string_view text, std::string_view signature);
  void blob(Speaker speaker, const Blob& blob, std::string_view signature = {});
  void call(const ToolCall& call, std::string_view signature);
  void result(const ToolCall& call, const ToolResult& result);
  [[nodiscard]] bool has_id(const ToolCall& call) const { return own_calls_ && !is_invented(call.id); }

  std::string& out_;
  const WireModel& model_;
  Speaker speaker_ = Speaker::nobody;   // of the content that is open
  std::vector<const ToolCall*> calls_;  // of the turn that is answered next
  bool own_calls_ = false;              // no other model made them
};

void Writer::write(std::span<const Message> messages) {
  const Turns turns(messages, [this](const Turn& turn) { return says_nothing(turn); });
  out_ += '[';
  for (const Turn& turn : turns.all()) {
    switch (turn.role) {
      case Role::system:  // in the middle of a conversation: there is no such role, and what came before stays as it is
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
  if (speaker_ == Speaker::nobody) text(Speaker::person, kOpening);
  out_ += "]}]";
}

/// Opens a part, and a content before it where another one speaks than before.
Members Writer::part_of(Speaker speaker) {
  if (speaker_ == Speaker::nobody && speaker == Speaker::model) text(Speaker::person, kOpening);
  if (speaker_ == Speaker::tools && speaker == Speaker::person) text(Speaker::model, kNoAnswer);
  if (speaker_ == speaker) {
    out_ += ',';
  } else {
    if (speaker_ != Speaker::nobody) out_ += "]},";
    out_ += R"({"role":")";
    out_ += speaker == Speaker::model ? "model" : "user";
    out_ += R"(","parts":[)";
    speaker_ = speaker;
  }
  return Members(out_);
}

void Writer::text(Speaker speaker, std::string_view text, std::string_view signature) {
  Members part = part_of(speaker);
  part.add_text("text", text);
  if (!signature.empty()) part.add_text(kSignature, signature);
  part.close();
}

void Writer::thought(std::string_view text, std::string_view signature) {
  Members part = part_of(Speaker::model);
  part.add_text("text", text);
  part.add("thought", true);
  part.add_text(kSignature, signature);
  part.close();
}

void Writer::blob(Speaker speaker, const Blob& blob, std::string_view signature) {
  const bool by_url = !blob.url.empty();
  if (!reads(blob.media_type) && !(by_url && blob.media_type.empty())) {
    refuse_blob(model_, blob, "images, audio, video, PDF and text");
  }
  Members part = part_of(speaker);
  part.key(by_url ? "fileData" : "inlineData");
  Members file(out_);
  if (!blob.media_type.empty()) file.add_text("mimeType", blob.media_type);
  file.add_text(by_url ? "fileUri" : "data", by_url ? blob.url : blob.data);
  file.close();
  if (!signature.empty()) part.add_text(kSignature, signature);
  part.close();
}

void Writer::person(const Turn& turn) {
  std::string said;
  const auto flush = [this, &said] {
    if (!said.empty()) text(Speaker::person, std::exchange(said, {}));
  };
  for (const Part* part : turn.parts) {
    if (const auto* words = std::get_if<Text>(part)) said += words->text;
    if (const auto* file = std::get_if<Blob>(part)) {
      flush();
      blob(Speaker::person, *file);
    }
  }
  flush();
}

/// Signatures of another model are refused, so they are not sent.
std::string_view Writer::signature_of(const Reasoning& reasoning) const {
  return model_.made(reasoning) ? find_string(reasoning.opaque, kSignature) : std::string_view();
}

bool Writer::says_nothing(const Turn& turn) const {
  return std::ranges::none_of(turn.parts, [this](const Part* part) {
    if (const auto* words = std::get_if<Text>(part)) return !words->text.empty();
    if (const auto* reasoning = std::get_if<Reasoning>(part)) return !signature_of(*reasoning).empty();
    return std::holds_alternative<Blob>(*part);
  });
}

/// A signature goes back in the part that it came with, which may have an empty text. Thoughts go back only if they are
/// themselves signed. Each part stays one: signed and unsigned ones must not be joined. Of the calls of a turn the
/// first has the signature; what lacks one lacks it in later turns too, so that the beginning stays as it is.
/// https://ai.google.dev/gemini-api/docs/thought-signatures
void Writer::assistant(const Turn& turn) {
  calls_ = turn.tool_calls();
  own_calls_ = std::ranges::none_of(turn.parts, [this](const Part* part) {
    const auto* reasoning = std::get_if<Reasoning>(part);
    return reasoning != nullptr && !model_.made(*reasoning);
  });
  const bool wants_signature = model_.entry.thinking == ThinkingForm::level;
  std::string_view signature;  // of the next part
  for (const Part* part : turn.parts) {
    if (const auto* reasoning = std::get_if<Reasoning>(part)) {
      if (!signature.empty()) text(Speaker::model, {}, signature);
      signature = signature_of(*reasoning);
      if (reasoning->text.empty() || signature.empty()) continue;
      thought(reasoning->text, std::exchange(signature, {}));
    } else if (const auto* words = std::get_if<Text>(part)) {
      if (!words->text.empty()) text(Speaker::model, words->text, std::exchange(signature, {}));
    } else if (const auto* file = std::get_if<Blob>(part)) {
      blob(Speaker::model, *file, std::exchange(signature, {}));
    } else if (const auto* made = std::get_if<ToolCall>(part)) {
      const bool lacks_one = wants_signature && signature.empty() && made == calls_.front();
      call(*made, lacks_one ? kUnsigned : std::exchange(signature, {}));
    }
  }
  if (!signature.empty()) text(Speaker::model, {}, signature);
}

void Writer::call(const ToolCall& call, std::string_view signature) {
  Members part = part_of(Speaker::model);
  part.key("functionCall");
  Members function(out_);
  if (has_id(call)) function.add_text("id", call.id);
  function.add_text("name", wire_function_name(call.name));
  append_wire_arguments(function.key("args"), call.arguments);
  function.close();
  if (!signature.empty()) part.add_text(kSignature, signature);
  part.close();
}

/// As many results as there were calls, in one content: told apart by their ids, or by name and order where the
/// provider sent none. https://ai.google.dev/gemini-api/docs/function-calling
void Writer::results(const Turn& turn) {
  for (std::size_t i = 0; i < turn.results.size(); ++i) result(*calls_.at(i), *turn.results[i]);
}

void Writer::result(const ToolCall& call, const ToolResult& result) {
  Members part = part_of(Speaker::tools);
  part.key("functionResponse");
  Members function(out_);
  if (has_id(call)) function.add_text("id", call.id);
  function.add_text("name", wire_function_name(call.name));
  std::string& response = function.key("response");
  if (!result.is_error && is_object(result.content)) {
    response += result.content;
  } else {
    Members wrapped(response);
    wrapped.add_text(result.is_error ? "error" : "result", wire_result(result));
    wrapped.close();
  }
  function.close();
  part.close();
}

}  // namespace

void append_gemini_contents(std::string& out, const WireModel& model, std::span<const Message> messages) {
  Writer(out, model).write(messages);
}

}  // namespace sennit
