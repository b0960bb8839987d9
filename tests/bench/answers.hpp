// The bytes that the mock server sends, serialised once: a tool call, and an answer of N tokens.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sennit::bench {

/// HTTP/1.1 answers of a chat-completions server, heads and chunk framing included.
struct Answers {
  std::string tool_call;        ///< streamed: add({"a":2,"b":3}) in four argument deltas, usage, [DONE]
  std::string head;             ///< of a streamed text answer, with its first chunk (the role)
  std::string token;            ///< one chunk, one token
  std::string tail;             ///< finish reason, usage, [DONE], last chunk
  std::string burst;            ///< head, all tokens and tail in one piece
  std::string whole_tool_call;  ///< the same answers for `"stream": false`
  std::string whole_text;

  explicit Answers(std::size_t tokens);
};

/// An answer with a body of known length.
[[nodiscard]] std::string plain_answer(std::string_view status, std::string_view body);

}  // namespace sennit::bench
