// Private: How the next token of a sequence is chosen: the usual chain of samplers, and a grammar that has the last
// word, either from the first token on or from a trigger on (a tool call in the middle of free text).
//
// libllama has lazy grammars of its own. They look for their trigger with std::regex in all of the text at each token,
// which costs the square of an answer's length, and the stack's depth with it. Here the last few bytes are looked at.
#pragma once

#include <sennit/backends/llama/llama_module.h>

#include <llama.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit::llama {

/// The bytes of a token. Of control tokens only those that we read ourselves have any: `<think>` and `<tool_call>`.
[[nodiscard]] std::string piece_of(const llama_vocab& vocab, llama_token token);

class Sampler {
 public:
  /// Throws Refusal(SENNIT_LLAMA_BAD_GRAMMAR).
  Sampler(const llama_vocab& vocab, const sennit_llama_request& request);

  /// The next token, by the logits of `row`.
  llama_token choose(llama_context& context, std::int32_t row);
  /// What choose() gave is part of the text now.
  void accept(llama_token token, std::string_view piece);

 private:
  using Owned = std::unique_ptr<llama_sampler, decltype(&llama_sampler_free)>;

  void fill(llama_context& context, std::int32_t row);
  [[nodiscard]] llama_token pick();
  [[nodiscard]] bool allowed(llama_token token) const;
  void watch(llama_token token, std::string_view piece);
  void begin_grammar(std::size_t first, std::string_view before);

  const llama_vocab& vocab_;
  Owned chain_{nullptr, &llama_sampler_free};
  Owned grammar_{nullptr, &llama_sampler_free};
  std::string rules_;    // of a grammar that waits for its trigger
  std::string trigger_;  // empty: it does not wait
  std::deque<std::pair<llama_token, std::string>> recent_;
  std::size_t recent_bytes_ = 0;
  enum class Head : std::uint8_t { open, thinking, past } head_ = Head::open;
  std::string beginning_;  // of the text, until it is clear whether it is a thought
  std::vector<llama_token_data> candidates_;
  llama_token_data_array array_{};
};

}  // namespace sennit::llama
