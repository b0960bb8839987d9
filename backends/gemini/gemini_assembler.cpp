#include <sennit/backends/gemini/gemini_assembler.hpp>
#include <sennit/backends/wire/json_fields.hpp>

#include <array>
#include <utility>

namespace sennit {

namespace {

constexpr std::array<std::string_view, 6> kChunkKeys = {"candidates", "usageMetadata", "promptFeedback",
                                                        "error",      "modelVersion",  "responseId"};
constexpr std::array<std::string_view, 3> kCandidateKeys = {"index", "content", "finishReason"};
constexpr std::array<std::string_view, 4> kPartKeys = {"text", "thought", "thoughtSignature", "functionCall"};
constexpr std::string_view kSignature = "thoughtSignature";
constexpr std::array<std::string_view, 5> kCallKeys = {"id", "name", "args", "partialArgs", "willContinue"};

/// Why a prompt was refused may be a word that means something else as a reason to stop (OTHER). With this before it,
/// it is what Google's chat completions say.
constexpr std::string_view kBlocked = "content_filter: ";

/// A client may ask for numbers instead of names (`$alt=json;enum-encoding=int`). Beyond these the two services of
/// Google number differently.
constexpr std::array<std::string_view, 6> kFinishReasons = {"", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER"};

std::string reason_word(const json::value& reason) {
  const std::int64_t* number = reason.if_int64();
  const bool named = number != nullptr && *number >= 0 && *number < static_cast<std::int64_t>(kFinishReasons.size());
  std::string word = named ? std::string(kFinishReasons.at(static_cast<std::size_t>(*number))) : text_of(reason);
  return word == "FINISH_REASON_UNSPECIFIED" ? std::string() : word;
}

}  // namespace

bool GeminiAssembler::take_chunk(const json::object& chunk) {
  const auto [candidates, usage, feedback, error, version, id] = fields(chunk, kChunkKeys);
  if (says_something(error)) {
    const json::value document(chunk);
    take_error(read_provider_error(&document, 0, {}), true);
  }
  if (const json::object* counts = as_object(usage)) take_usage(*counts);
  if (const json::object* judged = as_object(feedback)) take_feedback(*judged);
  if (const json::array* items = as_array(candidates)) take_candidates(*items);
  for (const json::value* field : {candidates, usage, feedback, error, version, id}) {
    if (present(field)) return true;
  }
  return false;
}

void GeminiAssembler::settle() {
  // The model that stopped by itself has said all of it, with or without the end of the call.
  settle_call(reason_ == "STOP");
}

void GeminiAssembler::take_usage(const json::object& usage) {
  understood_ = true;
  if (verbatim_) GeminiUsage::note(usage, sent_.usage);
  if (usage_so_far_.take(usage)) append_usage(verbatim_ ? usage_so_far_.counts() : usage_so_far_.meaning());
}

/// What became of the prompt. A refused one has no candidates.
void GeminiAssembler::take_feedback(const json::object& feedback) {
  understood_ = true;
  const json::value* block = feedback.if_contains("blockReason");
  if (!says_something(block)) return;
  if (verbatim_) sent_.finish_detail = *block;
  reason_ = std::string(kBlocked).append(text_of(*block));
  blocked_ = true;
  // A verbatim reading shows no such words: they are none of the model's.
  if (!verbatim_ && !refused()) refuse(text_at(feedback, "blockReasonMessage"));
}

void GeminiAssembler::take_candidates(const json::array& candidates) {
  understood_ = true;
  for (const json::value& item : candidates) {
    const json::object* candidate = item.if_object();
    if (candidate == nullptr) continue;
    const auto [index, content, reason] = fields(*candidate, kCandidateKeys);
    if (says_something(index)) continue;  // a candidate without an index is the first one
    const json::object* said = as_object(content);
    const json::array* parts = said != nullptr ? as_array(said->if_contains("parts")) : nullptr;
    if (parts != nullptr) {
      for (const json::value& part : *parts) {
        if (const json::object* fields = part.if_object()) take_part(*fields);
      }
    }
    if (present(reason)) take_finish_reason(*reason);
  }
}

void GeminiAssembler::take_part(const json::object& part) {
  const auto [text, thought, signature, call] = fields(part, kPartKeys);
  const json::object* function = as_object(call);
  const bool words = text != nullptr && text->is_string();
  const json::value* signed_by = says_something(signature) ? signature : nullptr;
  if (words && says_something(thought)) {
    emit_thought(text->get_string(), signed_by);
  } else {
    // Its own part may have an empty text or none. What we do not tell (files, code, server tools) needs no signature.
    if (signed_by != nullptr && (words || function != nullptr || part.size() == 1)) emit_signature(*signed_by);
    if (words) say(text->get_string());
  }
  if (function != nullptr) take_call(*function);
}

void GeminiAssembler::emit_thought(std::string_view text, const json::value* signature) {
  think(text);
  if (signature == nullptr) return;
  if (text.empty()) return append_opaque({{kSignature, *signature}});
  std::get<ReasoningDelta>(events_->back().data).opaque = json::object{{kSignature, *signature}};
  unsigned_ = false;
}

void GeminiAssembler::emit_signature(const json::value& signature) {
  close_unsigned_thoughts(kSignature);
  append_opaque({{kSignature, signature}});
}

/// The pieces of a call come without its name; a server may repeat it together with the id.
bool GeminiAssembler::continues_call(const json::value* id, const json::value* name) const {
  if (!open_) return false;
  if (!says_something(name)) return true;
  return !verbatim_ && says_something(id) && text_of(*id) == open_->id;
}

void GeminiAssembler::take_call(const json::object& function) {
  const auto [id, name, args, partial, more] = fields(function, kCallKeys);
  const json::array* pieces = as_array(partial);
  const bool in_pieces = says_something(more) || says_something(partial);
  if (!continues_call(id, name)) {
    const bool named = says_something(name);
    const bool says_nothing = !named && !says_something(id) && !says_something(args) && !in_pieces;
    if (says_nothing || (verbatim_ && !named)) return;
    settle_call(true);
    open_call(function, in_pieces);
  }
  if (!open_) return;
  if (pieces != nullptr) {
    for (const json::value& piece : *pieces) {
      if (const json::object* fields = piece.if_object()) open_->arguments.take(*fields);
    }
    worded_ = worded_ || !pieces->empty();
  }
  if (!says_something(more)) settle_call(true);
}

void GeminiAssembler::open_call(const json::object& function, bool in_pieces) {
  const json::value* id = member(function, "id");
  const json::value* name = function.if_contains("name");
  const json::value* args = member(function, "args");
  ToolCallDelta delta;
  delta.call = new_call(id, name);
  if (verbatim_ && id != nullptr) sent_.calls.back().id = *id;  // an empty one as well
  delta.id = word_of(id);
  delta.name = as_text(name);
  if (in_pieces) {
    open_.emplace(OpenCall{delta.call, delta.id, PartialArguments(as_object(args))});
  } else if (args != nullptr) {
    // Text is no object: the arguments as JSON, perhaps.
    delta.whole = verbatim_ || !args->is_string();
    delta.arguments = delta.whole ? wire_text(*args) : std::string(args->get_string());
  }
  append_call(std::move(delta));
}

void GeminiAssembler::settle_call(bool whole) {
  if (!open_) return;
  const OpenCall call = *std::exchange(open_, std::nullopt);
  ToolCallDelta all;
  all.call = call.number;
  all.arguments = wire_text(call.arguments.value());
  all.whole = whole || verbatim_;
  // Arguments that were cut off must not look whole: nobody may act on half of them.
  if (!all.whole) all.arguments->pop_back();
  append_call(std::move(all));
}

void GeminiAssembler::take_finish_reason(const json::value& reason) {
  if (verbatim_) sent_.finish_reason = reason;
  std::string word = reason_word(reason);
  if (!word.empty() && !blocked_) reason_ = std::move(word);
}

}  // namespace sennit
