// From messages to tokens. What a template writes may name control tokens; what people, tools and models wrote may not:
// `<|im_end|>` in a web page is text, and ends no turn.
#include "engine.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace sennit::llama {
namespace {

constexpr const char* kFallback = "chatml";
/// Stands in for a message's words while the template is applied. No text that we are given has these bytes (the core
/// sends UTF-8), and no template trims them.
constexpr char kMark = '\xFF';
/// Said to have been thought where nothing shall be.
constexpr std::string_view kThought = "<think>\n\n</think>\n\n";

std::string fill_in(const char* chat_template, const std::vector<llama_chat_message>& messages) {
  std::string out(4096, '\0');
  for (;;) {
    const std::int32_t length = llama_chat_apply_template(chat_template, messages.data(), messages.size(), true,
                                                          out.data(), static_cast<std::int32_t>(out.size()));
    if (length < 0) return {};
    if (static_cast<std::size_t>(length) <= out.size()) {
      out.resize(static_cast<std::size_t>(length));
      return out;
    }
    out.assign(static_cast<std::size_t>(length) + 1, '\0');
  }
}

bool names_control_token(const llama_vocab& vocab, std::string_view text) {
  const Tokens tokens = tokenise(vocab, text, true);
  return std::any_of(tokens.begin(), tokens.end(),
                     [&vocab](llama_token token) { return llama_vocab_is_control(&vocab, token); });
}

struct Piece {
  std::string_view text;
  bool foreign = false;  // not the template's
};

/// Cuts the rendered text at its marks. Each is kMark, the message's number, kMark.
std::vector<Piece> cut(std::string_view rendered, const sennit_llama_request& request) {
  std::vector<Piece> pieces;
  for (;;) {
    const std::size_t open = rendered.find(kMark);
    pieces.push_back({rendered.substr(0, open), false});
    if (open == std::string_view::npos) return pieces;
    const std::size_t close = rendered.find(kMark, open + 1);
    const std::size_t number = std::stoul(std::string(rendered.substr(open + 1, close - open - 1)));
    const sennit_llama_message& message = request.messages[number];
    pieces.push_back({{message.content, message.length}, true});
    rendered.remove_prefix(close + 1);
  }
}

std::string render(const llama_model& model, const sennit_llama_request& request) {
  std::deque<std::string> marks;
  std::vector<llama_chat_message> messages;
  for (std::size_t i = 0; i < request.message_count; ++i) {
    marks.push_back(kMark + std::to_string(i) + kMark);
    messages.push_back({request.messages[i].role, marks.back().c_str()});
  }
  const char* const own = llama_model_chat_template(&model, nullptr);
  std::string rendered = own == nullptr ? std::string() : fill_in(own, messages);
  return rendered.empty() ? fill_in(kFallback, messages) : rendered;
}

}  // namespace

Tokens tokenise(const llama_vocab& vocab, std::string_view text, bool special) {
  Tokens tokens(text.size() + 8);
  const auto length = static_cast<std::int32_t>(text.size());
  std::int32_t count = llama_tokenize(&vocab, text.data(), length, tokens.data(),
                                      static_cast<std::int32_t>(tokens.size()), false, special);
  if (count < 0) {
    tokens.resize(static_cast<std::size_t>(-count));
    count = llama_tokenize(&vocab, text.data(), length, tokens.data(), -count, false, special);
  }
  tokens.resize(static_cast<std::size_t>(std::max(count, 0)));
  return tokens;
}

bool has_own_template(const llama_model& model) {
  const char* const own = llama_model_chat_template(&model, nullptr);
  return own != nullptr && !fill_in(own, {{"user", "a"}}).empty();
}

Tokens prompt_tokens(const llama_model& model, const sennit_llama_request& request) {
  const llama_vocab& vocab = *llama_model_get_vocab(&model);
  const std::string rendered = render(model, request);
  std::vector<Piece> pieces = cut(rendered, request);
  if (request.no_thinking != 0 && tokenise(vocab, "<think>", true).size() == 1) pieces.push_back({kThought, false});
  const bool attack = std::any_of(pieces.begin(), pieces.end(), [&vocab](const Piece& piece) {
    return piece.foreign && names_control_token(vocab, piece.text);
  });
  Tokens tokens;
  const llama_token begin = llama_vocab_bos(&vocab);
  if (llama_vocab_get_add_bos(&vocab) && begin != LLAMA_TOKEN_NULL) tokens.push_back(begin);
  // Cut up, a text has other tokens at the seams than those that the model has learnt from: only where it must be.
  std::string whole;
  for (const Piece& piece : pieces) {
    if (attack) {
      const Tokens more = tokenise(vocab, piece.text, !piece.foreign);
      tokens.insert(tokens.end(), more.begin(), more.end());
    } else {
      whole += piece.text;
    }
  }
  const Tokens more = tokenise(vocab, whole, true);
  tokens.insert(tokens.end(), more.begin(), more.end());
  // Some templates write the first token themselves.
  if (tokens.size() > 1 && tokens[0] == begin && tokens[1] == begin) tokens.erase(tokens.begin());
  return tokens;
}

}  // namespace sennit::llama
