#include <sennit/agent/io/white.hpp>
#include <sennit/backends/llama/llama_answer.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace sennit {
namespace {

/// Length of the longest end of `text` that is a true beginning of `mark`.
std::size_t partial(std::string_view text, std::string_view mark) {
  for (std::size_t length = std::min(text.size(), mark.size() - 1); length > 0; --length) {
    if (mark.starts_with(text.substr(text.size() - length))) return length;
  }
  return 0;
}

/// Bytes at the end of `text` that begin a character and do not end it.
std::size_t unfinished_character(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(text.size(), 3); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte < 0x80) return 0;
    if (byte < 0xC0) continue;
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}

/// Reads one thing after another at the beginning of a call. Whatever is not there yet, or is otherwise, ends it.
class Head {
 public:
  explicit Head(std::string_view text) : text_(text) {}

  bool take(std::string_view word) {
    text_.remove_prefix(std::min(text_.find_first_not_of(kWhite), text_.size()));
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  std::optional<std::string> take_string() {
    if (!take("\"")) return {};
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] == '\\') {
        ++i;
      } else if (text_[i] == '"') {
        const std::string quoted = '"' + std::string(text_.substr(0, i + 1));
        text_.remove_prefix(i + 1);
        const json::value* const value = parse_scratch(quoted);
        if (value == nullptr || !value->is_string()) return {};
        return std::string(value->get_string());
      }
    }
    return {};
  }
  [[nodiscard]] std::string_view rest() const { return text_; }

 private:
  std::string_view text_;
};

}  // namespace

LlamaAnswer::LlamaAnswer(LlamaReading reading) : reading_(std::move(reading)), splitter_(reading_.think) {
  std::erase_if(reading_.stop, [](const std::string& text) { return text.empty(); });
}

void LlamaAnswer::push(std::string_view bytes, std::vector<Event>& events) {
  if (stopped_) return;
  bytes_ += bytes;
  std::size_t end = bytes_.size();
  for (const std::string& text : reading_.stop) {
    const std::size_t found = bytes_.find(text);
    if (found == std::string::npos) continue;
    end = std::min(end, found);
    stopped_ = true;
  }
  std::size_t kept = 0;
  if (!stopped_) {
    for (const std::string& text : reading_.stop) kept = std::max(kept, partial(bytes_, text));
    kept = std::max(kept, unfinished_character(bytes_));
  }
  read(std::string_view(bytes_).substr(0, end - std::min(kept, end)), events);
  bytes_.erase(0, stopped_ ? bytes_.size() : end - std::min(kept, end));
}

void LlamaAnswer::read(std::string_view text, std::vector<Event>& events) {
  if (text.empty()) return;
  std::string reasoning;
  std::string answer;
  splitter_.push(sanitize_utf8(text), reasoning, answer);
  if (!reasoning.empty()) append_merged(events, Event{{}, ReasoningDelta{std::move(reasoning), {}}});
  take_answer(answer, events);
}

void LlamaAnswer::take_answer(std::string_view text, std::vector<Event>& events) {
  if (!reading_.tools) return say(std::string(text), events);
  answer_ += text;
  for (bool more = true; more;) {
    switch (state_) {
      case State::text:
        more = take_text(events);
        break;
      case State::head:
        more = take_head(events);
        break;
      case State::arguments:
        more = take_arguments(events);
        break;
      case State::tail:
        more = take_tail();
        break;
    }
  }
}

/// White space around calls belongs to them: it is kept until it is clear that text follows.
bool LlamaAnswer::take_text(std::vector<Event>& events) {
  const std::size_t begin = answer_.find(kCallBegin);
  std::size_t end = begin == std::string::npos ? answer_.size() - partial(answer_, kCallBegin) : begin;
  const std::size_t last = std::string_view(answer_).substr(0, end).find_last_not_of(kWhite);
  end = last == std::string::npos ? 0 : last + 1;
  say(answer_.substr(0, end), events);
  answer_.erase(0, begin == std::string::npos ? end : begin + kCallBegin.size());
  if (begin != std::string::npos) state_ = State::head;
  return begin != std::string::npos;
}

