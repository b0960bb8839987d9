#include "engine.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace sennit::llama {
namespace {

constexpr std::uint32_t kUsualContext = 8192;  // of models that were made for more
constexpr std::uint32_t kUsualBatch = 512;
/// So many tokens alike are worth lending; fewer are the template's first words.
constexpr std::size_t kWorthLending = 16;

std::size_t common(const Tokens& a, const Tokens& b) {
  const auto [end, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(end - a.begin());
}

bool interrupted(void* user) {
  const auto& interrupt = *static_cast<const sennit_llama_interrupt*>(user);
  return interrupt.interrupted(interrupt.user) != 0;
}

/// As many as there are real cores, mostly. The threads of llama.cpp wait for one another by spinning: where one of
/// them is not scheduled, because there are others who want the processor, each token takes fifty times as long.
std::int32_t usual_threads() {
  return static_cast<std::int32_t>(std::max(1U, std::thread::hardware_concurrency() / 2));
}

}  // namespace

Engine::Engine(const llama_model& model, const sennit_llama_engine_options& options)
    : vocab_(*llama_model_get_vocab(&model)), model_(model), interrupt_(options.interrupt) {
  const auto trained = static_cast<std::uint32_t>(std::max(0, llama_model_n_ctx_train(&model)));
  llama_context_params params = llama_context_default_params();
  params.n_ctx = options.context != 0 ? options.context
                 : trained == 0       ? kUsualContext
                                      : std::min(trained, kUsualContext);
  params.n_batch = options.batch != 0 ? options.batch : kUsualBatch;
  params.n_ubatch = params.n_batch;
  params.n_seq_max = std::max(1U, options.sequences);
  params.kv_unified = true;  // one conversation may use all of it, and those that begin alike share their beginning
  params.n_threads = params.n_threads_batch = options.threads > 0 ? options.threads : usual_threads();
  params.no_perf = true;
  if (interrupt_.interrupted != nullptr) {
    params.abort_callback = interrupted;
    params.abort_callback_data = &interrupt_;
  }
  // libllama takes the model as one that may change, and does not change it.
  context_.reset(llama_init_from_model(const_cast<llama_model*>(&model), params));
  if (!context_)
    throw Refusal{SENNIT_LLAMA_FAILED, "llama.cpp could not make a context: is there enough memory?", 0, 0};
  shares_ = !llama_model_is_recurrent(&model) && !llama_model_is_hybrid(&model);
  room_ = llama_n_ctx(context_.get());
  batch_size_ = static_cast<std::int32_t>(llama_n_batch(context_.get()));
  batch_.reset(new llama_batch(llama_batch_init(batch_size_, 0, 1)));
  sequences_.resize(params.n_seq_max);
}

void Engine::describe(sennit_llama_engine_info& info) const {
  info.context = static_cast<std::uint32_t>(room_);
  info.sequences = static_cast<std::uint32_t>(sequences_.size());
  info.own_template = has_own_template(model_) ? 1 : 0;
}

std::int32_t Engine::submit(const sennit_llama_request& request) {
  if (std::none_of(sequences_.begin(), sequences_.end(), [](const Sequence& s) { return s.state == State::idle; })) {
    throw Refusal{SENNIT_LLAMA_BUSY, "every sequence is at work", 0, 0};
  }
  const Tokens prompt = prompt_tokens(model_, request);
  // One token at least is to be written.
  if (prompt.empty() || prompt.size() >= room_) {
    throw Refusal{SENNIT_LLAMA_TOO_LONG, "the prompt does not fit into the context",
                  static_cast<std::int64_t>(prompt.size()), static_cast<std::int64_t>(room_)};
  }
  Sampler sampler(vocab_, request);  // before anything changes: its grammar may be refused
  const std::size_t index = place(prompt);
  Sequence& sequence = sequences_[index];
  sequence.sampler.emplace(std::move(sampler));
  sequence.state = State::reading;
  sequence.held = false;
  sequence.used = ++clock_;
  sequence.prompt = static_cast<std::int64_t>(prompt.size());
  sequence.cached = static_cast<std::int64_t>(sequence.known.size());
  sequence.written = 0;
  sequence.most = request.max_tokens;
  sequence.next.assign(prompt.begin() + sequence.cached, prompt.end());
  return static_cast<std::int32_t>(index);
}

/// The sequence, at work or not, whose memory begins most like the prompt. The last token must be read in any case: it
/// brings the first choice.
Engine::Alike Engine::find_alike(const Tokens& prompt) const {
  Alike best;
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    const std::size_t tokens = std::min(common(sequences_[i].known, prompt), prompt.size() - 1);
    const bool idle = sequences_[i].state == State::idle;
    const bool better_idle = idle && sequences_[best.sequence].state != State::idle && tokens >= best.tokens;
    if (tokens > best.tokens || better_idle) best = {i, tokens};
  }
  return best;
}

