// Private: One context and its sequences, computed together: each step is one batch that holds a token of every
// sequence that writes, and a piece of prompt of those that still read.
//
// What a sequence has read and written stays in the context's memory when it ends, and a prompt that begins alike is
// not read again: a conversation's next turn takes over the sequence of the turn before, and a second conversation with
// the same instructions shares their cells with the first.
#pragma once

#include "sampling.hpp"
#include <sennit/backends/llama/llama_module.h>

#include <llama.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::llama {

using Model = std::unique_ptr<llama_model, decltype(&llama_model_free)>;
using Context = std::unique_ptr<llama_context, decltype(&llama_free)>;
using Tokens = std::vector<llama_token>;

/// Thrown inside the module, and told as a sennit_llama_why.
struct Refusal {
  std::int32_t code = SENNIT_LLAMA_FAILED;
  std::string text;
  std::int64_t wanted = 0;
  std::int64_t available = 0;
};

class Engine {
 public:
  Engine(const llama_model& model, const sennit_llama_engine_options& options);
  Engine(const Engine&) = delete;  // the context knows where its interrupt stands
  Engine& operator=(const Engine&) = delete;

  std::int32_t submit(const sennit_llama_request& request);
  void cancel(std::int32_t sequence);
  void hold(std::int32_t sequence, bool held);
  std::size_t step(sennit_llama_output* outputs, std::size_t capacity);
  void describe(sennit_llama_engine_info& info) const;

 private:
  enum class State : std::uint8_t { idle, reading, writing };

  struct Sequence {
    State state = State::idle;
    bool held = false;
    Tokens known;            // what the memory holds, in order
    Tokens next;             // to be computed: the rest of the prompt, or the token that was chosen last
    std::size_t taken = 0;   // of `next`, in the batch that is being computed
    std::int32_t row = -1;   // its logits in that batch
    std::uint64_t used = 0;  // when it last began
    std::optional<Sampler> sampler;
    std::int64_t prompt = 0;
    std::int64_t cached = 0;
    std::int64_t written = 0;
    std::int64_t most = 0;
    std::string piece;
  };

  struct Alike {
    std::size_t sequence = 0;
    std::size_t tokens = 0;
  };

  [[nodiscard]] Alike find_alike(const Tokens& prompt) const;
  std::size_t place(const Tokens& prompt);
  bool truncate(std::size_t index, std::size_t tokens);
  void forget(std::size_t index);
  void fill_batch();
  void add(std::size_t index, std::size_t count);
  bool compute(sennit_llama_output*& out);
  bool make_room();
  void take_back();
  void choose(std::size_t index, sennit_llama_output& out);
  [[nodiscard]] sennit_llama_output report(std::size_t index, std::int32_t kind) const;
  void break_off(std::size_t index, std::int32_t code, const char* text, sennit_llama_output*& out);
  [[nodiscard]] std::size_t youngest() const;

  const llama_vocab& vocab_;
  const llama_model& model_;
  sennit_llama_interrupt interrupt_;
  Context context_{nullptr, &llama_free};
  bool shares_ = true;  // the memory can drop the end of a sequence, and lend its beginning
  std::size_t room_ = 0;
  std::vector<Sequence> sequences_;
  std::uint64_t clock_ = 0;

  struct BatchFree {
    void operator()(llama_batch* batch) const {
      llama_batch_free(*batch);
      delete batch;
    }
  };
  std::unique_ptr<llama_batch, BatchFree> batch_;
  std::int32_t batch_size_ = 0;
};

/// The prompt of a request, by the model's own chat template, or by ChatML where libllama does not know that.
[[nodiscard]] Tokens prompt_tokens(const llama_model& model, const sennit_llama_request& request);
/// Whether libllama knows the model's template.
[[nodiscard]] bool has_own_template(const llama_model& model);
[[nodiscard]] Tokens tokenise(const llama_vocab& vocab, std::string_view text, bool special);

/// Vectors of length 1, one after the other.
void embed(llama_model& model, const sennit_llama_message* texts, std::size_t count, float* vectors);

}  // namespace sennit::llama
