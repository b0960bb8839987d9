// Private: Turns the objects of a Gemini answer (generateContent) into events. Each chunk of a stream is a small answer
// of its own: candidates with parts, and the counts so far. Knows nothing of bytes, framing or HTTP (see
// answer_decoder.hpp). https://ai.google.dev/api/generate-content
#pragma once

#include <sennit/backends/gemini/gemini_usage.hpp>
#include <sennit/backends/wire/answer_assembler.hpp>
#include <sennit/backends/wire/partial_arguments.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// The first candidate alone is read. What the server's own tools do (search, code execution) and what is no text gives
/// no events.
///
/// The provider wants a part's signature back in the same part, so it is told where the part stands: a ReasoningDelta
/// whose `opaque` is {"thoughtSignature": "…"}, without text right before a text or a call, or as the last delta of a
/// thought that is itself signed. Thoughts that are not, before a part that is, end in an empty signature: else theirs
/// and the next part's would look the same once the deltas are put together.
///
/// The protocol has no last object: a reason to stop may stand in every chunk, and counts may follow it.
class GeminiAssembler final : public AnswerAssembler {
 public:
  using AnswerAssembler::AnswerAssembler;

 private:
  /// A call whose arguments are still coming. There is one at a time.
  struct OpenCall {
    std::uint32_t number;
    std::string id;
    PartialArguments arguments;
  };

  bool take_chunk(const json::object& chunk) override;
  void take_document(const json::object& answer) override { (void)take_chunk(answer); }
  void settle() override;
  void take_usage(const json::object& usage);
  void take_feedback(const json::object& feedback);
  void take_candidates(const json::array& candidates);
  void take_part(const json::object& part);
  void take_call(const json::object& function);
  void take_finish_reason(const json::value& reason);

  void emit_thought(std::string_view text, const json::value* signature);
  void emit_signature(const json::value& signature);

  [[nodiscard]] bool continues_call(const json::value* id, const json::value* name) const;
  void open_call(const json::object& function, bool in_pieces);
  void settle_call(bool whole);

  GeminiUsage usage_so_far_;
  std::optional<OpenCall> open_;
  bool blocked_ = false;  // the prompt was refused
};

}  // namespace sennit
