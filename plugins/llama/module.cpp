// The module's one symbol, and the table behind it: every entry turns exceptions into words, and nothing else.
#include "engine.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <utility>

struct sennit_llama_model {
  sennit::llama::Model weights{nullptr, &llama_model_free};
};

struct sennit_llama_engine {
  sennit::llama::Engine engine;
};

namespace sennit::llama {
namespace {

/// What libllama said last that was an error: its functions answer with null alone.
thread_local std::string last_words;

void listen(ggml_log_level level, const char* text, void* /*user*/) {
  if (level != GGML_LOG_LEVEL_ERROR) return;
  last_words = text;
  while (!last_words.empty() && last_words.back() == '\n') last_words.pop_back();
}

void tell(sennit_llama_why* why, const Refusal& refusal) {
  if (why == nullptr) return;
  why->code = refusal.code;
  why->wanted = refusal.wanted;
  why->available = refusal.available;
  const std::size_t length = std::min(refusal.text.size(), sizeof why->text - 1);
  std::memcpy(why->text, refusal.text.data(), length);
  why->text[length] = '\0';
}

/// Runs `work`; null or a negative code where it throws.
template <class Result, class Work>
Result guarded(sennit_llama_why* why, Result failed, Work work) {
  Refusal refusal;
  last_words.clear();
  try {
    return work();
  } catch (const Refusal& given) {
    refusal = given;
  } catch (const std::exception& error) {
    refusal.text = error.what();
  } catch (...) {
    refusal.text = "an unknown exception";
  }
  if (refusal.code == SENNIT_LLAMA_FAILED && !last_words.empty()) refusal.text += " (" + last_words + ")";
  tell(why, refusal);
  if constexpr (std::is_same_v<Result, std::int32_t>) failed = refusal.code;
  return failed;
}

void begin_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    llama_log_set(listen, nullptr);
    ggml_backend_load_all();  // the fastest code for this machine is a library of its own
    llama_backend_init();
  });
}

bool go_on(float /*progress*/, void* user) {
  const auto& interrupt = *static_cast<const sennit_llama_interrupt*>(user);
  return interrupt.interrupted(interrupt.user) == 0;
}

sennit_llama_model* load(const sennit_llama_load_options* options, sennit_llama_why* why) {
  return guarded<sennit_llama_model*>(why, nullptr, [options] {
    begin_once();
    llama_model_params params = llama_model_default_params();
    params.n_gpu_layers = options->gpu_layers < 0 ? 999 : options->gpu_layers;
    sennit_llama_interrupt interrupt = options->interrupt;
    if (interrupt.interrupted != nullptr) {
      params.progress_callback = go_on;
      params.progress_callback_user_data = &interrupt;
    }
    Model weights(llama_model_load_from_file(options->path, params), &llama_model_free);
    if (!weights && interrupt.interrupted != nullptr && interrupt.interrupted(interrupt.user) != 0) {
      throw Refusal{SENNIT_LLAMA_INTERRUPTED, "loading was interrupted", 0, 0};
    }
    if (!weights) throw Refusal{SENNIT_LLAMA_FAILED, "llama.cpp cannot load it", 0, 0};
    return new sennit_llama_model{std::move(weights)};
  });
}

void unload(sennit_llama_model* model) {
  delete model;
}

sennit_llama_engine* start(sennit_llama_model* model, const sennit_llama_engine_options* options,
                           sennit_llama_why* why) {
  return guarded<sennit_llama_engine*>(why, nullptr,
                                       [=] { return new sennit_llama_engine{Engine(*model->weights, *options)}; });
}

void stop(sennit_llama_engine* engine) {
  delete engine;
}

void describe(const sennit_llama_engine* engine, sennit_llama_engine_info* info) {
  engine->engine.describe(*info);
}

std::int32_t submit(sennit_llama_engine* engine, const sennit_llama_request* request, sennit_llama_why* why) {
  return guarded<std::int32_t>(why, SENNIT_LLAMA_FAILED, [=] { return engine->engine.submit(*request); });
}

void cancel(sennit_llama_engine* engine, std::int32_t sequence) {
  engine->engine.cancel(sequence);
}

void hold(sennit_llama_engine* engine, std::int32_t sequence, std::int32_t held) {
  engine->engine.hold(sequence, held != 0);
}

std::size_t step(sennit_llama_engine* engine, sennit_llama_output* outputs, std::size_t capacity) {
  return engine->engine.step(outputs, capacity);
}

std::int32_t embed_texts(sennit_llama_model* model, const sennit_llama_message* texts, std::size_t count,
                         float* vectors, std::int32_t* dimensions, sennit_llama_why* why) {
  return guarded<std::int32_t>(why, SENNIT_LLAMA_FAILED, [=] {
    *dimensions = llama_model_n_embd(model->weights.get());
    if (vectors != nullptr) embed(*model->weights, texts, count, vectors);
    return SENNIT_LLAMA_OK;
  });
}

constexpr sennit_llama_api kApi = {SENNIT_LLAMA_ABI, load,   unload, start, stop,       describe,
                                   submit,           cancel, hold,   step,  embed_texts};

}  // namespace
}  // namespace sennit::llama

extern "C" __attribute__((visibility("default"))) const sennit_llama_api* sennit_llama_open(int wanted) {
  return wanted == SENNIT_LLAMA_ABI ? &sennit::llama::kApi : nullptr;
}
