// Private: Turns the objects of an answer in Anthropic's Messages protocol into events. A stream is a message that
// opens, blocks of content that open, grow and close, and a message that closes. Knows nothing of bytes, framing or
// HTTP (see answer_decoder.hpp). https://docs.anthropic.com/en/docs/build-with-claude/streaming
#pragma once

#include <sennit/backends/messages/messages_usage.hpp>
#include <sennit/backends/wire/answer_assembler.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// What a server's own tools do (web search, code execution, …) is no tool call of ours and gives no events. A thinking
/// block ends in a delta whose `opaque` is {"signature": "…"}, a redacted one is {"redacted_thinking": "…"} without
/// text.
class MessagesAssembler final : public AnswerAssembler {
 public:
  using AnswerAssembler::AnswerAssembler;

 private:
  bool take_chunk(const json::object& chunk) override;
  void take_document(const json::object& answer) override;
  void settle() override;

  struct Call {
    std::string index;  ///< of its block, as JSON text
    json::value input;  ///< what the block opened with, until it is told
    bool piecemeal = false;
  };

  void open_message(const json::object& message);
  void open_block(const json::value* index, const json::object& block);
  void take_delta(const json::value* index, const json::object& delta);
  void close_block(const json::value* index);
  void take_block(const json::object& block);
  void take_blocks(const json::value* content);
  void take_usage(const json::value* usage);
  void take_end(const json::object& end);
  void take_broken(const json::object& object);

  void open_thought(const json::object& block);
  void take_redacted(const json::object& block);
  void close_thought();
  void part_thoughts();

  [[nodiscard]] Call* find_call(const json::value* index);
  /// `index`: empty for a call that came whole, which takes no pieces.
  Call& open_call(std::string index, const json::object& block, std::optional<std::string> arguments, bool whole);
  void tell_input(Call& call);

  MessagesUsage usage_so_far_;
  std::vector<Call> calls_;
  std::string signature_;  // of the thinking block that is open
};

}  // namespace sennit