/// Chooses an idle sequence for the prompt, whose memory then holds a beginning of it and nothing else.
std::size_t Engine::place(const Tokens& prompt) {
  const Alike alike = find_alike(prompt);
  const Sequence& source = sequences_[alike.sequence];
  // The next turn of a conversation begins with all that was asked before. Another conversation, which shares the
  // instructions alone, must not cost that one its memory.
  const bool goes_on = source.state == State::idle &&
                       alike.tokens + 1 >= static_cast<std::size_t>(std::max<std::int64_t>(source.prompt, 1));
  std::size_t index = alike.sequence;
  if (!goes_on || alike.tokens == 0) {
    const auto older = [this](std::size_t a, std::size_t b) { return sequences_[a].used < sequences_[b].used; };
    std::optional<std::size_t> oldest;
    for (std::size_t i = 0; i < sequences_.size(); ++i) {
      if (sequences_[i].state == State::idle && (!oldest || older(i, *oldest))) oldest = i;
    }
    index = *oldest;
  }
  if (index == alike.sequence) {
    if (!truncate(index, alike.tokens)) forget(index);
    return index;
  }
  forget(index);
  if (shares_ && alike.tokens >= kWorthLending) {
    llama_memory_seq_cp(llama_get_memory(context_.get()), static_cast<llama_seq_id>(alike.sequence),
                        static_cast<llama_seq_id>(index), 0, static_cast<llama_pos>(alike.tokens));
    const Tokens& lent = source.known;
    sequences_[index].known.assign(lent.begin(), lent.begin() + static_cast<std::ptrdiff_t>(alike.tokens));
  }
  return index;
}

bool Engine::truncate(std::size_t index, std::size_t tokens) {
  Sequence& sequence = sequences_[index];
  if (tokens == sequence.known.size()) return true;
  if (tokens == 0 || !shares_) return false;
  if (!llama_memory_seq_rm(llama_get_memory(context_.get()), static_cast<llama_seq_id>(index),
                           static_cast<llama_pos>(tokens), -1)) {
    return false;
  }
  sequence.known.resize(tokens);
  return true;
}

void Engine::forget(std::size_t index) {
  llama_memory_seq_rm(llama_get_memory(context_.get()), static_cast<llama_seq_id>(index), -1, -1);
  sequences_[index].known.clear();
}

void Engine::cancel(std::int32_t index) {
  if (index < 0 || static_cast<std::size_t>(index) >= sequences_.size()) return;
  Sequence& sequence = sequences_[static_cast<std::size_t>(index)];
  sequence.state = State::idle;
  sequence.next.clear();
  sequence.sampler.reset();
}

void Engine::hold(std::int32_t index, bool held) {
  if (index >= 0 && static_cast<std::size_t>(index) < sequences_.size()) {
    sequences_[static_cast<std::size_t>(index)].held = held;
  }
}

void Engine::add(std::size_t index, std::size_t count) {
  Sequence& sequence = sequences_[index];
  llama_batch& batch = *batch_;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t row = batch.n_tokens++;
    batch.token[row] = sequence.next[i];
    batch.pos[row] = static_cast<llama_pos>(sequence.known.size() + i);
    batch.n_seq_id[row] = 1;
    batch.seq_id[row][0] = static_cast<llama_seq_id>(index);
    batch.logits[row] = i + 1 == sequence.next.size() ? 1 : 0;
    if (batch.logits[row] != 0) sequence.row = row;
  }
  sequence.taken = count;
}

/// Those that write come first: nobody's answer waits for another one's prompt. The prompts share what is left, the
/// oldest first.
void Engine::fill_batch() {
  batch_->n_tokens = 0;
  std::vector<std::size_t> readers;
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    Sequence& sequence = sequences_[i];
    sequence.taken = 0;
    sequence.row = -1;
    if (sequence.held || sequence.state == State::idle) continue;
    if (sequence.state == State::reading) {
      readers.push_back(i);
    } else if (batch_->n_tokens < batch_size_) {
      add(i, 1);
    }
  }
  std::sort(readers.begin(), readers.end(),
            [this](std::size_t a, std::size_t b) { return sequences_[a].used < sequences_[b].used; });
  for (const std::size_t i : readers) {
    const auto left = static_cast<std::size_t>(batch_size_ - batch_->n_tokens);
    if (left > 0) add(i, std::min(left, sequences_[i].next.size()));
  }
}