/// `{"name": "…", "arguments": ` is what a grammar allows. What comes otherwise is read when it is whole.
bool LlamaAnswer::take_head(std::vector<Event>& events) {
  Head head(answer_);
  std::optional<std::string> name;
  if (head.take("{") && head.take("\"name\"") && head.take(":")) name = head.take_string();
  if (name && head.take(",") && head.take("\"arguments\"") && head.take(":") && head.take("{")) {
    events.push_back({{}, ToolCallDelta{calls_, {}, std::move(*name), {}, false}});
    answer_ = "{" + std::string(head.rest());
    state_ = State::arguments;
    return true;
  }
  const std::size_t end = answer_.find(kCallEnd);
  if (end == std::string::npos) return false;
  take_whole(std::string_view(answer_).substr(0, end), events);
  answer_.erase(0, end + kCallEnd.size());
  state_ = State::text;
  return true;
}

void LlamaAnswer::take_whole(std::string_view call, std::vector<Event>& events) {
  const json::value* const value = parse_scratch(call);
  if (value == nullptr || find_string(*value, "name").empty()) {  // the words are not to be lost
    return say(std::string(kCallBegin) + std::string(call) + std::string(kCallEnd), events);
  }
  const json::value* arguments = find(*value, "arguments");
  if (arguments == nullptr) arguments = find(*value, "parameters");
  std::string text;
  if (arguments != nullptr && arguments->is_string()) {
    text = arguments->get_string();
  } else if (arguments != nullptr) {
    append_json(text, *arguments);
  }
  events.push_back({{}, ToolCallDelta{calls_++, {}, std::string(find_string(*value, "name")), std::move(text), true}});
}

bool LlamaAnswer::take_arguments(std::vector<Event>& events) {
  std::size_t end = 0;
  bool closed = false;
  while (end < answer_.size() && !closed) {
    const char c = answer_[end++];
    if (std::exchange(escaped_, false)) continue;
    if (quoted_) {
      escaped_ = c == '\\';
      quoted_ = c != '"';
    } else if (c == '"') {
      quoted_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      closed = --depth_ == 0;
    }
  }
  if (end > 0) append_merged(events, Event{{}, ToolCallDelta{calls_, {}, {}, answer_.substr(0, end), false}});
  answer_.erase(0, end);
  if (!closed) return false;
  ++calls_;
  state_ = State::tail;
  return true;
}

bool LlamaAnswer::take_tail() {
  const std::size_t end = answer_.find(kCallEnd);
  if (end == std::string::npos) return false;
  answer_.erase(0, end + kCallEnd.size());
  state_ = State::text;
  return true;
}

void LlamaAnswer::say(std::string text, std::vector<Event>& events) {
  // The line after the thoughts, or after a call, is nobody's answer.
  if (!spoke_ && reading_.tools) text.erase(0, std::min(text.find_first_not_of(kWhite), text.size()));
  if (text.empty()) return;
  spoke_ = true;
  append_merged(events, Event{{}, TextDelta{std::move(text)}});
}

void LlamaAnswer::finish(bool complete, std::vector<Event>& events) {
  read(std::exchange(bytes_, {}), events);
  std::string reasoning;
  std::string answer;
  splitter_.finish(complete, reasoning, answer);
  if (!reasoning.empty()) append_merged(events, Event{{}, ReasoningDelta{std::move(reasoning), {}}});
  if (!answer.empty()) take_answer(answer, events);
  if (state_ == State::arguments) ++calls_;  // cut off; the run sees that it is no JSON
  if (state_ == State::head) say(std::string(kCallBegin) + answer_, events);
  const bool open_text = state_ == State::text && calls_ == 0;
  if (open_text) say(answer_, events);
  answer_.clear();
  state_ = State::text;
}

}  // namespace sennit
