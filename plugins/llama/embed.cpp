#include "engine.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace sennit::llama {
namespace {

constexpr std::uint32_t kLongest = 2048;  // tokens of one text: what models for embeddings are made for is less

Context embedding_context(llama_model& model) {
  const auto trained = static_cast<std::uint32_t>(std::max(1, llama_model_n_ctx_train(&model)));
  llama_context_params params = llama_context_default_params();
  params.n_ctx = params.n_batch = params.n_ubatch = std::min(trained, kLongest);
  params.n_seq_max = 1;
  params.embeddings = true;
  params.no_perf = true;
  Context context(llama_init_from_model(&model, params), &llama_free);
  if (!context) throw Refusal{SENNIT_LLAMA_FAILED, "llama.cpp could not make a context for embeddings", 0, 0};
  return context;
}

/// A model that does not say how the vectors of a text's tokens become one (it was made for answers) gets their mean.
void pooled(llama_context& context, std::int32_t tokens, float* vector, std::int32_t dimensions) {
  std::fill(vector, vector + dimensions, 0.0F);
  const auto add = [vector, dimensions](const float* one) {
    for (std::int32_t d = 0; one != nullptr && d < dimensions; ++d) vector[d] += one[d];
  };
  if (llama_pooling_type(&context) != LLAMA_POOLING_TYPE_NONE) {
    add(llama_get_embeddings_seq(&context, 0));
  } else {
    for (std::int32_t i = 0; i < tokens; ++i) add(llama_get_embeddings_ith(&context, i));
  }
  double square = 0;
  for (std::int32_t d = 0; d < dimensions; ++d) square += static_cast<double>(vector[d]) * vector[d];
  const auto length = static_cast<float>(std::sqrt(square));
  if (length <= 0) return;
  for (std::int32_t d = 0; d < dimensions; ++d) vector[d] /= length;
}

}  // namespace

void embed(llama_model& model, const sennit_llama_message* texts, std::size_t count, float* vectors) {
  const llama_vocab& vocab = *llama_model_get_vocab(&model);
  const std::int32_t dimensions = llama_model_n_embd(&model);
  const Context context = embedding_context(model);
  const auto most = static_cast<std::int32_t>(llama_n_batch(context.get()));
  llama_batch batch = llama_batch_init(most, 0, 1);
  const std::unique_ptr<llama_batch, void (*)(llama_batch*)> owner(&batch,
                                                                   [](llama_batch* b) { llama_batch_free(*b); });
  for (std::size_t i = 0; i < count; ++i) {
    Tokens tokens = tokenise(vocab, {texts[i].content, texts[i].length}, false);
    if (llama_vocab_get_add_bos(&vocab)) tokens.insert(tokens.begin(), llama_vocab_bos(&vocab));
    if (llama_vocab_get_add_eos(&vocab)) tokens.push_back(llama_vocab_eos(&vocab));
    if (tokens.size() > static_cast<std::size_t>(most)) {
      throw Refusal{SENNIT_LLAMA_TOO_LONG, "a text is too long to be embedded",
                    static_cast<std::int64_t>(tokens.size()), most};
    }
    batch.n_tokens = static_cast<std::int32_t>(tokens.size());
    for (std::int32_t row = 0; row < batch.n_tokens; ++row) {
      batch.token[row] = tokens[static_cast<std::size_t>(row)];
      batch.pos[row] = row;
      batch.n_seq_id[row] = 1;
      batch.seq_id[row][0] = 0;
      batch.logits[row] = 1;
    }
    if (llama_memory_t memory = llama_get_memory(context.get())) llama_memory_clear(memory, true);
    const bool encodes = llama_model_has_encoder(&model) && !llama_model_has_decoder(&model);
    const std::int32_t result = tokens.empty() ? 0
                                : encodes      ? llama_encode(context.get(), batch)
                                               : llama_decode(context.get(), batch);
    if (result != 0) throw Refusal{SENNIT_LLAMA_FAILED, "llama.cpp could not compute the vectors", 0, 0};
    float* const vector = vectors + i * static_cast<std::size_t>(dimensions);
    if (tokens.empty()) {
      std::fill(vector, vector + dimensions, 0.0F);
    } else {
      pooled(*context, batch.n_tokens, vector, dimensions);
    }
  }
}

}  // namespace sennit::llama