std::size_t Engine::step(sennit_llama_output* outputs, std::size_t capacity) {
  if (capacity < sequences_.size()) return 0;
  sennit_llama_output* out = outputs;
  if (!compute(out)) return static_cast<std::size_t>(out - outputs);
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    Sequence& sequence = sequences_[i];
    if (sequence.taken == 0) continue;
    const auto taken = sequence.next.begin() + static_cast<std::ptrdiff_t>(sequence.taken);
    sequence.known.insert(sequence.known.end(), sequence.next.begin(), taken);
    sequence.next.erase(sequence.next.begin(), taken);
    if (sequence.row < 0) continue;
    try {
      choose(i, *out);
      ++out;
    } catch (const std::exception& error) {
      sequence.piece = error.what();
      break_off(i, SENNIT_LLAMA_FAILED, sequence.piece.c_str(), out);
    }
  }
  return static_cast<std::size_t>(out - outputs);
}

/// Computes a batch. Where the memory is full, conversations that rest are forgotten, then the youngest that is at work
/// gives way. False: nothing was computed, and `out` says what broke.
bool Engine::compute(sennit_llama_output*& out) {
  for (;;) {
    fill_batch();
    if (batch_->n_tokens == 0) return false;
    const std::int32_t result = llama_decode(context_.get(), *batch_);
    if (result == 0) return true;
    if (result == 1) {
      if (make_room()) continue;
      break_off(youngest(), SENNIT_LLAMA_BUSY, "the context is full of other conversations", out);
      continue;
    }
    if (result == 2) {
      take_back();
      return false;
    }
    for (std::size_t i = 0; i < sequences_.size(); ++i) {
      if (sequences_[i].state != State::idle) {
        break_off(i, SENNIT_LLAMA_FAILED, "llama.cpp could not compute the batch", out);
      }
      sequences_[i].known.clear();
    }
    llama_memory_clear(llama_get_memory(context_.get()), true);
    return false;
  }
}

bool Engine::make_room() {
  std::optional<std::size_t> oldest;
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    const bool rests = sequences_[i].state == State::idle && !sequences_[i].known.empty();
    if (rests && (!oldest || sequences_[i].used < sequences_[*oldest].used)) oldest = i;
  }
  if (!oldest) return false;
  forget(*oldest);
  return true;
}

/// An interrupted batch may have been computed in part.
void Engine::take_back() {
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    const bool kept = llama_memory_seq_rm(llama_get_memory(context_.get()), static_cast<llama_seq_id>(i),
                                          static_cast<llama_pos>(sequences_[i].known.size()), -1);
    if (kept) continue;
    // A memory that cannot go back: what was known is to be read again.
    Tokens all = std::move(sequences_[i].known);
    forget(i);
    if (sequences_[i].state == State::idle) continue;
    all.insert(all.end(), sequences_[i].next.begin(), sequences_[i].next.end());
    sequences_[i].next = std::move(all);
    sequences_[i].state = State::reading;
  }
}

std::size_t Engine::youngest() const {
  std::size_t found = 0;
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    if (sequences_[i].taken == 0) continue;
    if (sequences_[found].taken == 0 || sequences_[i].used > sequences_[found].used) found = i;
  }
  return found;
}

void Engine::choose(std::size_t index, sennit_llama_output& out) {
  Sequence& sequence = sequences_[index];
  const llama_token token = sequence.sampler->choose(*context_, sequence.row);
  if (llama_vocab_is_eog(&vocab_, token)) {
    sequence.piece.clear();
    out = report(index, SENNIT_LLAMA_STOPPED);
    return cancel(static_cast<std::int32_t>(index));
  }
  sequence.piece = piece_of(vocab_, token);
  sequence.sampler->accept(token, sequence.piece);
  sequence.state = State::writing;
  ++sequence.written;
  // The last token's bytes are told together with the end.
  if (sequence.most > 0 && sequence.written >= sequence.most) {
    out = report(index, SENNIT_LLAMA_LENGTH);
  } else if (sequence.known.size() + 1 >= room_) {
    out = report(index, SENNIT_LLAMA_FULL);
  } else {
    sequence.next.assign(1, token);
    out = report(index, SENNIT_LLAMA_TOKEN);
    return;
  }
  cancel(static_cast<std::int32_t>(index));
}

sennit_llama_output Engine::report(std::size_t index, std::int32_t kind) const {
  const Sequence& sequence = sequences_[index];
  sennit_llama_output out{};
  out.sequence = static_cast<std::int32_t>(index);
  out.kind = kind;
  out.text = sequence.piece.data();
  out.length = sequence.piece.size();
  out.prompt = sequence.prompt;
  out.cached = sequence.cached;
  out.written = sequence.written;
  return out;
}

void Engine::break_off(std::size_t index, std::int32_t code, const char* text, sennit_llama_output*& out) {
  sequences_[index].piece = text;
  *out = report(index, SENNIT_LLAMA_BROKEN);
  out->code = code;
  ++out;
  cancel(static_cast<std::int32_t>(index));
  sequences_[index].taken = 0;
}

}  // namespace sennit::llama
