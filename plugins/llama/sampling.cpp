#include "sampling.hpp"

#include "engine.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>

namespace sennit::llama {
namespace {

constexpr std::array<std::string_view, 4> kSpoken = {"<think>", "</think>", "<tool_call>", "</tool_call>"};
constexpr std::string_view kThink = kSpoken[0];
constexpr std::string_view kThinkEnd = kSpoken[1];
constexpr std::int32_t kPenaltyWindow = 64;

std::string raw_piece(const llama_vocab& vocab, llama_token token) {
  std::array<char, 128> small{};
  std::int32_t length =
      llama_token_to_piece(&vocab, token, small.data(), static_cast<std::int32_t>(small.size()), 0, true);
  if (length >= 0) return {small.data(), static_cast<std::size_t>(length)};
  std::string piece(static_cast<std::size_t>(-length), '\0');
  length = llama_token_to_piece(&vocab, token, piece.data(), -length, 0, true);
  piece.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return piece;
}

/// Newer releases of libllama want the vocabulary's size as well.
template <class Function>
llama_sampler* penalties(Function init, const llama_vocab& vocab, float repeat) {
  if constexpr (requires { init(1, 1, repeat, 0.0F, 0.0F); }) {
    return init(llama_vocab_n_tokens(&vocab), kPenaltyWindow, repeat, 0.0F, 0.0F);
  } else {
    return init(kPenaltyWindow, repeat, 0.0F, 0.0F);
  }
}

/// `text` as a literal of a grammar, byte for byte: an escape there is a code point, so what is not ASCII stays.
std::string literal(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 15U]};
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

std::string piece_of(const llama_vocab& vocab, llama_token token) {
  std::string piece = raw_piece(vocab, token);
  const bool spoken = std::find(kSpoken.begin(), kSpoken.end(), piece) != kSpoken.end();
  if (llama_vocab_is_control(&vocab, token) && !spoken) piece.clear();
  return piece;
}

Sampler::Sampler(const llama_vocab& vocab, const sennit_llama_request& request) : vocab_(vocab) {
  chain_.reset(llama_sampler_chain_init(llama_sampler_chain_default_params()));
  const auto add = [this](llama_sampler* sampler) { llama_sampler_chain_add(chain_.get(), sampler); };
  if (request.repeat_penalty != 1.0F) {
    add(penalties(llama_sampler_init_penalties, vocab, request.repeat_penalty));
  }
  if (request.temperature <= 0) {
    add(llama_sampler_init_greedy());
  } else {
    if (request.top_k > 0) add(llama_sampler_init_top_k(request.top_k));
    if (request.top_p < 1) add(llama_sampler_init_top_p(request.top_p, 1));
    if (request.min_p > 0) add(llama_sampler_init_min_p(request.min_p, 1));
    add(llama_sampler_init_temp(request.temperature));
    add(llama_sampler_init_dist(request.seed));
  }
  if (request.grammar == nullptr) return;
  // Read even where it waits: a mistake shall be told now.
  grammar_.reset(llama_sampler_init_grammar(&vocab, request.grammar, "root"));
  if (!grammar_) throw Refusal{SENNIT_LLAMA_BAD_GRAMMAR, "the grammar cannot be read", 0, 0};
  if (request.trigger == nullptr) return;
  grammar_.reset();
  rules_ = request.grammar;
  trigger_ = request.trigger;
}

void Sampler::fill(llama_context& context, std::int32_t row) {
  const float* const logits = llama_get_logits_ith(&context, row);
  const auto count = static_cast<std::size_t>(llama_vocab_n_tokens(&vocab_));
  candidates_.resize(count);
  for (std::size_t i = 0; i < count; ++i) candidates_[i] = {static_cast<llama_token>(i), logits[i], 0};
  array_ = {candidates_.data(), count, -1, false};
}

llama_token Sampler::pick() {
  llama_sampler_apply(chain_.get(), &array_);
  return array_.data[std::max<std::int64_t>(array_.selected, 0)].id;
}

bool Sampler::allowed(llama_token token) const {
  llama_token_data one{token, 1, 0};
  llama_token_data_array array{&one, 1, -1, false};
  llama_sampler_apply(grammar_.get(), &array);
  return !std::isinf(one.logit);
}

/// Asking the grammar about one token is cheap, and mostly the model wants what the grammar allows. About all of a
/// vocabulary it is asked only where it refused.
llama_token Sampler::choose(llama_context& context, std::int32_t row) {
  fill(context, row);
  const llama_token token = pick();
  if (!grammar_ || allowed(token)) return token;
  fill(context, row);
  llama_sampler_apply(grammar_.get(), &array_);
  return pick();
}

void Sampler::accept(llama_token token, std::string_view piece) {
  llama_sampler_accept(chain_.get(), token);
  if (grammar_) {
    llama_sampler_accept(grammar_.get(), token);
  } else if (!trigger_.empty()) {
    watch(token, piece);
  }
}

/// Looks for the trigger at the end of the text. One inside the thoughts that open an answer is none.
void Sampler::watch(llama_token token, std::string_view piece) {
  if (head_ == Head::open) {
    beginning_ += piece;
    const std::size_t start = std::min(beginning_.find_first_not_of(" \t\r\n"), beginning_.size());
    const std::string_view rest = std::string_view(beginning_).substr(start);
    if (rest.starts_with(kThink)) {
      head_ = Head::thinking;
    } else if (!kThink.starts_with(rest)) {
      head_ = Head::past;
    }
  }
  recent_.emplace_back(token, piece);
  recent_bytes_ += piece.size();
  std::string text;
  for (const auto& [id, bytes] : recent_) text += bytes;
  const std::string_view sought = head_ == Head::thinking ? kThinkEnd : std::string_view(trigger_);
  if (const std::size_t found = text.find(sought); found != std::string::npos) {
    if (head_ == Head::thinking) {
      head_ = Head::past;
      return;
    }
    std::size_t first = 0;
    std::size_t begin = 0;
    while (begin + recent_[first].second.size() <= found) begin += recent_[first++].second.size();
    begin_grammar(first, std::string_view(text).substr(begin, found - begin));
    return;
  }
  while (!recent_.empty() && recent_bytes_ - recent_.front().second.size() >= sought.size()) {
    recent_bytes_ -= recent_.front().second.size();
    recent_.pop_front();
  }
}

/// The grammar reads whole tokens, and the trigger may begin within one: a rule of its own lets what stands `before` it
/// pass.
void Sampler::begin_grammar(std::size_t first, std::string_view before) {
  const std::string rules = rules_ + "\nsennit-begin ::= " + (before.empty() ? "" : literal(before) + " ") + "root\n";
  grammar_.reset(llama_sampler_init_grammar(&vocab_, rules.c_str(), "sennit-begin"));
  trigger_.clear();
  try {
    for (std::size_t i = first; grammar_ && i < recent_.size(); ++i) {
      llama_sampler_accept(grammar_.get(), recent_[i].first);
    }
  } catch (const std::exception&) {
    grammar_.reset();  // the token that ended the trigger went on otherwise: what follows is free text
  }
  recent_.clear();
}

}  // namespace sennit::llama
