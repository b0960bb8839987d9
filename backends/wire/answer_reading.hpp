// Private: What a recorded chat-completions answer says, as one JSON object: `sennit decode`, and the measure of the
// decoder against recorded traffic. The answer goes through the decoder that runs use, so this is what an agent would
// have seen.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/backends/wire/answer_decoder.hpp>

#include <cstddef>
#include <span>
#include <string_view>

namespace sennit {

struct ReadingOptions {
  Api api = Api::chat_completions;
  Framing framing = Framing::detect;
  int status = 200;          ///< HTTP status of the answer
  bool split_think = false;  ///< move <think> text from `text` to `reasoning`, as an agent sees it
};

/// {text, reasoning, refusal, tool_calls: [{id, name, arguments, arguments_raw}], finish_reason, finish_detail,
/// usage: {input, output, cached_input, reasoning}, error: {status, type, message}}; what the answer lacks is null.
/// A call of a custom tool has `kind: "custom"`, and its arguments are text.
/// `pieces`: sizes of the pieces in which the decoder gets the body, repeated to its end; empty: whole.
/// Throws Error(errc::too_large) if a bound of the decoder is exceeded.
[[nodiscard]] json::object read_answer(std::string_view body, const ReadingOptions& options,
                                       std::span<const std::size_t> pieces);

}  // namespace sennit
